import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { call, evaluate, newDatabase, runEdict, startEdict, syncNow, temporaryFolder, type Edict } from './edict.ts'
import { newGitServer, newRepo, outcomeOf, rego, serveRepo, showSource, type ServedRepo } from './served-repo.ts'

const policy = (name: string, value: number) => ({
  [`shop/${name}/1.0/policy.rego`]: rego('shop', name, `value := ${value}`),
})

describe('two sources', () => {
  let edict: Edict
  let platform: Awaited<ReturnType<typeof newRepo>>
  let team: Awaited<ReturnType<typeof newRepo>>

  const sync = async (source: string) => outcomeOf(await syncNow(edict, source))

  beforeAll(async () => {
    platform = await newRepo({ name: 'platform.git' })
    team = await newRepo({ name: 'team.git' })
    await platform.publish({ ...policy('price', 1), ...policy('tax', 1) })
    await team.publish(policy('stock', 1))
    const [first, second] = await Promise.all([
      newGitServer({ root: platform.root }),
      newGitServer({ root: team.root }),
    ])
    const config = join(await temporaryFolder(), 'edict.yaml')
    await writeFile(
      config,
      `sources:
  - git: { url: ${first.url}/platform.git }
    interval: 1h
  - git: { url: ${second.url}/team.git }
    interval: 1h
`,
    )
    edict = await startEdict({ ...newDatabase(), EDICT_CONFIG: config })
  })

  it('each answer for their own, named in the URL or not', async () => {
    expect((await evaluate(edict, 'shop/price/1.0')).text).toBe('{"value":1}')
    expect((await evaluate(edict, 'platform/shop/price/1.0')).text).toBe('{"value":1}')
    expect((await evaluate(edict, 'team/shop/stock/1.0')).text).toBe('{"value":1}')
    expect((await evaluate(edict, 'team/shop/price/1.0')).status).toBe(404)
  })

  it('that hold the same policy are a Conflict: everything stays as it is until one of them lets go', async () => {
    const revision = outcomeOf(await syncNow(edict, 'team')).revision
    await team.publish({ ...policy('price', 2), ...policy('stock', 2) })
    const outcome = await sync('team')
    expect(outcome).toMatchObject({ ok: false, revision })
    expect(outcome.findings[0]).toMatchObject({ code: 'Conflict', file: 'shop/price/1.0/policy.rego' })
    expect(outcome.findings[0]?.message).toMatch(/platform .* team |team .* platform /s)
    expect((await showSource(edict, 'team')).json).toMatchObject({ phase: 'Stalled', reason: 'Conflict' })
    expect((await showSource(edict, 'platform')).json).toMatchObject({ phase: 'Stalled', reason: 'Conflict' })

    // Nothing of either source is applied meanwhile, not even what nobody disputes.
    await platform.publish(policy('tax', 2))
    expect(await sync('platform')).toMatchObject({ ok: false, revision })
    expect((await evaluate(edict, 'shop/price/1.0')).text).toBe('{"value":1}')
    expect((await evaluate(edict, 'shop/stock/1.0')).text).toBe('{"value":1}')
    expect((await evaluate(edict, 'shop/tax/1.0')).text).toBe('{"value":1}')

    // The other one takes it over, and all that had waited is applied.
    await platform.publish({ 'shop/price': null })
    expect(await sync('platform')).toMatchObject({ ok: true, findings: [] })
    expect((await evaluate(edict, 'team/shop/price/1.0')).text).toBe('{"value":2}')
    expect((await evaluate(edict, 'shop/stock/1.0')).text).toBe('{"value":2}')
    expect((await evaluate(edict, 'shop/tax/1.0')).text).toBe('{"value":2}')
    expect((await showSource(edict, 'team')).json).toMatchObject({ phase: 'Ready', reason: 'Succeeded' })
  })
})

describe('a commit that would remove at least five policies and more than half of a source’s', () => {
  let served: ServedRepo
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  const all = Object.assign({}, ...names.map((name) => policy(name, 1))) as Record<string, string>
  const without = (gone: string) => Object.fromEntries(gone.split('').map((name) => [`shop/${name}`, null]))

  const statuses = async (): Promise<readonly number[]> =>
    Promise.all(names.map(async (name) => (await evaluate(served.edict, `shop/${name}/1.0`)).status))
  const here = names.map(() => 200)

  const confirm = (commit: string) =>
    call(`${served.edict.url}/api/sources/platform/confirm`, { method: 'POST', body: JSON.stringify({ commit }) })

  beforeAll(async () => {
    served = await serveRepo({ files: all })
  })

  it('is held and shown; confirming it through the API applies that very commit and no other', async () => {
    const { edict, release, repo } = served
    const first = await release(without('abcde'))
    expect(first.outcome).toMatchObject({ ok: false, message: expect.stringContaining(first.commit) })
    expect(await statuses()).toEqual(here)
    const removes = 'abcde'.split('').map((name) => `shop/${name}/1.0`)
    expect((await showSource(edict)).json).toMatchObject({
      phase: 'Stalled',
      reason: 'MassDeletion',
      held: { commit: first.commit, removes, of: 8 },
    })
    expect((await confirm('0'.repeat(40))).status).toBe(409)

    // Another commit comes: what was seen is not what would be applied any more.
    const second = await repo.publish(without('f'))
    const late = await confirm(first.commit)
    expect(late).toMatchObject({ status: 200, json: { ok: false } })
    expect(await statuses()).toEqual(here)
    expect((await showSource(edict)).json).toMatchObject({ held: { commit: second, of: 8 } })

    expect(await confirm(second)).toMatchObject({ status: 200, json: { ok: true } })
    expect(await statuses()).toEqual([404, 404, 404, 404, 404, 404, 200, 200])
    expect((await showSource(edict)).json).toMatchObject({ phase: 'Ready', held: null })
    expect((await confirm(second)).status).toBe(409)
  })

  it('is applied by `edict sync --confirm` with that very commit and no other', async () => {
    const { edict, env, release } = served
    await release(all)
    expect(await statuses()).toEqual(here)
    const { commit } = await release(without('abcdefg'))
    const data = await temporaryFolder()
    const run = (...args: readonly string[]) => runEdict(['sync', ...args], { ...env, EDICT_DATA: data })

    expect(await run('--confirm', '0'.repeat(40))).toMatchObject({ code: 1 })
    const held = await run()
    expect(held).toMatchObject({ code: 1, stdout: expect.stringContaining(commit) })
    expect((await runEdict(['status'], { ...env, EDICT_DATA: data })).stdout).toContain(
      `edict sync --confirm ${commit}`,
    )
    expect(await statuses()).toEqual(here)
    expect(await run('--confirm', commit)).toMatchObject({ code: 0 })
    // The server beside it follows.
    await expect.poll(statuses, { timeout: 10_000 }).toEqual([404, 404, 404, 404, 404, 404, 404, 200])
    expect((await showSource(edict)).json).toMatchObject({ phase: 'Ready', held: null })
  })
})

describe('a directory that is emptied or taken away', () => {
  it('keeps what is in force', async () => {
    const directory = await temporaryFolder()
    for (const [path, text] of Object.entries({ ...policy('price', 1), ...policy('tax', 1) })) {
      await mkdir(dirname(join(directory, path)), { recursive: true })
      await writeFile(join(directory, path), text)
    }
    const env = { ...newDatabase(), EDICT_DIRECTORY: directory, EDICT_SOURCE: 'local' }
    const edict = await startEdict(env)
    await rm(directory, { recursive: true })
    expect(outcomeOf(await syncNow(edict, 'local'))).toMatchObject({ ok: false })
    expect((await evaluate(edict, 'shop/price/1.0')).status).toBe(200)
  })
})

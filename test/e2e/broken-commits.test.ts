import { beforeAll, describe, expect, it } from 'vitest'
import { evaluate } from './edict.ts'
import { rego, serveRepo, showPolicy, showSource, type ServedRepo } from './served-repo.ts'

const good = rego('shop', 'price', 'allow := input.total < 10')
const other = (limit: number) => rego('shop', 'other', `limit := ${limit}`)

let served: ServedRepo

beforeAll(async () => {
  served = await serveRepo({
    files: {
      'shop/price/1.0/policy.rego': good,
      'shop/price/1.0/data.json': '{"currency": "EUR"}',
      'shop/other/1.0/policy.rego': other(1),
    },
  })
})

/** What each broken commit must leave as it was: the last good version answers, and everything else goes on. */
const expectOthersGoOn = async (): Promise<void> => {
  const { edict, release } = served
  const limit = Math.floor(Math.random() * 1e9)
  await release({ 'shop/other/1.0/policy.rego': other(limit) })
  expect((await evaluate(edict, 'shop/other/1.0')).json).toEqual({ limit })
  expect((await evaluate(edict, 'shop/price/1.0', { total: 5 })).text).toBe('{"allow":true}')
}

const mend = async (files: Readonly<Record<string, string | null>>): Promise<void> => {
  const { edict, release } = served
  const { outcome } = await release(files)
  expect(outcome).toMatchObject({ ok: true, findings: [] })
  expect((await showPolicy(edict, 'shop/price/1.0')).json).toMatchObject({ status: { phase: 'Ready', findings: [] } })
  expect((await showSource(edict)).json).toMatchObject({ phase: 'Ready', reason: 'Succeeded', findings: [] })
}

describe('a commit that breaks a policy', () => {
  it('with Rego that does not parse is quarantined by commit, author, file and line until it is mended', async () => {
    const { edict, repo, sync } = served
    await repo.write({ 'shop/price/1.0/policy.rego': 'package shop.price\n\nallow := input.total < }\n' })
    const commit = await repo.commit('break', { author: 'Bo Breaker <bo@example.org>' })
    await repo.push()
    const outcome = await sync()
    const whose = { commit, author: 'Bo Breaker <bo@example.org>' }
    const finding = {
      code: 'rego_parse_error',
      severity: 'error',
      file: 'shop/price/1.0/policy.rego',
      line: 3,
      ...whose,
    }
    expect(outcome).toMatchObject({ ok: true, revision: 1, findings: [finding] })
    await expectOthersGoOn()
    const policy = await showPolicy(edict, 'shop/price/1.0')
    expect(policy.json).toMatchObject({ rego: good, status: { phase: 'Quarantined', findings: [finding], ...whose } })
    expect(policy.json).not.toMatchObject({ commit })
    const source = await showSource(edict)
    const counts = { policies: 2, modules: 0, quarantined: 1 }
    expect(source.json).toMatchObject({ phase: 'Stalled', reason: 'ValidationFailed', findings: [finding], counts })
    await mend({ 'shop/price/1.0/policy.rego': good })
  })

  it.each([
    [
      'with a call of an unknown function',
      'policy.rego',
      rego('shop', 'price', 'allow := nothing.like(1)'),
      'rego_type_error',
      3,
    ],
    ['with the package of another folder', 'policy.rego', rego('shop', 'cost', 'allow := true'), 'wrong_package', 1],
    ['with data that is not JSON', 'data.json', '{\n  "currency": EUR\n}', 'invalid_json', 2],
    ['with data that is no object', 'data.json', '[1]', 'data_not_object', 1],
    [
      'with data that would hide its rules',
      'data.json',
      '{"shop": {"price": {"allow": true}}}',
      'data_shadows_rule',
      undefined,
    ],
  ])('%s is quarantined', async (_, file, text, code, line) => {
    const { edict, release } = served
    const path = `shop/price/1.0/${file}`
    const { commit, outcome } = await release({ [path]: text })
    const finding = { code, file: path, commit, author: 'Ada Author <ada@example.org>', ...(line && { line }) }
    expect(outcome.findings).toEqual([expect.objectContaining(finding)])
    expect((await showPolicy(edict, 'shop/price/1.0')).json).toMatchObject({
      status: { phase: 'Quarantined', commit, findings: [finding] },
    })
    await expectOthersGoOn()
    await mend({ 'shop/price/1.0/policy.rego': good, 'shop/price/1.0/data.json': '{"currency": "EUR"}' })
  })

  it('by making it a symbolic link is quarantined, and the link is not followed', async () => {
    const { edict, repo, sync, release } = served
    await repo.write({ 'secret.txt': 'package shop.price\n\nleaked := true\n' })
    await repo.remove('shop/price/1.0/policy.rego')
    await repo.symlink('shop/price/1.0/policy.rego', '../../../secret.txt')
    await repo.symlink('shop/link/1.0/policy.rego', '/etc/passwd')
    await repo.commit('links')
    await repo.push()
    const { findings } = await sync()
    expect(findings.map(({ code, file }) => `${code} ${file}`).toSorted()).toEqual([
      'symlink shop/link/1.0/policy.rego',
      'symlink shop/price/1.0/policy.rego',
    ])
    await expectOthersGoOn()
    const never = await evaluate(edict, 'shop/link/1.0')
    expect(never).toMatchObject({ status: 503, json: { code: 'policy_quarantined' } })
    await release({ 'secret.txt': null, 'shop/link': null, 'shop/price/1.0/policy.rego': null })
    await mend({ 'shop/price/1.0/policy.rego': good })
  })

  it('that never was good answers 503 and says why', async () => {
    const { edict, release } = served
    await release({ 'shop/fresh/1.0/policy.rego': 'package shop.fresh\n\nallow {' })
    const answered = await evaluate(edict, 'shop/fresh/1.0')
    expect(answered).toMatchObject({
      status: 503,
      json: { code: 'policy_quarantined', errors: [{ code: 'rego_parse_error' }] },
    })
    await expectOthersGoOn()
    await release({ 'shop/fresh/1.0/policy.rego': rego('shop', 'fresh', 'ok := true') })
    expect((await evaluate(edict, 'shop/fresh/1.0')).text).toBe('{"ok":true}')
    await release({ 'shop/fresh': null })
  })
})

describe('a file in the wrong place', () => {
  it('is a finding and stops nothing else', async () => {
    const { edict, release } = served
    const { outcome } = await release({
      'shop/policy.rego': rego('shop', 'stray', 'x := 1'),
      'shop/price/policy.rego': rego('shop', 'price', 'x := 1'),
      'shop/price/1.0/deeper/policy.rego': rego('shop', 'price', 'x := 1'),
      'system/price/1.0/policy.rego': rego('system', 'price', 'x := 1'),
      'shop/na me/1.0/policy.rego': 'package shop\n',
      'shop/price/evaluation/policy.rego': rego('shop', 'price', 'x := 1'),
    })
    expect(outcome.ok).toBe(true)
    expect(outcome.findings.map(({ code, file }) => `${code} ${file}`).toSorted()).toEqual([
      'bad_group system/price/1.0/policy.rego',
      'bad_name shop/na me/1.0/policy.rego',
      'bad_version shop/price/evaluation/policy.rego',
      'wrong_depth shop/policy.rego',
      'wrong_depth shop/price/1.0/deeper/policy.rego',
      'wrong_depth shop/price/policy.rego',
    ])
    expect((await showPolicy(edict, 'shop/price/1.0')).json).toMatchObject({ status: { phase: 'Ready' } })
    await expectOthersGoOn()
    await mend({
      'shop/policy.rego': null,
      'shop/price/policy.rego': null,
      'shop/price/1.0/deeper': null,
      system: null,
      'shop/na me': null,
      'shop/price/evaluation': null,
    })
  })

  it('with a name that leads out of its folder is left out, and everything beside it is applied', async () => {
    const { edict, repo, sync } = served
    const kept = await repo.git(['rev-parse', 'HEAD'])
    const blob = await repo.git(['hash-object', '-w', '--stdin'], rego('shop', 'other', 'limit := 77'))
    const entry = (mode: string, name: string, oid: string) =>
      Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')])
    const tree = (...entries: readonly Buffer[]) =>
      repo.git(['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], Buffer.concat(entries))
    const version = await tree(entry('100644', 'policy.rego', blob))
    const name = await tree(entry('40000', '1.0', version))
    const price = await repo.git(['rev-parse', 'HEAD:shop/price'])
    const shop = await tree(
      entry('40000', '..', version),
      entry('40000', 'other', name),
      entry('40000', 'price', price),
    )
    const root = await tree(entry('40000', 'shop', shop))
    const commit = await repo.git(['commit-tree', root, '-p', kept, '-m', 'crafted'])
    await repo.git(['push', '-q', repo.bare, `${commit}:refs/heads/main`])
    const { findings } = await sync()
    expect(findings).toEqual([expect.objectContaining({ code: 'bad_name', commit })])
    expect((await evaluate(edict, 'shop/other/1.0')).text).toBe('{"limit":77}')
    await repo.git(['push', '-q', '--force', repo.bare, `${kept}:refs/heads/main`])
    expect((await sync()).findings).toEqual([])
  })
})

import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { newDatabase, runEdict, temporaryFolder } from './edict.ts'
import { rego } from './served-repo.ts'

type Files = Readonly<Record<string, string>>

const put = async (directory: string, files: Files): Promise<void> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), text)
  }
}
const price = (value: string): Files => ({ 'shop/price/1.0/policy.rego': rego('shop', 'price', `value := ${value}`) })
const json = ({ stdout }: { stdout: string }) => JSON.parse(stdout) as Record<string, unknown>

describe('directories', () => {
  let folder: string
  let env: Readonly<Record<string, string>>

  beforeAll(async () => {
    folder = await temporaryFolder()
    env = { ...newDatabase(), EDICT_DATA: join(folder, 'data'), LOG_LEVEL: 'silent' }
    await put(join(folder, 'a'), { ...price('1'), 'lib/util.rego': 'package lib.util\n\nf(x) := x\n' })
    await put(join(folder, 'b'), { 'shop/tax/1.0/policy.rego': rego('shop', 'tax', 'value := 1') })
  })
  const run = (...args: readonly string[]) => runEdict(args, env, folder)

  it('are composed without a database: owners, and findings with exit code 3', async () => {
    const good = await run('compose', 'a', 'b', '--json')
    expect(good.code).toBe(0)
    expect(json(good)).toMatchObject({
      conflict: false,
      owners: {
        'policy:shop/price/1.0': [{ source: 'a', file: 'shop/price/1.0/policy.rego' }],
        'policy:shop/tax/1.0': [{ source: 'b' }],
        'module:lib/util': [{ source: 'a' }],
      },
    })
    const clash = await run('compose', 'one=a', 'two=a')
    expect(clash.code).toBe(3)
    expect(clash.stdout).toContain('policy:shop/price/1.0')
    expect(clash.stdout).toMatch(/Conflict: .*shop\/price\/1\.0/)
  })

  it('are planned: 2 while something would change, with differences, 0 when nothing would', async () => {
    const pending = await run('plan', 'a')
    expect(pending.code).toBe(2)
    expect(pending.stdout).toContain('plan ')
    expect(pending.stdout).toContain('  + policy shop/price/1.0 (a)')
    expect(pending.stdout).toContain('+value := 1')
    expect(await run('plan', 'a')).toMatchObject({ code: 2, stdout: pending.stdout })
    expect((await run('apply', 'a')).code).toBe(0)
    expect((await run('plan', 'a')).code).toBe(0)
    await put(join(folder, 'a'), { ...price('2'), 'shop/price/1.0/data.json': '{"limit":10}' })
    const changed = await run('plan', 'a', '--json')
    expect(changed.code).toBe(2)
    expect(json(changed)).toMatchObject({
      pending: true,
      baseRevision: 1,
      changes: { policies: { replace: ['shop/price/1.0'] } },
      diffs: [
        {
          key: 'policy:shop/price/1.0',
          files: [
            { file: 'shop/price/1.0/data.json' },
            { kind: 'text', diff: expect.stringContaining('-value := 1\n+value := 2') },
          ],
        },
      ],
    })
  })

  it('are applied; what is broken is 3, and wrong usage is 1 where 2 means pending', async () => {
    const applied = await run('apply', 'a', '--json')
    expect(applied.code).toBe(0)
    expect(json(applied)).toMatchObject({ ok: true, revision: 2, changed: { replaced: 1 } })
    await put(join(folder, 'a'), { 'shop/price/1.0/policy.rego': 'package shop.price\n\nvalue {' })
    expect(await run('plan', 'a')).toMatchObject({ code: 3, stdout: expect.stringContaining('rego_parse_error') })
    expect((await run('apply', 'a')).code).toBe(3)
    expect((await run('plan', '--nonsense')).code).toBe(1)
    expect(await run('plan', 'nowhere')).toMatchObject({ code: 1, stderr: expect.stringContaining('nowhere') })
  })
})

describe('a deployment', () => {
  let env: Readonly<Record<string, string>>
  let directory: string
  /** The revision that the approved plan made. */
  let first: string

  beforeAll(async () => {
    const folder = await temporaryFolder()
    directory = join(folder, 'policies')
    await put(directory, price('1'))
    env = {
      ...newDatabase(),
      EDICT_DATA: join(folder, 'data'),
      EDICT_DIRECTORY: directory,
      EDICT_SOURCE: 'local',
      LOG_LEVEL: 'silent',
    }
  })
  const run = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    runEdict(args, { ...env, ...more })

  it('whose source has mode plan: apply says 2 until its plan is approved', async () => {
    const mode = { EDICT_MODE: 'plan' }
    const waiting = await run(['apply', '--json'], mode)
    expect(waiting.code).toBe(2)
    const { plan } = json(waiting)
    expect(await run(['apply', '--plan', 'none'], mode)).toMatchObject({
      code: 1,
      stderr: 'edict: there is no plan none\n',
    })
    const approved = await run(['apply', '--plan', String(plan), '--json'], mode)
    expect(approved.code).toBe(0)
    expect(json(approved)).toMatchObject({ plan, changed: { created: 1 } })
    first = String(json(approved)['revision'])
  })

  it('goes back to a revision, holds the source, and releases it', async () => {
    await put(directory, price('2'))
    expect((await run(['sync'])).code).toBe(0)
    const back = await run(['rollback', first, '--reason', 'it broke'])
    expect(back).toMatchObject({ code: 0, stdout: expect.stringContaining('Held') })
    expect((await run(['sync'])).stdout).toContain('it broke')
    const status = await run(['status'])
    expect(status.stdout).toContain('local  Stalled (Held)')
    expect(await run(['release', 'local'])).toMatchObject({ code: 0, stdout: expect.stringContaining('1 replaced') })
    expect(await run(['release', 'local'])).toMatchObject({ code: 1, stderr: 'edict: nothing holds local\n' })
    expect(await run(['rollback', '99'])).toMatchObject({ code: 1, stderr: 'edict: there is no revision 99\n' })
    expect((await run(['rollback', 'x'])).code).toBe(2)
  })

  it('confirms a commit that removes much', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    const files = names.map((name) => [`shop/${name}/1.0/policy.rego`, rego('shop', name, 'x := 1')])
    await put(directory, Object.fromEntries(files))
    await run(['sync'])
    for (const name of names) await rm(join(directory, 'shop', name), { recursive: true })
    expect(await run(['apply'])).toMatchObject({ code: 2, stdout: expect.stringContaining('MassDeletion') })
    expect(await run(['plan'])).toMatchObject({ code: 2, stdout: expect.stringContaining('  - policy shop/a/1.0') })
    expect(await run(['confirm', 'local'])).toMatchObject({ code: 0, stdout: expect.stringContaining('6 removed') })
    expect(await run(['confirm', 'local'])).toMatchObject({ code: 1 })
  })
})

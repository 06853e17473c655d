/** Exit code 4 of `edict plan` and `edict apply`: nothing is wrong but tests that fail. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { newDatabase, runEdict, temporaryFolder } from './edict.ts'
import { rego } from './served-repo.ts'

describe('a change whose tests fail', () => {
  let folder: string
  let env: Readonly<Record<string, string>>
  const put = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, 'policies', path)), { recursive: true })
    await writeFile(join(folder, 'policies', path), text)
  }
  const run = (...args: readonly string[]) => runEdict(args, env, folder)
  const value = async (): Promise<string> => {
    const { stdout } = await run('status', '--json')
    return stdout
  }

  beforeAll(async () => {
    folder = await temporaryFolder()
    env = { ...newDatabase(), EDICT_DATA: join(folder, 'data'), LOG_LEVEL: 'silent' }
    await put('shop/price/1.0/policy.rego', rego('shop', 'price', 'value := 1'))
    await put('shop/tax/1.0/policy.rego', rego('shop', 'tax', 'value := 1'))
    const cases = 'cases:\n  - { name: the value, expect: { exact: { value: 1 } } }\n'
    await put('shop/price/1.0/policy.tests.yaml', cases)
    expect((await run('apply', 'policies')).code).toBe(0)
    await put('shop/price/1.0/policy.rego', rego('shop', 'price', 'value := 2'))
    await put('shop/tax/1.0/policy.rego', rego('shop', 'tax', 'value := 2'))
  })

  it('is planned with 4, and the plan says which', async () => {
    const text = await run('plan', 'policies')
    expect(text).toMatchObject({ code: 4, stdout: expect.stringContaining('the value: at value: expected 1, got 2') })
    const json = await run('plan', 'policies', '--json')
    expect(json.code).toBe(4)
    expect(JSON.parse(json.stdout)).toMatchObject({
      changes: { policies: { replace: ['shop/tax/1.0'] } },
      tests: { passed: 0, failed: 1, failures: [{ policy: 'shop/price/1.0', test: 'the value' }] },
    })
  })

  it('is applied with 4: the policy stays as it was, all others are replaced', async () => {
    const applied = await run('apply', 'policies', '--json')
    expect(applied.code).toBe(4)
    expect(JSON.parse(applied.stdout)).toMatchObject({
      changed: { replaced: 1 },
      sources: [{ phase: 'Stalled', reason: 'TestsFailed' }],
      findings: [{ code: 'test_failed', file: 'shop/price/1.0/policy.tests.yaml', line: 2 }],
    })
    expect((await run('apply', 'policies')).code).toBe(4)
    expect(await value()).toContain('TestsFailed')
  })

  it('is 3 as soon as anything else is wrong, and 0 when it is mended', async () => {
    await put('shop/tax/1.0/policy.rego', 'package shop.tax\n\nvalue {')
    expect((await run('plan', 'policies')).code).toBe(3)
    expect((await run('apply', 'policies')).code).toBe(3)
    await put('shop/tax/1.0/policy.rego', rego('shop', 'tax', 'value := 2'))
    await put('shop/price/1.0/policy.rego', rego('shop', 'price', 'value := 1'))
    expect((await run('apply', 'policies')).code).toBe(0)
    expect((await run('plan', 'policies')).code).toBe(0)
  })
})

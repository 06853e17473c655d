import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../src/config.ts'
import { createSettings } from '../src/policy-settings.ts'
import { answer, compile, load } from './engine/compile.ts'

const yaml = `
limits: { budget: 1000, maxMemory: 1MiB }
sources:
  - directory: ./plain
  - directory: ./own
    limits:
      budget: 2000
      policies:
        gaiax/large/1.0: { maxMemory: 3MiB }
        gaiax/**: { budget: 4000, maxMemory: 4MiB }
        gaiax/heavy/*: { budget: 5000 }
  - directory: ./memory
    limits: { maxMemory: 6MiB }
`
const MiB = 2 ** 20

const settings = () => {
  const cwd = mkdtempSync(join(tmpdir(), 'edict-settings-'))
  writeFileSync(join(cwd, 'edict.yaml'), yaml)
  return createSettings(loadConfig({ env: {}, cwd }), { info: () => undefined })
}

describe('what a policy may take', () => {
  it.each([
    ['plain', 'gaiax/heavy/1.0', 1000, MiB],
    ['own', 'shop/discount/1.0', 2000, MiB],
    ['own', 'gaiax/heavy/1.0', 4000, 4 * MiB],
    ['own', 'gaiax/large/1.0', 2000, 3 * MiB],
    ['memory', 'a/b/1', 1000, 6 * MiB],
    ['unknown', 'a/b/1', 1000, MiB],
  ])('in the source %s, the policy %s: %d units, %d bytes', (repository, policy, budget, memory) => {
    expect(settings()({ repository, _id: policy }).limits).toEqual({ budget, memory })
  })
})

describe('the settings of a policy', () => {
  const rego = `package a.b

work := count([1 | some x in numbers.range(1, input.n); x > 7])
`
  let wasm: Uint8Array
  beforeAll(async () => {
    wasm = await compile({ files: { 'policy.rego': rego }, document: 'data.a.b' })
  })

  it('bound its work and its memory, whatever the engine gives to others', async () => {
    const engine = { limits: { budget: 20_000_000, memory: 256 * MiB } }
    const own = (limits: { budget: number; memory: number }) => load({ wasm, engine, settings: { limits } })
    const input = '{"n":20000}'
    expect(answer(await load({ wasm, engine }), input)).toBe('{"work":19993}')
    expect(answer(await own({ budget: 100_000, memory: 256 * MiB }), input)).toBe(
      'error: the evaluation takes more work than it may',
    )
    expect(answer(await own({ budget: 20_000_000, memory: 600_000 }), input)).toBe(
      'error: the evaluation takes more memory than it may',
    )
    expect(answer(await own({ budget: 20_000_000, memory: 64 * MiB }), input)).toBe('{"work":19993}')
  })
})

/** Scenarios as `opa` and the engine want them: a folder with Rego, data and input, and the WASM that serving builds. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { capabilities, type Capabilities } from '../../extensions/capabilities.ts'
import { extensions } from '../../extensions/index.ts'
import { createOpa } from '../../src/opa/run.ts'
import type { Scenario } from './scenarios.ts'

export interface Artifact {
  readonly wasm: Uint8Array
  readonly data: string
  readonly input: string
  /** Holds `policy/` with Rego and data, and `input.json`. */
  readonly folder: string
}

export const entrypoint = 'edict/entry/doc'
const entry = 'package edict.entry\n\ndoc := data.bench.p\n'

export type Build = (scenario: Pick<Scenario, 'rego' | 'data' | 'input'>) => Promise<Artifact>

export const createBuild = (path: string): Build => {
  const known = execFileSync(path, ['capabilities', '--current'], { maxBuffer: 2 ** 26, encoding: 'utf8' })
  const opa = createOpa({ path, capabilities: capabilities(JSON.parse(known) as Capabilities, extensions) })
  return async ({ rego, data, input }) => {
    const files = Object.entries({ 'policy.rego': rego, 'entry.rego': entry })
    const build = await opa.build(
      files.map(([file, text]) => ({ path: file, text, regoVersion: 1 })),
      entrypoint,
    )
    if (!build.ok) throw new Error(build.errors.map(({ message }) => message).join('\n'))
    const texts = { data: JSON.stringify(data), input: JSON.stringify(input) }
    return { wasm: build.wasm, ...texts, folder: writeFolder(rego, texts) }
  }
}

const writeFolder = (rego: string, { data, input }: Pick<Artifact, 'data' | 'input'>): string => {
  const folder = mkdtempSync(join(tmpdir(), 'edict-bench-engine-'))
  mkdirSync(join(folder, 'policy'))
  writeFileSync(join(folder, 'policy', 'policy.rego'), rego)
  writeFileSync(join(folder, 'policy', 'data.json'), data)
  writeFileSync(join(folder, 'input.json'), input)
  return folder
}

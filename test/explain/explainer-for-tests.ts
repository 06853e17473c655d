/** An explainer over the real opa, and policies written as files. */
import { extensions } from '../../extensions/index.ts'
import type { Extension } from '../../extensions/extension.ts'
import { probeBuiltins } from '../../src/explain/host.ts'
import { createExplainer, type Asked, type Explain, type Subject } from '../../src/explain/explainer.ts'
import type { EngineLimits } from '../../src/engine/limits.ts'
import { withCache } from '../../src/opa/cached.ts'
import { createCache } from '../../src/opa/cache.ts'
import { createOpa } from '../../src/opa/run.ts'
import { capabilities } from '../../extensions/capabilities.ts'
import { entryModule, entryOf } from '../../src/policy/entry.ts'
import { opaPath } from '../setup/opa.ts'
import { baseCapabilities } from '../engine/compile.ts'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const unused = () => {
  throw new Error('only declared')
}

export interface TestExplainer {
  readonly explain: Explain
  readonly subjectOf: (files: Readonly<Record<string, string>>, data?: string) => Promise<Subject>
}

export async function openExplainer(
  options: { readonly also?: readonly Extension[]; readonly limits?: Partial<EngineLimits> } = {},
): Promise<TestExplainer> {
  const all = [...extensions, ...(options.also ?? [])]
  const declared = capabilities(await baseCapabilities(), [...all, ...probeBuiltins(unused)])
  const dir = mkdtempSync(join(tmpdir(), 'edict-test-explain-'))
  const opa = await withCache(createOpa({ path: opaPath(), capabilities: declared }), createCache({ dir }))
  return {
    explain: createExplainer({
      openOpa: async () => opa,
      extensions: all,
      limits: options.limits ?? {},
      clock: () => 1_700_000_000_000_000_000n,
    }),
    // The first file is the policy's own.
    subjectOf: async (files, data = '{}') => {
      const parsed = await Promise.all(
        Object.entries(files).map(async ([path, text]) => {
          const { ok, ...rest } = await opa.parse(text)
          if (!ok || !('analysis' in rest)) throw new Error(`${path}: ${JSON.stringify(rest)}`)
          return { file: { path, text, regoVersion: rest.analysis.regoVersion }, analysis: rest.analysis }
        }),
      )
      const home = parsed[0]?.analysis.package ?? []
      const own = parsed.filter(({ analysis }) => analysis.package.join('.') === home.join('.'))
      const entry = entryOf(own.map(({ analysis }) => analysis))
      return {
        home,
        files: [...parsed.map(({ file }) => file), entryModule(home, entry)],
        data,
        settings: { strict: false },
      }
    },
  }
}

export const asked = (options: {
  readonly input?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly rule?: string
}): Asked => ({
  input: options.input === undefined ? undefined : Buffer.from(JSON.stringify(options.input)),
  headers: options.headers ?? {},
  rule: options.rule,
})

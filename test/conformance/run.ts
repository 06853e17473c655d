/** Runs cases through the engine that serves requests. A builtin that it lacks fails the cases that need it, no more. */
import type { Extension, RequestContext } from '../../extensions/extension.ts'
import { extensionsWith } from '../../extensions/index.ts'
import { defaultSettings, type PolicySettings } from '../../src/engine/decision.ts'
import { createEngine } from '../../src/engine/engine.ts'
import { findOpa } from '../../src/opa/binary.ts'
import { createModuleParser } from '../../src/opa/parse-module.ts'
import { cacheFolder } from '../../src/tools/cache-folder.ts'
import { readWasm, type Case, type Suite } from './cases.ts'
import { problem } from './verdict.ts'

export interface Verdict {
  readonly test: Case
  /** Undefined: it passes. */
  readonly why: string | undefined
}

/** What `rego.Compile` calls the query that it compiles. */
const entrypoint = 'eval'
const request: RequestContext = { header: () => '' }

/** OPA's own runner has it besides the standard builtins. */
const sleep: Extension = {
  name: 'test.sleep',
  decl: { args: [{ type: 'string' }], result: { type: 'null' } },
  kind: 'pure',
  doc: 'Waits.',
  impl: () => null,
}

/** The one host that a case looks up. */
const settings: PolicySettings = {
  ...defaultSettings,
  outbound: { rules: [{ host: 'localhost', private: true }], secret: () => undefined },
}

const parseModule = createModuleParser({
  findOpa: () =>
    findOpa({
      env: process.env,
      cacheDir: cacheFolder(process.env),
      log: (line) => void process.stderr.write(`edict: ${line}\n`),
      signal: new AbortController().signal,
    }),
})
const engine = createEngine({ extensions: [...extensionsWith({ parseModule }), sleep] })

/** In the order of the cases. Cases with the same module share one compilation. */
export async function runCases(
  { folder, cases }: Suite,
  onProgress?: (done: number) => void,
): Promise<readonly Verdict[]> {
  const verdicts = new Map<Case, Verdict>()
  for (const [wasm, tests] of byModule(cases)) {
    const module = await engine.compile(await readWasm(folder, wasm))
    for (const test of tests) {
      verdicts.set(test, { test, why: await runCase(test, module) })
      onProgress?.(verdicts.size)
    }
  }
  return cases.flatMap((test) => verdicts.get(test) ?? [])
}

function byModule(cases: readonly Case[]): ReadonlyMap<string, readonly Case[]> {
  const groups = new Map<string, Case[]>()
  for (const test of cases) groups.set(test.wasm, [...(groups.get(test.wasm) ?? []), test])
  return groups
}

async function runCase(test: Case, module: WebAssembly.Module): Promise<string | undefined> {
  try {
    const policy = engine.load({ module, data: test.data ?? '{}', entrypoint, asQuery: true, settings })
    const input = test.inputTerm ?? test.input
    return problem(test, await policy.evaluate(input === undefined ? undefined : Buffer.from(input), request))
  } catch (error) {
    return reason(error)
  }
}

function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const missing = /builtins that this server does not have: (.*)/.exec(message)?.[1]
  if (missing !== undefined) return `needs builtin ${missing}`
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return `${message}${cause}`
}

/**
 * Runs tests on the compiled policy, on the engine that serves: the cases of a tests file, and test rules. Nothing goes
 * outside. One after the other; what a test mocks ends with it.
 */
import type { Extension, RegoValue } from '../../extensions/extension.ts'
import { printJson } from '../../extensions/print-json.ts'
import { defaultSettings, wallClock } from '../engine/decision.ts'
import { createEngine, type Engine } from '../engine/engine.ts'
import type { EngineLimits } from '../engine/limits.ts'
import type { Outcome } from '../engine/outcome.ts'
import type { LoadedPolicy } from '../engine/policy.ts'
import { parseValue } from '../engine/value-text.ts'
import { entrypoint } from '../policy/entry.ts'
import { judge } from './judge.ts'
import { testEntrypoint, type RegoTest } from './rego-tests.ts'
import { standIns, type Circumstance } from './stand-ins.ts'
import type { Mocks, TestCase } from './test-case.ts'
import { todoText, type TestResult } from './test-result.ts'
import { withValue } from './value-path.ts'

export interface RunnerOptions {
  readonly extensions: readonly Extension[]
  readonly limits?: Partial<EngineLimits> | undefined
}

export interface Compiled {
  readonly wasm: Uint8Array
  /** JSON: the root of `data`. */
  readonly data: Uint8Array
}

/** What one evaluation came to. */
export interface Evaluated {
  readonly outcome: Outcome
  /** The answer's bare value; an undefined one is answered `{}`. Undefined: it failed. */
  readonly answer: RegoValue | undefined
  readonly microseconds: number
  readonly printed: readonly string[]
  /** Calls that went outside, or that no mock fitted. */
  readonly troubles: readonly string[]
}

type Request = Pick<TestCase, 'input' | 'headers' | 'data' | 'now' | 'mocks' | 'strict'>

export type Evaluate = (request: Request) => Promise<Evaluated>

export interface Runner {
  /** Of one policy; `mocked` names all builtins that its requests mock. */
  readonly open: (policy: Compiled, mocked: ReadonlySet<string>) => Promise<Evaluate>
  readonly runCases: (policy: Compiled, cases: readonly TestCase[], file: string) => Promise<readonly TestResult[]>
  readonly runRules: (policy: Compiled, tests: readonly RegoTest[]) => Promise<readonly TestResult[]>
}

const noMocks: Mocks = new Map()
const nothing: Request = {
  input: undefined,
  headers: new Map(),
  data: [],
  now: undefined,
  mocks: noMocks,
  strict: false,
}

export function createRunner({ extensions, limits }: RunnerOptions): Runner {
  const open: Runner['open'] = async (policy, mocked) => {
    const current = createCurrent()
    const engine = testEngine(current, mocked)
    const module = await engine.compile(policy.wasm)
    const load = createLoads(engine, module, policy.data, current)
    return (request) => evaluate(load(request), request, current)
  }

  function testEngine(current: Current, mocked: ReadonlySet<string>): Engine {
    const known = standIns(extensions, mocked, () => current.state)
    return createEngine({
      extensions: known,
      clock: () => current.state.now ?? wallClock(),
      ...(limits !== undefined && { limits }),
    })
  }

  return {
    open,
    async runCases(policy, cases, file) {
      const run = await open(policy, new Set(cases.flatMap(({ mocks }) => [...mocks.keys()])))
      const results: TestResult[] = []
      // oxlint-disable-next-line no-await-in-loop
      for (const one of cases) results.push(judge(one, await run(one), file))
      return results
    },
    async runRules(policy, tests) {
      const current = createCurrent()
      const engine = testEngine(current, new Set())
      const module = await engine.compile(policy.wasm)
      const results: TestResult[] = []
      for (const [index, test] of tests.entries()) {
        if (test.isTodo) results.push(ofRule(test, 'skipped', todoText))
        else {
          const loaded = engine.load({
            module,
            data: policy.data,
            entrypoint: testEntrypoint(index),
            settings: current,
          })
          // oxlint-disable-next-line no-await-in-loop
          results.push(judgeRule(test, await evaluate(loaded, nothing, current)))
        }
      }
      return results
    },
  }
}

interface Current {
  state: Circumstance & { readonly now: bigint | undefined; readonly printed: string[] }
  readonly strict: boolean
  readonly outbound: typeof defaultSettings.outbound
  readonly print: (line: { readonly text: string }) => void
}

function createCurrent(): Current {
  const current: Current = {
    ...defaultSettings,
    state: { mocks: noMocks, troubles: [], now: undefined, printed: [] },
    print: ({ text }) => void current.state.printed.push(text),
  }
  return current
}

/** Requests with the same data and strictness share an instance. */
function createLoads(engine: Engine, module: WebAssembly.Module, data: Uint8Array, current: Current) {
  let plain: RegoValue | undefined
  let last: { readonly key: string; readonly policy: LoadedPolicy } | undefined
  const dataOf = (overrides: Request['data']): Uint8Array => {
    if (overrides.length === 0) return data
    plain ??= parseValue(Buffer.from(data))
    return Buffer.from(printJson(overrides.reduce((all, { path, value }) => withValue(all, path, value), plain)))
  }
  return ({ data: overrides, strict }: Request): LoadedPolicy => {
    const key = JSON.stringify([strict, overrides.map(({ path, value }) => [path, printJson(value)])])
    if (last?.key === key) return last.policy
    const settings = { ...current, strict }
    const policy = engine.load({ module, data: dataOf(overrides), entrypoint, settings })
    last = { key, policy }
    return policy
  }
}

async function evaluate(policy: LoadedPolicy, request: Request, current: Current): Promise<Evaluated> {
  const { input, headers, mocks, now } = request
  const state = { mocks, troubles: [], now, printed: [] }
  current.state = state
  const bytes = input === undefined ? undefined : Buffer.from(printJson(input))
  const header = (name: string): string => headers.get(name.toLowerCase()) ?? ''
  const start = performance.now()
  const outcome = await policy.evaluate(bytes, { header })
  const microseconds = (performance.now() - start) * 1_000
  return { outcome, answer: answerOf(outcome), microseconds, printed: state.printed, troubles: state.troubles }
}

function answerOf(outcome: Outcome): RegoValue | undefined {
  if (outcome.kind === 'value') return parseValue(Buffer.from(outcome.json))
  return outcome.kind === 'undefined' ? parseValue(Buffer.from('{}')) : undefined
}

function judgeRule(test: RegoTest, { outcome, answer, printed, troubles }: Evaluated): TestResult {
  const cost = 'cost' in outcome ? outcome.cost : null
  const made = (status: TestResult['status'], message = ''): TestResult => ({
    ...ofRule(test, status, message),
    cost,
    printed,
  })
  const [trouble] = troubles
  if (trouble !== undefined) return made('failed', trouble)
  if (outcome.kind === 'undefined') return made('failed', 'it is not true')
  if (outcome.kind !== 'value') return made('failed', outcome.message)
  if (answer === true) return made('passed')
  // Those of a table that fail are missing from the answer, and nothing says which there should be.
  const isTable = typeof answer === 'object' && answer !== null
  return isTable ? made('skipped', 'a table of tests: run it with opa test') : made('failed', 'it is not true')
}

function ofRule({ name, file, line }: RegoTest, status: TestResult['status'], message: string): TestResult {
  return { name, file, line, column: 1, status, message, mismatches: [], cost: null, printed: [] }
}

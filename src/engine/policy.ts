/**
 * One loaded policy: an instance with its data, and when to replace that instance. `evaluate` throws for nothing
 * that a policy or an input can do, and an evaluation that ended badly leaves no trace in the next one.
 */
import type { Answer, Extension, RegoValue, RequestContext } from '../../extensions/extension.ts'
import { natives } from '../../extensions/natives.ts'
import { AbortError, BudgetError, isOrderly } from './abi/errors.ts'
import { createInstance, type Instance, type ReadResult } from './abi/instance.ts'
import { parsedFactor } from './abi/values.ts'
import { BuiltinFailure, Suspension } from './answers.ts'
import { resolveBuiltins, resolveEntrypoint, type BuiltinTable } from './builtins.ts'
import { createDecision, type Decision, type DecisionOptions, type PolicySettings } from './decision.ts'
import { evaluationError } from './evaluation-error.ts'
import { replaceLoneSurrogates, scanJson, type ScanResult } from './json-scan.ts'
import type { EngineLimits } from './limits.ts'
import { diversions } from './meter/diversions.ts'
import { mostUnits } from './meter/meter.ts'
import type { EndedRun, Outcome } from './outcome.ts'
import type { RuleNames } from './rule-names.ts'
import { createResultWriter } from './result-json.ts'

export interface LoadedPolicy {
  /**
   * `input` is the text of any JSON value; without it, `input` is undefined in Rego. Synchronous unless a builtin
   * answers later: then the policy runs again for each such answer. The promise rejects with what `mayStart` throws,
   * and with nothing else.
   */
  readonly evaluate: (
    input: Uint8Array | undefined,
    request: RequestContext,
    options?: EvaluateOptions,
  ) => Outcome | Promise<Outcome>
  /** Memory held, in bytes. */
  readonly bytes: number
}

export interface EvaluateOptions {
  /** Called before each run but the first. */
  readonly mayStart?: (() => void) | undefined
  /** The input was scanned: it is JSON, no deeper than it may be, without lone surrogates. */
  readonly scanned?: boolean
}

export interface PolicyOptions {
  readonly module: WebAssembly.Module
  /** JSON: the root of `data`. Kept, not copied. */
  readonly data: Uint8Array
  readonly entrypoint: string
  readonly extensions: ReadonlyMap<string, Extension>
  readonly limits: EngineLimits
  readonly decisions: DecisionOptions
  readonly settings: PolicySettings
  readonly ruleNames: RuleNames
  readonly asQuery: boolean
}

/** A run that was left because it must wait. */
interface Suspended {
  readonly kind: 'suspended'
  readonly cost: number
  /** What remains of the budget. */
  readonly left: number
}

interface Replay {
  readonly input: Uint8Array | undefined
  readonly own: Decision
  readonly first: Suspended
  readonly mayStart: (() => void) | undefined
}

const noOptions: EvaluateOptions = {}

/** By number, in the order of the diversions. */
const diverted: BuiltinTable = diversions.map(({ builtin }) => natives.find(({ name }) => name === builtin))

const roomyBytes = 2 ** 20

const writeResult = createResultWriter()

/** Most policies answer the same few short documents again and again: the last one is kept with its text. */
function createJsonReader(): ReadResult<Uint8Array> {
  const text = new Uint8Array(128)
  let length = -1
  let last: Uint8Array = text

  return (memory, start, end) => {
    if (end - start === length && isSame(memory, start)) return last
    const json = writeResult(memory, start, end)
    length = end - start
    if (length > text.length) length = -1
    else {
      text.set(memory.subarray(start, end))
      last = json
    }
    return json
  }

  function isSame(memory: Buffer, start: number): boolean {
    for (let i = 0; i < length; i++) if (memory[start + i] !== text[i]) return false
    return true
  }
}

export function createPolicy(options: PolicyOptions): LoadedPolicy {
  const { module, data, entrypoint, extensions, limits, asQuery } = options
  const decisions = { ...options.decisions, ...options.settings, ruleNames: options.ruleNames, limits }
  const budget = Math.min(limits.budget, mostUnits)
  let request: RequestContext = { header: () => '' }
  // Most decisions call no builtin and need none.
  let decision: Decision | undefined
  let builtins: BuiltinTable = []

  function call(id: number, args: readonly RegoValue[]): Answer {
    const extension = id < 0 ? diverted[~id] : builtins[id]
    if (extension === undefined) return undefined
    decision ??= createDecision(request, decisions)
    return decision.answers.call(extension, args)
  }

  function load(): Instance {
    const room = data.length * parsedFactor
    const maximumBytes = limits.memory + room
    const loaded = createInstance({ module, data, call, maximumBytes, wholeSet: asQuery })
    return room > roomyBytes ? move(loaded) : loaded
  }

  const move = (from: Instance): Instance => from.renew(from.dataEnd + limits.memory)
  const dataBytes = data.byteLength
  const isOversized = (it: Instance): boolean => it.memoryBytes() > it.dataEnd + limits.keep

  /** After a trap nothing in the memory is trusted, and the data is parsed again. */
  function replace(failed: Instance, error: unknown): Instance | undefined {
    try {
      if (!isSound(error)) return load()
      if (isOversized(failed)) return move(failed)
      return isOrderly(error) || isLeft(error) ? failed : failed.renew()
    } catch {
      // No memory at the moment: the next evaluation tries again.
      return undefined
    }
  }

  /** One run from the start. */
  function run(input: Uint8Array | undefined, units: number): EndedRun | Suspended {
    let current = instance
    try {
      current ??= load()
      const json = current.evaluate(entry, input, readJson, units)
      instance = isOversized(current) ? move(current) : current
      const cost = current.cost()
      return json === undefined ? { kind: 'undefined', cost } : { kind: 'value', json, cost }
    } catch (error) {
      instance = current && replace(current, error)
      const cost = current?.cost() ?? 0
      if (!(error instanceof Suspension)) return evaluationError(error, cost)
      return { kind: 'suspended', cost, left: current?.left() ?? 0 }
    }
  }

  function start(input: Uint8Array | undefined, asked: RequestContext, mayStart?: () => void) {
    request = asked
    decision = undefined
    const outcome = run(input, budget)
    if (outcome.kind !== 'suspended') return decision === undefined ? outcome : withNotes(outcome, decision)
    if (decision === undefined) return { kind: 'undefined' as const, cost: outcome.cost }
    return replay({ input, own: decision, first: outcome, mayStart })
  }

  /**
   * Other decisions run on the same instance in between: nothing of this one is in it while it waits. All rounds share
   * one budget; the cost that is told is that of the last one, which does not depend on what was cached.
   */
  async function replay({ input, own, first, mayStart }: Replay): Promise<Outcome> {
    let { cost, left } = first
    try {
      for (;;) {
        const late = await own.answers.settle()
        if (late !== undefined) return evaluationError(late, cost)
        mayStart?.()
        own.begin()
        decision = own
        const outcome = run(input, left)
        if (outcome.kind !== 'suspended') return withNotes(outcome, own)
        ;({ cost, left } = outcome)
      }
    } finally {
      own.end()
    }
  }

  const readJson = createJsonReader()
  const first = load()
  builtins = resolveBuiltins(first.builtins, extensions)
  const entry = resolveEntrypoint(first.entrypoints, entrypoint)
  let instance: Instance | undefined = first

  return {
    evaluate: (input, asked, { mayStart, scanned = false } = noOptions) => {
      if (input === undefined || scanned) return start(input, asked, mayStart)
      const scan = scanJson(input, limits.maxDepth)
      if (scan === 'ok' || (asQuery && typeof scan === 'object')) return start(input, asked, mayStart)
      if (scan !== 'lone_surrogate') return invalidInput(scan, limits.maxDepth)
      return start(replaceLoneSurrogates(input), asked, mayStart)
    },
    get bytes() {
      return (instance?.memoryBytes() ?? 0) + dataBytes
    },
  }
}

/** The data was left in a sound state: by the module's own abort, at the end of its budget, or for what a builtin does. */
const isSound = (error: unknown): boolean =>
  error instanceof BudgetError || error instanceof AbortError || isLeft(error)

const isLeft = (error: unknown): boolean => error instanceof Suspension || error instanceof BuiltinFailure

function withNotes(outcome: Outcome, decision: Decision): Outcome {
  const notes = decision.finish()
  return notes.length === 0 ? outcome : { ...outcome, notes }
}

function invalidInput(scan: Exclude<ScanResult, 'ok' | 'lone_surrogate'>, maxDepth: number): Outcome {
  return scan === 'too_deep'
    ? { kind: 'invalid_input', code: 'input_too_deep', message: `the input nests deeper than ${maxDepth}` }
    : { kind: 'invalid_input', code: 'invalid_json', ...scan }
}

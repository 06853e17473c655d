/**
 * One loaded policy: an instance with its data, and when to replace that instance. `evaluate` throws for nothing
 * that a policy or an input can do, and an evaluation that ended badly leaves no trace in the next one.
 */
import type { DecisionContext, Extension, RequestContext } from '../../extensions/extension.ts'
import { AbortError, createInstance, parsedFactor, type Instance, type ReadResult } from './abi.ts'
import { callBuiltin, resolveBuiltins, resolveEntrypoint, type BuiltinTable } from './builtins.ts'
import { createDecision, type DecisionOptions } from './decision.ts'
import { evaluationError } from './evaluation-error.ts'
import { replaceLoneSurrogates, scanJson, type ScanResult } from './json-scan.ts'
import type { EngineLimits } from './limits.ts'
import type { Outcome } from './outcome.ts'
import { createResultWriter } from './result-json.ts'

export interface LoadedPolicy {
  /** Synchronous. `input` is the text of any JSON value; without it, `input` is undefined in Rego. */
  readonly evaluate: (input: Uint8Array | undefined, request: RequestContext) => Outcome
  /** Memory held, in bytes. */
  readonly bytes: number
}

export interface PolicyOptions {
  readonly module: WebAssembly.Module
  /** JSON: the root of `data`. Kept, not copied. */
  readonly data: Uint8Array
  readonly entrypoint: string
  readonly extensions: ReadonlyMap<string, Extension>
  readonly limits: EngineLimits
  readonly decisions: DecisionOptions
  readonly asQuery: boolean
}

const undefinedOutcome: Outcome = { kind: 'undefined' }

const roomyBytes = 2 ** 20

const writeResult = createResultWriter()

/** Most policies answer the same few short documents again and again: the last one is kept with its text. */
function createOutcomeReader(): ReadResult<Outcome> {
  const text = new Uint8Array(128)
  let length = -1
  let last: Outcome = undefinedOutcome

  return (memory, start, end) => {
    if (end - start === length && isSame(memory, start)) return last
    const outcome = { kind: 'value', json: writeResult(memory, start, end) } as const
    length = end - start
    if (length > text.length) length = -1
    else {
      text.set(memory.subarray(start, end))
      last = outcome
    }
    return outcome
  }

  function isSame(memory: Buffer, start: number): boolean {
    for (let i = 0; i < length; i++) if (memory[start + i] !== text[i]) return false
    return true
  }
}

export function createPolicy(options: PolicyOptions): LoadedPolicy {
  const { module, data, entrypoint, extensions, limits, asQuery } = options
  let request: RequestContext = { header: () => '' }
  // Most decisions call no builtin and need none.
  let decision: DecisionContext | undefined
  let builtins: BuiltinTable = []

  function load(): Instance {
    const room = data.length * parsedFactor
    const loaded = createInstance({
      module,
      data,
      call: (id, args) => callBuiltin(builtins[id], args, (decision ??= createDecision(request, options.decisions))),
      maximumBytes: limits.memory + room,
      wholeSet: asQuery,
    })
    return room > roomyBytes ? move(loaded) : loaded
  }

  const move = (from: Instance): Instance => from.renew(from.dataEnd + limits.memory)
  const isOversized = (it: Instance): boolean => it.memoryBytes() > it.dataEnd + limits.keep

  /** After an abort the memory is sound; after a trap nothing in it is trusted, and the data is parsed again. */
  function replace(failed: Instance, error: unknown): Instance | undefined {
    try {
      if (!(error instanceof AbortError)) return load()
      return isOversized(failed) ? move(failed) : failed.renew()
    } catch {
      // No memory at the moment: the next evaluation tries again.
      return undefined
    }
  }

  function run(input: Uint8Array | undefined): Outcome {
    let current = instance
    try {
      current ??= load()
      const outcome = current.evaluate(entry, input, readOutcome) ?? undefinedOutcome
      instance = isOversized(current) ? move(current) : current
      return outcome
    } catch (error) {
      instance = current && replace(current, error)
      return evaluationError(error)
    }
  }

  const readOutcome = createOutcomeReader()
  const first = load()
  builtins = resolveBuiltins(first.builtins, extensions)
  const entry = resolveEntrypoint(first.entrypoints, entrypoint)
  let instance: Instance | undefined = first

  return {
    evaluate: (input, asked) => {
      request = asked
      decision = undefined
      if (input === undefined) return run(input)
      const scan = scanJson(input, limits.maxDepth)
      if (scan === 'ok') return run(input)
      if (asQuery && typeof scan === 'object') return run(input)
      return scan === 'lone_surrogate' ? run(replaceLoneSurrogates(input)) : invalidInput(scan, limits.maxDepth)
    },
    get bytes() {
      return (instance?.memoryBytes() ?? 0) + data.byteLength
    },
  }
}

function invalidInput(scan: Exclude<ScanResult, 'ok' | 'lone_surrogate'>, maxDepth: number): Outcome {
  return scan === 'too_deep'
    ? { kind: 'invalid_input', code: 'input_too_deep', message: `the input nests deeper than ${maxDepth}` }
    : { kind: 'invalid_input', code: 'invalid_json', ...scan }
}

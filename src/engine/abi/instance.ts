/**
 * OPA's WASM ABI, from the outside: an instance holds one data document and evaluates one input after the other, each
 * within a budget. After an AbortError that `isOrderly` it is as good as before; after anything else `renew` makes the
 * next one. No policy of what to do when. This folder alone knows exports, imports and addresses.
 */
import { meterExports, mostUnits } from '../meter/meter.ts'
import { AbortError, BudgetError, outOfMemory } from './errors.ts'
import { link, linkFresh, type HostCall } from './link.ts'
import { memoryTop, reserve, type Linked } from './space.ts'
import { align, headroom, parseData, parsedFactor, prepare, readNames, type DataState } from './values.ts'

export interface Instance {
  readonly entrypoints: ReadonlyMap<string, number>
  readonly builtins: ReadonlyMap<string, number>
  /** Size of the memory, and where the data ends in it, in bytes. */
  readonly memoryBytes: () => number
  readonly dataEnd: number
  /** Units of work that the last evaluation has used. */
  readonly cost: () => number
  /** Units that it has left of those it was given; what reading the input adds does not remain. */
  readonly left: () => number
  readonly evaluate: Evaluate
  /** A fresh instance with the same data: over the same memory, or over a new one of at most `maximumBytes`. */
  readonly renew: (maximumBytes?: number) => Instance
}

/**
 * Within so many units of work. Hands the value text of the document to `read` while it stands in memory; undefined when
 * there is none.
 */
export type Evaluate = <T>(
  entrypoint: number,
  input: Uint8Array | undefined,
  read: ReadResult<T>,
  budget: number,
) => T | undefined

export type ReadResult<T> = (memory: Buffer, start: number, end: number) => T

export interface InstanceOptions {
  readonly module: WebAssembly.Module
  /** JSON. */
  readonly data: Uint8Array
  readonly call: HostCall
  readonly maximumBytes: number
  /** Hands over the whole result set instead of the one document in it. */
  readonly wholeSet?: boolean
}

const envelopeStart = '{{"result": '
const openBrace = 0x7b

/** What each byte of the input adds to the budget: reading it takes so much at most, and inputs have a bound of their own. */
const readUnits = 96

export function createInstance(options: InstanceOptions): Instance {
  const { module, data, call, maximumBytes, wholeSet = false } = options
  const it = linkFresh(module, call, maximumBytes)
  const state = parseData(it, data)
  const names = {
    entrypoints: readNames(it, it.linked.entrypoints()),
    builtins: readNames(it, it.linked.builtins()),
  }
  return createEvaluator({ module, call, ...it, state, names, wholeSet })
}

interface Parts extends Linked {
  readonly module: WebAssembly.Module
  readonly call: HostCall
  readonly state: DataState
  readonly names: Pick<Instance, 'entrypoints' | 'builtins'>
  readonly wholeSet: boolean
}

function createEvaluator(parts: Parts): Instance {
  const { module, call, linked, space, matching, state, names, wholeSet } = parts
  const head = wholeSet ? 0 : envelopeStart.length
  const tail = wholeSet ? 0 : 2
  const { [meterExports.fuel]: fuel, [meterExports.stack]: stack, opa_eval: evaluateText } = linked
  const stackTop = stack.value
  const fixed = { start: stackTop, end: state.end }
  prepare(parts, state.end)
  let cost = 0
  let left = 0
  /** The module has at least so much memory. */
  let top = 0

  function evaluate<T>(
    entrypoint: number,
    input: Uint8Array | undefined,
    read: ReadResult<T>,
    budget: number,
  ): T | undefined {
    // Address 0 with length 0 parses as no value at all: `input` is undefined.
    let at = 0
    let length = 0
    let heap = state.end
    cost = 0
    left = budget
    if (input !== undefined) {
      length = input.length
      place(input)
      at = state.end
      heap = align(at + length)
    }
    const allowance = Math.min(budget + length * readUnits, mostUnits)
    fuel.value = allowance
    matching.begin(fixed)
    let start: number
    try {
      start = evaluateText(0, entrypoint, state.data, at, length, heap, 1) >>> 0
    } catch (error) {
      // The exception has left the stack pointer where the module was.
      stack.value = stackTop
      throw fuel.value < 0 ? new BudgetError() : error
    } finally {
      const rest = Math.max(0, fuel.value)
      cost = allowance - rest
      left = Math.min(budget, rest)
    }
    const bytes = space.view()
    // The result is a set with one object, `{{"result": doc}}`, or the empty set.
    return bytes[start] === openBrace ? read(bytes, start + head, bytes.indexOf(0, start) - tail) : undefined
  }

  function place(input: Uint8Array): void {
    const wanted = state.end + input.length * parsedFactor
    if (wanted > top) {
      fuel.value = mostUnits
      reserve(parts, state.end, wanted - state.end)
      top = memoryTop(parts)
      if (state.end + input.length > top) throw new AbortError(outOfMemory)
    }
    space.view().set(input, state.end)
  }

  function renew(maximumBytes?: number): Instance {
    // Instantiating writes the module's static memory anew; the data behind it stays as it is.
    if (maximumBytes === undefined) return createEvaluator({ ...parts, ...link(module, space, call) })
    const fresh = linkFresh(module, call, maximumBytes)
    reserve(fresh, state.base, state.end - state.base + headroom)
    fresh.space.view().set(space.view().subarray(state.base, state.end), state.base)
    return createEvaluator({ ...parts, ...fresh })
  }

  return {
    ...names,
    memoryBytes: () => space.view().length,
    dataEnd: state.end,
    cost: () => cost,
    left: () => left,
    evaluate,
    renew,
  }
}

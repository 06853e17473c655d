/**
 * OPA's WASM ABI 1.2 and 1.3: the one file that knows exports, imports and addresses. An instance holds one data
 * document and evaluates one input after the other, each within a budget. After an AbortError that `isOrderly` it is
 * as good as before; after anything else `renew` makes the next one. No policy of what to do when.
 * https://www.openpolicyagent.org/docs/wasm
 */
import type { RegoValue } from '../../extensions/extension.ts'
import { lazyExport, lazyFunctions } from './meter/lazy.ts'
import { meterExports, mostUnits } from './meter/meter.ts'
import { parseValue, printValue } from './value-text.ts'

/** `opa_abort`: the evaluation has ended itself; data is sound. */
export class AbortError extends Error {
  override readonly name = 'AbortError'
}

/** The budget is used up; data is sound, for what the module does to it is done in single steps. */
export class BudgetError extends Error {
  override readonly name = 'BudgetError'
}

/** The module does not speak this ABI. */
export class AbiError extends Error {
  override readonly name = 'AbiError'
}

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

/** A builtin that the module asks the host for, or one of its own (`~0`, …); undefined makes the call undefined. */
export type HostCall = (id: number, args: readonly RegoValue[]) => RegoValue | undefined

export interface InstanceOptions {
  readonly module: WebAssembly.Module
  /** JSON. */
  readonly data: Uint8Array
  readonly call: HostCall
  readonly maximumBytes: number
  /** Hands over the whole result set instead of the one document in it. */
  readonly wholeSet?: boolean
}

/** What the module's allocator says when there is no more. */
export const outOfMemory = 'opa_malloc: failed'

/**
 * Whether the instance can go on: not when something within the runtime was cut off, as its own variables (the regular
 * expressions have some) may then be half written.
 */
export const isOrderly = (error: unknown): boolean => error instanceof AbortError && error.message !== outOfMemory

const envelopeStart = '{{"result": '
const openBrace = 0x7b

/** What JSON may take once it is parsed, as a multiple of its text: 16 is usual, a list of small numbers takes 95. */
export const parsedFactor = 96
/** Room for an ordinary evaluation. */
const headroom = 2 ** 18

const pageBytes = 65536
const largestMemory = 65536 * pageBytes

/** What a call of the host takes, and each byte of its arguments and its result. */
const callUnits = 1_000
const byteUnits = 8
/** What each byte of the input adds to the budget: reading it takes so much at most, and inputs have a bound of their own. */
const readUnits = 96

export function createInstance(options: InstanceOptions): Instance {
  const { module, data, call, maximumBytes, wholeSet = false } = options
  const { linked, space } = linkFresh(module, call, maximumBytes)
  const state = parseData(linked, space, data)
  const names = {
    entrypoints: readNames(linked, space, linked.entrypoints()),
    builtins: readNames(linked, space, linked.builtins()),
  }
  return createEvaluator({ module, call, linked, space, state, names, wholeSet })
}

/** Where the data lies: its address, and the end of everything that evaluations must not touch. */
interface DataState {
  readonly base: number
  readonly data: number
  readonly end: number
}

interface Parts {
  readonly module: WebAssembly.Module
  readonly call: HostCall
  readonly linked: Exports
  readonly space: Space
  readonly state: DataState
  readonly names: Pick<Instance, 'entrypoints' | 'builtins'>
  readonly wholeSet: boolean
}

function createEvaluator(parts: Parts): Instance {
  const { module, call, linked, space, state, names, wholeSet } = parts
  const head = wholeSet ? 0 : envelopeStart.length
  const tail = wholeSet ? 0 : 2
  const fuel = linked[meterExports.fuel]
  const stack = linked[meterExports.stack]
  const stackTop = stack.value
  prepare(linked, space, state.end)
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
    cost = 0
    left = budget
    // Address 0 with length 0 parses as no value at all: `input` is undefined.
    let at = 0
    let heap = state.end
    if (input !== undefined) {
      at = placeInput(input)
      heap = align(at + input.length)
    }
    const start = address(spend(entrypoint, at, input?.length ?? 0, heap, budget))
    const bytes = space.view()
    const end = bytes.indexOf(0, start)
    // The result is a set with one object, `{{"result": doc}}`, or the empty set.
    return bytes[start] === openBrace ? read(bytes, start + head, end - tail) : undefined
  }

  function spend(entrypoint: number, input: number, length: number, heap: number, budget: number): number {
    const allowance = Math.min(budget + length * readUnits, mostUnits)
    fuel.value = allowance
    try {
      return linked.opa_eval(0, entrypoint, state.data, input, length, heap, 1)
    } catch (error) {
      // The exception has left the stack pointer where the module was.
      stack.value = stackTop
      throw fuel.value < 0 ? new BudgetError() : error
    } finally {
      const rest = Math.max(0, fuel.value)
      cost = allowance - rest
      left = Math.min(budget, rest)
    }
  }

  function placeInput(input: Uint8Array): number {
    const wanted = state.end + input.length * parsedFactor
    if (wanted > top) {
      fuel.value = mostUnits
      reserve(linked, space, state.end, wanted - state.end)
      top = memoryTop(linked, space)
      if (state.end + input.length > top) throw new AbortError(outOfMemory)
    }
    space.view().set(input, state.end)
    return state.end
  }

  function renew(maximumBytes?: number): Instance {
    // Instantiating writes the module's static memory anew; the data behind it stays as it is.
    if (maximumBytes === undefined) return createEvaluator({ ...parts, linked: link(module, space, call) })
    const fresh = linkFresh(module, call, maximumBytes)
    reserve(fresh.linked, fresh.space, state.base, state.end - state.base + headroom)
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

function parseData(linked: Exports, space: Space, json: Uint8Array): DataState {
  const base = address(linked.opa_heap_ptr_get())
  reserve(linked, space, base, json.length * parsedFactor + headroom)
  const text = address(linked.opa_malloc(json.length))
  space.view().set(json, text)
  const data = linked.opa_json_parse(text, json.length)
  if (data === 0) throw new AbiError('the data is not JSON')
  return { base, data, end: align(address(linked.opa_heap_ptr_get())) }
}

/** Has the runtime do now what it does at its first regular expression; else that evaluation would cost more. */
function prepare(linked: Exports, space: Space, heap: number): void {
  for (const [name, args] of lazyFunctions) {
    const lazy = linked[lazyExport(name)]
    if (typeof lazy !== 'function') continue
    linked.opa_heap_ptr_set(heap)
    lazy(...args.map((text) => placeValue(linked, space, Buffer.from(text))))
  }
}

/** From value text. */
function placeValue(linked: Exports, space: Space, text: Uint8Array): number {
  const at = address(linked.opa_malloc(text.length))
  space.view().set(text, at)
  return linked.opa_value_parse(at, text.length)
}

/**
 * Makes room behind `heap` at once: left alone, the module grows its memory page by page, and each page raises the
 * host's pressure to collect garbage (10 MB of data: 3 s against 0.1 s). Leaves the heap pointer at `heap`.
 */
function reserve(linked: Exports, space: Space, heap: number, bytes: number): void {
  const end = Math.min(heap + bytes, space.maximumBytes - 2 * pageBytes)
  if (end <= memoryTop(linked, space)) return
  linked.opa_heap_ptr_set(heap)
  linked.opa_malloc(end - heap)
  linked.opa_heap_ptr_set(heap)
}

/** The end of the memory as far as the module knows. */
const memoryTop = (linked: Exports, space: Space): number =>
  space.view().length - linked[meterExports.spare].value * pageBytes

/** WASM hands addresses over as signed numbers. */
const address = (signed: number): number => signed >>> 0

const align = (at: number): number => Math.ceil(at / 8) * 8

function readNames(linked: Exports, space: Space, value: number): ReadonlyMap<string, number> {
  const start = address(linked.opa_json_dump(value))
  const bytes = space.view()
  const names = JSON.parse(bytes.toString('utf8', start, bytes.indexOf(0, start))) as Record<string, number>
  return new Map(Object.entries(names))
}

// ── Linking ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Exports {
  readonly opa_eval: (
    reserved: 0,
    entrypoint: number,
    data: number,
    input: number,
    inputLength: number,
    heap: number,
    wantValue: 0 | 1,
  ) => number
  readonly opa_malloc: (size: number) => number
  readonly opa_heap_ptr_get: () => number
  readonly opa_heap_ptr_set: (address: number) => void
  readonly opa_json_parse: (address: number, length: number) => number
  readonly opa_json_dump: (value: number) => number
  readonly opa_value_parse: (address: number, length: number) => number
  readonly opa_value_dump: (value: number) => number
  readonly entrypoints: () => number
  readonly builtins: () => number
  readonly [meterExports.fuel]: WebAssembly.Global
  readonly [meterExports.stack]: WebAssembly.Global
  readonly [meterExports.spare]: WebAssembly.Global
  readonly [lazy: `edict_opa_${string}`]: ((...values: number[]) => number) | undefined
}

/** The memory that a module works in. */
interface Space {
  readonly memory: WebAssembly.Memory
  readonly maximumBytes: number
  /** All of it. Growing detaches the buffer, which leaves a view of length 0: ask again after each call into WASM. */
  readonly view: () => Buffer
}

function createSpace(initial: number, maximum: number): Space {
  const memory = new WebAssembly.Memory({ initial: Math.min(initial, maximum), maximum })
  let bytes = Buffer.from(memory.buffer)
  return {
    memory,
    maximumBytes: maximum * pageBytes,
    view: () => (bytes.length === 0 ? (bytes = Buffer.from(memory.buffer)) : bytes),
  }
}

/** The fewest pages that a module was seen to start with; the JavaScript API does not tell what it imports. */
const initialPages = new WeakMap<WebAssembly.Module, number>()

function linkFresh(module: WebAssembly.Module, call: HostCall, maximumBytes: number): Pick<Parts, 'linked' | 'space'> {
  const maximum = Math.ceil(Math.min(maximumBytes, largestMemory) / pageBytes)
  for (let initial = initialPages.get(module) ?? 2; ; initial *= 2) {
    try {
      const space = createSpace(initial, maximum)
      const linked = link(module, space, call)
      initialPages.set(module, initial)
      return { linked, space }
    } catch (error) {
      const tooSmall = error instanceof WebAssembly.LinkError || error instanceof WebAssembly.RuntimeError
      if (!tooSmall || initial >= maximum) throw error
    }
  }
}

function link(module: WebAssembly.Module, space: Space, call: HostCall): Exports {
  const { memory, view } = space

  function builtin(id: number, _context: number, ...addresses: number[]): number {
    charge(callUnits)
    const result = call(id, addresses.map(readValue))
    return result === undefined ? 0 : writeValue(result)
  }

  function charge(units: number): void {
    const fuel = linked[meterExports.fuel]
    fuel.value = Math.max(-1, fuel.value - units)
    if (fuel.value < 0) throw new BudgetError()
  }

  function readValue(at: number): RegoValue {
    const start = address(linked.opa_value_dump(at))
    const bytes = view()
    const end = bytes.indexOf(0, start)
    charge((end - start) * byteUnits)
    return parseValue(bytes, start, end)
  }

  function writeValue(value: RegoValue): number {
    const text = Buffer.from(printValue(value))
    charge(text.length * byteUnits)
    return placeValue(linked, space, text)
  }

  function readMessage(pointer: number): string {
    const at = address(pointer)
    const bytes = view()
    const end = bytes.indexOf(0, at)
    return bytes.toString('utf8', at, end === -1 ? at : end)
  }

  const env = {
    memory,
    opa_abort: (message: number): never => {
      throw new AbortError(readMessage(message))
    },
    opa_println: () => undefined,
    opa_builtin0: builtin,
    opa_builtin1: builtin,
    opa_builtin2: builtin,
    opa_builtin3: builtin,
    opa_builtin4: builtin,
  }
  const linked = checkExports(new WebAssembly.Instance(module, { env }).exports)
  return linked
}

function checkExports(exports: WebAssembly.Exports): Exports {
  const { opa_wasm_abi_version: major, opa_wasm_abi_minor_version: minor } = exports
  const version = [major, minor].map(globalValue).join('.')
  if (version !== '1.2' && version !== '1.3') throw new AbiError(`unsupported ABI version ${version}`)
  // The version stands for the exports: it is the module's word, and the one assertion on it.
  return exports as unknown as Exports
}

const globalValue = (value: unknown): unknown => (value instanceof WebAssembly.Global ? value.value : undefined)

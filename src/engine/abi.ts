/**
 * OPA's WASM ABI 1.2 and 1.3: the one file that knows exports, imports and addresses. An instance holds one data
 * document and evaluates one input after the other; whatever it throws, it must not be used again (each abnormal
 * exit leaves the module's own stack pointer lowered): `renew` makes the next one. No policy of what to do when.
 * https://www.openpolicyagent.org/docs/wasm
 */
import type { RegoValue } from '../../extensions/extension.ts'
import { parseValue, printValue } from './value-text.ts'

/** `opa_abort`: the evaluation ended in an orderly way, memory is sound. Any other exception is a trap. */
export class AbortError extends Error {
  override readonly name = 'AbortError'
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
  /** Hands the value text of the document to `read` while it stands in memory; undefined when there is none. */
  readonly evaluate: <T>(entrypoint: number, input: Uint8Array | undefined, read: ReadResult<T>) => T | undefined
  /** A fresh instance with the same data: over the same memory, or over a new one of at most `maximumBytes`. */
  readonly renew: (maximumBytes?: number) => Instance
}

export type ReadResult<T> = (memory: Buffer, start: number, end: number) => T

/** A builtin that the module asks the host for; undefined makes the call undefined. */
export type HostCall = (id: number, args: readonly RegoValue[]) => RegoValue | undefined

export interface InstanceOptions {
  readonly module: WebAssembly.Module
  /** JSON. */
  readonly data: Uint8Array
  readonly call: HostCall
  readonly maximumBytes: number
}

const envelopeStart = '{{"result": '
const openBrace = 0x7b

export const pageBytes = 65536
const largestMemory = 65536 * pageBytes

export function createInstance({ module, data, call, maximumBytes }: InstanceOptions): Instance {
  const { linked, memory } = linkFresh(module, call, maximumBytes)
  const state = parseData(linked, memory, data)
  const names = {
    entrypoints: readNames(linked, memory, linked.entrypoints()),
    builtins: readNames(linked, memory, linked.builtins()),
  }
  return createEvaluator({ module, call, linked, memory, state, names })
}

/** Where the data lies: its address, and the end of everything that evaluations must not touch. */
interface DataState {
  readonly base: number
  readonly data: number
  readonly heap: number
}

interface Parts {
  readonly module: WebAssembly.Module
  readonly call: HostCall
  readonly linked: Exports
  readonly memory: WebAssembly.Memory
  readonly state: DataState
  readonly names: Pick<Instance, 'entrypoints' | 'builtins'>
}

function createEvaluator(parts: Parts): Instance {
  const { module, call, linked, memory, state, names } = parts
  const view = createView(memory)

  function evaluate<T>(entrypoint: number, input: Uint8Array | undefined, read: ReadResult<T>): T | undefined {
    // Address 0 with length 0 parses as no value at all: `input` is undefined.
    let at = 0
    let heap = state.heap
    if (input !== undefined) {
      at = place(input)
      heap = align(at + input.length)
    }
    const start = linked.opa_eval(0, entrypoint, state.data, at, input?.length ?? 0, heap, 1)
    const bytes = view()
    const end = bytes.indexOf(0, start)
    // The result is a set with one object, `{{"result": doc}}`, or the empty set.
    return bytes[start] === openBrace ? read(bytes, start + envelopeStart.length, end - 2) : undefined
  }

  /** Copies the input behind the data, where the heap will begin after it. */
  function place(input: Uint8Array): number {
    let at = state.heap
    if (at + input.length > memory.buffer.byteLength) {
      // Let the module grow its memory: its allocator keeps its own account of the size.
      linked.opa_heap_ptr_set(state.heap)
      at = linked.opa_malloc(input.length)
    }
    view().set(input, at)
    return at
  }

  function renew(newMaximum?: number): Instance {
    if (newMaximum === undefined) {
      // Instantiating writes the module's static memory anew; the data behind it stays as it is.
      return createEvaluator({ ...parts, linked: link(module, memory, call) })
    }
    const fresh = linkFresh(module, call, newMaximum)
    fresh.linked.opa_malloc(state.heap - state.base)
    const image = view().subarray(state.base, state.heap)
    Buffer.from(fresh.memory.buffer).set(image, state.base)
    return createEvaluator({ ...parts, ...fresh })
  }

  return {
    ...names,
    memoryBytes: () => memory.buffer.byteLength,
    dataEnd: state.heap,
    evaluate,
    renew,
  }
}

function parseData(linked: Exports, memory: WebAssembly.Memory, json: Uint8Array): DataState {
  const base = linked.opa_heap_ptr_get()
  const text = linked.opa_malloc(json.length)
  Buffer.from(memory.buffer).set(json, text)
  const data = linked.opa_json_parse(text, json.length)
  if (data === 0) throw new AbiError('the data is not JSON')
  return { base, data, heap: align(linked.opa_heap_ptr_get()) }
}

/** A view of the whole memory, made anew when the memory has grown (which detaches its old buffer). */
function createView(memory: WebAssembly.Memory): () => Buffer {
  let bytes = Buffer.from(memory.buffer)
  return () => {
    if (bytes.buffer !== memory.buffer) bytes = Buffer.from(memory.buffer)
    return bytes
  }
}

const align = (address: number): number => (address + 7) & ~7

function readNames(linked: Exports, memory: WebAssembly.Memory, address: number): ReadonlyMap<string, number> {
  const start = linked.opa_json_dump(address)
  const bytes = Buffer.from(memory.buffer)
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
}

/** The fewest pages that a module was seen to start with; the JavaScript API does not tell what it imports. */
const initialPages = new WeakMap<WebAssembly.Module, number>()

function linkFresh(module: WebAssembly.Module, call: HostCall, maximumBytes: number) {
  const maximum = Math.ceil(Math.min(maximumBytes, largestMemory) / pageBytes)
  for (let initial = initialPages.get(module) ?? 2; ; initial *= 2) {
    try {
      const memory = new WebAssembly.Memory({ initial: Math.min(initial, maximum), maximum })
      const linked = link(module, memory, call)
      initialPages.set(module, initial)
      return { linked, memory }
    } catch (error) {
      const tooSmall = error instanceof WebAssembly.LinkError || error instanceof WebAssembly.RuntimeError
      if (!tooSmall || initial >= maximum) throw error
    }
  }
}

function link(module: WebAssembly.Module, memory: WebAssembly.Memory, call: HostCall): Exports {
  const view = createView(memory)

  function builtin(id: number, _context: number, ...addresses: number[]): number {
    const result = call(id, addresses.map(readValue))
    return result === undefined ? 0 : writeValue(result)
  }

  function readValue(address: number): RegoValue {
    const start = linked.opa_value_dump(address)
    const bytes = view()
    return parseValue(bytes, start, bytes.indexOf(0, start))
  }

  function writeValue(value: RegoValue): number {
    const text = Buffer.from(printValue(value))
    const at = linked.opa_malloc(text.length)
    view().set(text, at)
    return linked.opa_value_parse(at, text.length)
  }

  function readMessage(address: number): string {
    const bytes = view()
    const end = bytes.indexOf(0, address)
    return bytes.toString('utf8', address, end === -1 ? address : end)
  }

  const env = {
    memory,
    opa_abort: (address: number): never => {
      throw new AbortError(readMessage(address))
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
  const version = `${globalValue(major)}.${globalValue(minor)}`
  if (version !== '1.2' && version !== '1.3') throw new AbiError(`unsupported ABI version ${version}`)
  // The version stands for the exports: it is the module's word, and the one assertion on it.
  return exports as unknown as Exports
}

const globalValue = (value: unknown): unknown => (value instanceof WebAssembly.Global ? value.value : undefined)

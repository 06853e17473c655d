/** The memory that a module works in, and room in it. */
import { meterExports } from '../meter/meter.ts'
import type { Exports } from './exports.ts'
import type { Matching } from './matching.ts'

export interface Space {
  readonly memory: WebAssembly.Memory
  readonly maximumBytes: number
  /** All of it. Growing detaches the buffer, which leaves a view of length 0: ask again after each call into WASM. */
  readonly view: () => Buffer
  /** The same, to read numbers from. */
  readonly numbers: () => DataView
}

export interface Linked {
  readonly linked: Exports
  readonly space: Space
  readonly matching: Matching
}

/** What it takes to put something into the memory. */
export type Placed = Pick<Linked, 'linked' | 'space'>

export const pageBytes = 65536

export function createSpace(initial: number, maximum: number): Space {
  const memory = new WebAssembly.Memory({ initial: Math.min(initial, maximum), maximum })
  let bytes = Buffer.from(memory.buffer)
  let numbers = new DataView(memory.buffer)

  function refresh(): void {
    bytes = Buffer.from(memory.buffer)
    numbers = new DataView(memory.buffer)
  }

  return {
    memory,
    maximumBytes: maximum * pageBytes,
    view: () => {
      if (bytes.length === 0) refresh()
      return bytes
    },
    numbers: () => {
      if (bytes.length === 0) refresh()
      return numbers
    },
  }
}

/**
 * Makes room behind `heap` at once: left alone, the module grows its memory page by page, and each page raises the
 * host's pressure to collect garbage (10 MB of data: 3 s against 0.1 s). Leaves the heap pointer at `heap`.
 */
export function reserve({ linked, space }: Placed, heap: number, bytes: number): void {
  const end = Math.min(heap + bytes, space.maximumBytes - 2 * pageBytes)
  if (end <= memoryTop({ linked, space })) return
  linked.opa_heap_ptr_set(heap)
  linked.opa_malloc(end - heap)
  linked.opa_heap_ptr_set(heap)
}

/** The end of the memory as far as the module knows. */
export const memoryTop = ({ linked, space }: Placed): number =>
  space.view().length - linked[meterExports.spare].value * pageBytes

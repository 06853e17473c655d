/** What goes into a module's memory and comes out of it between evaluations, as text. */
import { lazyExport, lazyFunctions } from '../meter/lazy.ts'
import { AbiError } from './errors.ts'
import { address } from './exports.ts'
import { reserve, type Placed } from './space.ts'

/** What JSON may take once it is parsed, as a multiple of its text: 16 is usual, a list of small numbers takes 95. */
export const parsedFactor = 96
/** Room for an ordinary evaluation. */
export const headroom = 2 ** 18

/** Where the data lies: its address, and the end of everything that evaluations must not touch. */
export interface DataState {
  readonly base: number
  readonly data: number
  readonly end: number
}

export function parseData(it: Placed, json: Uint8Array): DataState {
  const { linked, space } = it
  const base = address(linked.opa_heap_ptr_get())
  reserve(it, base, json.length * parsedFactor + headroom)
  const text = address(linked.opa_malloc(json.length))
  space.view().set(json, text)
  const data = linked.opa_json_parse(text, json.length)
  if (data === 0) throw new AbiError('the data is not JSON')
  return { base, data, end: align(address(linked.opa_heap_ptr_get())) }
}

/** Has the runtime do now what it does at its first regular expression; else that evaluation would cost more. */
export function prepare(it: Placed, heap: number): void {
  for (const [name, args] of lazyFunctions) {
    const lazy = it.linked[lazyExport(name)]
    if (typeof lazy !== 'function') continue
    it.linked.opa_heap_ptr_set(heap)
    lazy(...args.map((text) => placeValue(it, Buffer.from(text))))
  }
}

/** From value text. */
export function placeValue({ linked, space }: Placed, text: Uint8Array): number {
  const at = address(linked.opa_malloc(text.length))
  space.view().set(text, at)
  return linked.opa_value_parse(at, text.length)
}

export function readNames({ linked, space }: Placed, value: number): ReadonlyMap<string, number> {
  const start = address(linked.opa_json_dump(value))
  const bytes = space.view()
  const names = JSON.parse(bytes.toString('utf8', start, bytes.indexOf(0, start))) as Record<string, number>
  return new Map(Object.entries(names))
}

export const align = (at: number): number => Math.ceil(at / 8) * 8

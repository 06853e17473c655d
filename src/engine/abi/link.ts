/** A module with a memory and with the host's functions, which charge for what they do. */
import type { RegoValue } from '../../../extensions/extension.ts'
import { offered } from '../meter/diversions.ts'
import { meterExports } from '../meter/meter.ts'
import { parseValue, printValue } from '../value-text.ts'
import { AbortError, BudgetError } from './errors.ts'
import { address, checkExports } from './exports.ts'
import { createMatching } from './matching.ts'
import { createSpace, pageBytes, type Linked, type Space } from './space.ts'
import { placeValue } from './values.ts'

/** A builtin that the module asks the host for, or one of its own (`~0`, …); undefined makes the call undefined. */
export type HostCall = (id: number, args: readonly RegoValue[]) => RegoValue | undefined

/** What a call of the host takes, and each byte of its arguments and its result. */
const callUnits = 1_000
const byteUnits = 8
/** What a regular expression takes that the host matches: compiling the smallest in the module takes as much. */
const matchUnits = 4_000

const yes = Buffer.from('true')
const no = Buffer.from('false')

const largestMemory = 65536 * pageBytes

/** The fewest pages that a module was seen to start with; the JavaScript API does not tell what it imports. */
const initialPages = new WeakMap<WebAssembly.Module, number>()

export function linkFresh(module: WebAssembly.Module, call: HostCall, maximumBytes: number): Linked {
  const maximum = Math.ceil(Math.min(maximumBytes, largestMemory) / pageBytes)
  for (let initial = initialPages.get(module) ?? 2; ; initial *= 2) {
    try {
      const space = createSpace(initial, maximum)
      const linked = link(module, space, call)
      initialPages.set(module, initial)
      return linked
    } catch (error) {
      const tooSmall = error instanceof WebAssembly.LinkError || error instanceof WebAssembly.RuntimeError
      if (!tooSmall || initial >= maximum) throw error
    }
  }
}

export function link(module: WebAssembly.Module, space: Space, call: HostCall): Linked {
  const { memory, view } = space
  const matching = createMatching(space, (wanted) => (linked[meterExports.offer].value = wanted ? 1 : 0))

  /** 0: the module matches by itself. */
  function match(pattern: number, text: number): number {
    const isMatch = matching.match(pattern, text)
    if (isMatch === undefined) return 0
    charge(matchUnits)
    return placeValue({ linked, space }, isMatch ? yes : no)
  }

  function builtin2(id: number, context: number, first: number, second: number): number {
    return id === offered.id ? match(first >>> 0, second >>> 0) : builtin(id, context, first, second)
  }

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
    return placeValue({ linked, space }, text)
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
    opa_builtin2: builtin2,
    opa_builtin3: builtin,
    opa_builtin4: builtin,
  }
  const linked = checkExports(new WebAssembly.Instance(module, { env }).exports)
  return { linked, space, matching }
}

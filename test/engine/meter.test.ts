import { describe, expect, it } from 'vitest'
import { MeterError } from '../../src/engine/meter/bytes.ts'
import { meter, meterExports } from '../../src/engine/meter/meter.ts'

const i32 = 0x7f
const [get, set, constant, add, sub, lessThan] = [0x20, 0x21, 0x41, 0x6a, 0x6b, 0x48]
const [block, loop, when, otherwise, end, br, brIf, brTable, call] = [2, 3, 4, 5, 0x0b, 0x0c, 0x0d, 0x0e, 0x10]
const none = 0x40

const section = (id: number, ...content: number[]): number[] => [id, ...leb(content.length), ...content]
const leb = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >> 7)])
const body = (code: readonly number[], locals = 1): number[] => {
  const all = [1, locals, i32, ...code, end]
  return [...leb(all.length), ...all]
}

const stackPointer = section(6, 1, i32, 1, constant, 0x80, 0x80, 4, end)

interface Parts {
  readonly globals?: readonly number[]
  /** The function in the table. */
  readonly tabled?: number
}

/** Functions from one number to one number; the first is `f`. Each has one local besides. */
const moduleOf = (
  functions: readonly (readonly number[])[],
  { globals = stackPointer, tabled }: Parts = {},
): Uint8Array =>
  Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 1, i32, 1, i32),
    ...section(3, functions.length, ...functions.map(() => 0)),
    ...section(4, 1, 0x70, 0, 1),
    ...section(5, 1, 1, 1, 4),
    ...globals,
    ...section(7, 1, 1, 0x66, 0, 0),
    ...(tabled === undefined ? [] : section(9, 1, 0, constant, 0, end, 1, tabled)),
    ...section(10, functions.length, ...functions.flatMap((code) => body(code))),
  ])

interface Metered {
  readonly f: (n: number) => number
  readonly [meterExports.fuel]: WebAssembly.Global
  readonly [meterExports.stack]: WebAssembly.Global
  readonly [meterExports.spare]: WebAssembly.Global
}

const start = (wasm: Uint8Array): Metered =>
  new WebAssembly.Instance(new WebAssembly.Module(meter(wasm)), {}).exports as unknown as Metered

/** What `f(n)` returns, and the units that it takes. */
const run = (functions: readonly (readonly number[])[], n: number, parts?: Parts): { result: number; cost: number } => {
  const exports = start(moduleOf(functions, parts))
  const fuel = exports[meterExports.fuel]
  const before = fuel.value
  return { result: exports.f(n), cost: before - fuel.value }
}

const nops = (count: number): number[] => Array.from({ length: count }, () => [constant, 0, 0x1a]).flat()

/** Adds one `n` times. */
const counting = [
  ...[block, none, loop, none],
  ...[get, 1, get, 0, lessThan, 0x45, brIf, 1],
  ...[get, 1, constant, 1, add, set, 1, br, 0],
  ...[end, end, get, 1],
]

describe('a metered module', () => {
  it('computes what it did, and charges each round of a loop', () => {
    expect(run([counting], 1000).result).toBe(1000)
    const [ten, twenty, thousand] = [10, 20, 1000].map((n) => run([counting], n).cost)
    expect((twenty ?? 0) - (ten ?? 0)).toBeGreaterThanOrEqual(10)
    expect((thousand ?? 0) - (ten ?? 0)).toBe((((twenty ?? 0) - (ten ?? 0)) / 10) * 990)
  })

  it('charges a loop that is left in the middle, in whatever way', () => {
    // Leaves when the local is 5: jumping out of the loop, out of the function, by a switch, by returning.
    const until = (leaving: readonly number[]): number[] => [
      ...[block, none, loop, none, ...nops(80)],
      ...[get, 1, constant, 5, 0x46, when, none, ...leaving, end],
      ...[get, 1, constant, 1, add, set, 1, br, 0],
      ...[end, end, get, 0],
    ]
    const ways = [
      [br, 2],
      [get, 0, br, 3],
      [get, 0, get, 0, brTable, 1, 3, 3],
      [get, 0, 0x0f],
    ]
    const costs = ways.map((way) => run([until(way)], 0).cost)
    for (const cost of costs) expect(cost).toBeGreaterThanOrEqual((6 * 160) / 8)
    for (const cost of costs) expect(cost).toBeLessThan((6 * 200) / 8)
  })

  it('adds up what a function with a loop, and all that it calls, takes', () => {
    const costly = [...nops(400), get, 0]
    const alone = run([counting, costly], 10).cost
    const ways = [
      [...counting, call, 1],
      [get, 0, call, 1, 0x1a, ...counting],
      [...counting, set, 1, get, 0, call, 1, 0x1a, get, 1],
    ]
    for (const way of ways) expect(run([way, costly], 10).cost).toBeGreaterThanOrEqual(alone + (400 * 2) / 8)
    const throughTable = [get, 0, constant, 0, 0x11, 0, 0]
    expect(run([[...counting, call, 1], throughTable, costly], 10, { tabled: 2 }).cost).toBeGreaterThanOrEqual(
      alone + (400 * 2) / 8,
    )
  })

  it('traps when its fuel is used up, says so, and goes on with more', () => {
    const exports = start(moduleOf([counting]))
    const fuel = exports[meterExports.fuel]
    fuel.value = 100
    expect(() => exports.f(1e9)).toThrow(WebAssembly.RuntimeError)
    expect(fuel.value).toBeLessThan(0)
    fuel.value = 1e6
    expect(exports.f(50)).toBe(50)
  })

  it('stops a recursion that has no loop', () => {
    const twice = [get, 0, when, none, ...[get, 0, constant, 1, sub, call, 0, 0x1a, get, 0, constant, 1, sub, call, 0]]
    const exports = start(moduleOf([[...twice, 0x1a, end, constant, 7]]))
    exports[meterExports.fuel].value = 100_000
    expect(() => exports.f(60)).toThrow(WebAssembly.RuntimeError)
    expect(exports[meterExports.fuel].value).toBeLessThan(0)
  })

  it('charges the longest way through branches, not the sum of all', () => {
    const both = (short: number, long: number): number[] => [
      ...[get, 0, when, none, ...nops(short), otherwise, ...nops(long), end],
      ...[get, 0],
    ]
    expect(run([both(100, 800)], 1).cost).toBe(run([both(100, 800)], 0).cost)
    expect(run([both(700, 800)], 1).cost).toBe(run([both(800, 800)], 1).cost)
    expect(run([both(100, 1600)], 1).cost).toBeGreaterThan(1.8 * run([both(100, 800)], 1).cost)
  })

  it('charges the longest case of a switch', () => {
    const cases = [
      ...[block, none, block, none, block, none, get, 0, brTable, 2, 0, 1, 2, end],
      ...[...nops(100), br, 1, end, ...nops(900), br, 0, end],
      ...[get, 0],
    ]
    const costs = [0, 1, 2, 9].map((n) => run([cases], n).cost)
    expect(new Set(costs).size).toBe(1)
    expect(costs[0]).toBeGreaterThan((900 * 2) / 8)
    expect(costs[0]).toBeLessThan((1000 * 2) / 8)
  })

  it('has small functions paid by their callers', () => {
    const leaf = [get, 0, constant, 1, add]
    const large = [...nops(60), get, 0]
    const calling = [get, 0, ...Array.from({ length: 50 }, () => [call, 1]).flat()]
    const direct = run([calling, leaf], 0)
    expect(direct.result).toBe(50)
    expect(direct.cost).toBeGreaterThanOrEqual((50 * 4) / 8)
    expect(run([calling, large], 0).cost).toBeGreaterThan((50 * 120) / 8)
  })

  it('grows its memory by more than asked, up to its maximum, and never shows the surplus', () => {
    const exports = start(moduleOf([[get, 0, 0x40, 0]]))
    const spare = exports[meterExports.spare]
    expect(exports.f(0)).toBe(1)
    expect(exports.f(1)).not.toBe(-1)
    expect(exports.f(2)).not.toBe(-1)
    expect(spare.value).toBe(0)
    expect(exports.f(1)).toBe(-1)
  })

  it('shows its stack pointer', () => {
    expect(start(moduleOf([counting]))[meterExports.stack].value).toBe(65_536)
  })

  it('is the same bytes each time', () => {
    expect(meter(moduleOf([counting]))).toEqual(meter(moduleOf([counting])))
  })
})

describe('metering refuses', () => {
  const refused = (wasm: Uint8Array, message: RegExp): void => {
    expect(() => meter(wasm)).toThrow(MeterError)
    expect(() => meter(wasm)).toThrow(message)
  }

  it('instructions whose cost it does not know', () => {
    const copy = [constant, 0, constant, 0, get, 0, 0xfc, 10, 0, 0, get, 0]
    refused(moduleOf([copy]), /0xfc a cannot be metered/)
    refused(moduleOf([[0xfd, 12, 0, get, 0]]), /0xfd cannot be metered/)
    refused(moduleOf([[0x12, 0]]), /0x12 cannot be metered/)
  })

  it('a module without a stack pointer', () => {
    refused(moduleOf([counting], { globals: section(6, 1, i32, 0, constant, 0, end) }), /stack pointer/)
  })

  it('what is no module, or ends too early', () => {
    refused(Buffer.from('not wasm'), /no WebAssembly/)
    refused(Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), /not what opa builds/)
    const whole = moduleOf([counting])
    for (let length = 8; length < whole.length - 1; length++) expect(() => meter(whole.subarray(0, length))).toThrow()
  })
})

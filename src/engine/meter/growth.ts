/**
 * A function that stands in for `memory.grow`. OPA's allocator grows its memory by the page, and for each growth V8
 * makes a new buffer and counts all of it as garbage to come: 400,000 small arrays took 5 s in a trial. This one
 * grows by half of what there is and keeps the surplus to itself: as far as the module knows, it is not there.
 */
import { u32 } from './bytes.ts'

/** As it stands in the code section; its type is one number in, one out. `spare` is the global with the surplus. */
export function growthFunction(spare: number): readonly number[] {
  const body = [...oneLocal, ...whole(), ...fromSurplus(spare), ...byHalf(spare), ...exactly, end]
  return [...u32(body.length), ...body]
}

const pages = 0
const more = 1
const oneLocal = [1, 1, 0x7f]
const end = 0x0b

const get = (local: number): readonly number[] => [0x20, local]
const tee = (local: number): readonly number[] => [0x22, local]
const load = (global: number): readonly number[] => [0x23, ...u32(global)]
const store = (global: number): readonly number[] => [0x24, ...u32(global)]
const constant = (value: 0 | 1 | -1): readonly number[] => [0x41, value & 0x7f]
const when = (condition: readonly number[], result: readonly number[]): readonly number[] => [
  ...condition,
  ...[0x04, 0x40],
  ...result,
  ...[0x0f, end],
]
const size = [0x3f, 0]
const grow = [0x40, 0]
const isZero = 0x45
const isOther = 0x47
const isAtMost = 0x4d
const plus = 0x6a
const minus = 0x6b
const shiftRight = 0x76

/** `grow(0)` asks for the size: whoever does so starts with all that there is. */
const whole = (): readonly number[] => when([...get(pages), isZero], size)

const fromSurplus = (spare: number): readonly number[] =>
  when(
    [...get(pages), ...load(spare), isAtMost],
    [...load(spare), ...get(pages), minus, ...store(spare), ...constant(0)],
  )

const byHalf = (spare: number): readonly number[] => [
  ...[...get(pages), ...load(spare), minus, ...tee(pages)],
  ...[...size, ...constant(1), shiftRight, ...tee(more), plus],
  ...when([...grow, ...constant(-1), isOther], [...get(more), ...store(spare), ...constant(0)]),
  ...[...constant(0), ...store(spare)],
]

const exactly = [...get(pages), ...grow]

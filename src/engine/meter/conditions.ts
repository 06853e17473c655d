/**
 * When a builtin of OPA's runtime has the host answer in its place: conditions on its arguments, as WebAssembly that
 * leaves a number, 0 for no. They look at values where they lie in memory (`value.h` of OPA's runtime), and may say yes
 * to an argument of another type than they ask about, for the host looks again.
 */
import { s32, u32 } from './bytes.ts'
import { opcode } from './opcodes.ts'

/** Numbers of the functions that are put behind those of the module: one value in, 0 or 1 out. */
export interface Tests {
  readonly isWide: number
  readonly isForeign: number
  readonly holdsWide: number
}

/** Undefined: always. */
export type Condition = ((tests: Tests) => readonly number[]) | undefined

const types = { number: 3, string: 4, array: 5, set: 7, internedString: 8 } as const
const reprInteger = 1
/** Offsets of the fields. */
const numberAt = { repr: 1, integer: 8, text: 8, length: 12 } as const
const stringAt = { length: 4, text: 8 } as const
const arrayAt = { elements: 4, length: 8 } as const
const element = { size: 8, value: 4 } as const

const get = (local: number): readonly number[] => [0x20, local]
const set = (local: number): readonly number[] => [0x21, local]
const tee = (local: number): readonly number[] => [0x22, local]
const byteAt = (offset: number): readonly number[] => [0x2d, 0, offset]
const wordAt = (offset: number): readonly number[] => [0x28, 2, offset]
const longAt = (offset: number): readonly number[] => [0x29, 3, offset]
const constant = (value: number): readonly number[] => [0x41, ...s32(value)]
const long = (value: number): readonly number[] => [0x42, ...s32(value)]
const call = (index: number): readonly number[] => [opcode.call, ...u32(index)]
const isZero = 0x45
const isEqual = 0x46
const isOther = 0x47
const isGreater = 0x4b
const isAtLeast = 0x4f
const isLongAtLeast = 0x5a
const plus = 0x6a
const minus = 0x6b
const multiply = 0x6c
const both = 0x71
const either = 0x72
const longPlus = 0x7c

const nothing = 0x40
const when = (condition: readonly number[], result: readonly number[]): readonly number[] => [
  ...condition,
  ...[opcode.if, nothing],
  ...result,
  ...[opcode.return, opcode.end],
]

/** Of what lies between local 1 and local 2 in steps of `size`, whether `condition` holds anywhere. */
const some = (size: number, condition: readonly number[]): readonly number[] => [
  ...[opcode.loop, nothing],
  ...when([...get(1), ...get(2), isAtLeast], constant(0)),
  ...when(condition, constant(1)),
  ...[...get(1), ...constant(size), plus, ...set(1)],
  ...[opcode.br, 0, opcode.end],
  ...constant(0),
]

const twoLocals = [1, 2, 0x7f]

/** A number that is no integer of up to nine digits, written plainly. */
const isWide: readonly number[] = [
  ...twoLocals,
  ...when([...get(0), ...byteAt(0), ...constant(types.number), isOther], constant(0)),
  ...when(
    [...get(0), ...byteAt(numberAt.repr), ...constant(reprInteger), isEqual],
    [...get(0), ...longAt(numberAt.integer), ...long(2 ** 31 - 1), longPlus, ...long(2 ** 32 - 1), isLongAtLeast],
  ),
  ...when([...get(0), ...wordAt(numberAt.length), ...tee(2), ...constant(9), isGreater], constant(1)),
  ...[...get(0), ...wordAt(numberAt.text), ...tee(1), ...get(2), plus, ...set(2)],
  ...some(1, [
    ...[...get(1), ...byteAt(0), ...constant(0x30), minus, ...constant(9), isGreater],
    ...[...get(1), ...byteAt(0), ...constant(0x2d), isOther, both],
  ]),
  opcode.end,
]

const isNoString = (local: number): readonly number[] => [
  ...[...get(local), ...byteAt(0), ...constant(types.string), isOther],
  ...[...get(local), ...byteAt(0), ...constant(types.internedString), isOther, both],
]

/** A string with a character beyond ASCII. */
const isForeign: readonly number[] = [
  ...twoLocals,
  ...when(isNoString(0), constant(0)),
  ...[...get(0), ...wordAt(stringAt.text), ...tee(1), ...get(0), ...wordAt(stringAt.length), plus, ...set(2)],
  ...some(1, [...get(1), ...byteAt(0), ...constant(0x7f), isGreater]),
  opcode.end,
]

/** An array with a wide number in it; or a set, which is not looked into. */
const holdsWide = (tests: Pick<Tests, 'isWide'>): readonly number[] => [
  ...twoLocals,
  ...when([...get(0), ...byteAt(0), ...constant(types.set), isEqual], constant(1)),
  ...when([...get(0), ...byteAt(0), ...constant(types.array), isOther], constant(0)),
  ...[...get(0), ...wordAt(arrayAt.elements), ...tee(1)],
  ...[...get(0), ...wordAt(arrayAt.length), ...constant(element.size), multiply, plus, ...set(2)],
  ...some(element.size, [...get(1), ...wordAt(element.value), ...call(tests.isWide)]),
  opcode.end,
]

export const testsFrom = (first: number): Tests => ({ isWide: first, isForeign: first + 1, holdsWide: first + 2 })

/** Their code, in order. */
export const testFunctions = (tests: Tests): readonly (readonly number[])[] => [isWide, isForeign, holdsWide(tests)]

export const always: Condition = undefined
export const foreignText: Condition = (tests) => [...get(0), ...call(tests.isForeign)]
export const wideNumber: Condition = (tests) => [...get(0), ...call(tests.isWide)]
export const wideNumbers: Condition = (tests) => [
  ...[...get(0), ...call(tests.isWide)],
  ...[...get(1), ...call(tests.isWide), either],
]
export const wideItems: Condition = (tests) => [...get(0), ...call(tests.holdsWide)]
export const emptySecond: Condition = () => [...get(1), ...wordAt(stringAt.length), isZero]
export const setSecond: Condition = () => [...get(1), ...byteAt(0), ...constant(types.set), isEqual]
export const someText: Condition = () => [...isNoString(0), isZero]

/**
 * The order of Rego values, as OPA compares them: null < booleans < numbers < strings < arrays < objects < sets.
 * Strings go by code point (the order of their UTF-8 bytes), numbers by their exact decimal value.
 */
import { RegoNumber, RegoObject, RegoSet, type RegoValue } from './extension.ts'

export function compareValues(a: RegoValue, b: RegoValue): number {
  const difference = rank(a) - rank(b)
  if (difference !== 0) return difference
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b)
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (isNumber(a) && isNumber(b)) return compareNumbers(numberText(a), numberText(b))
  if (isArray(a) && isArray(b)) return compareLists(a, b)
  if (a instanceof RegoSet && b instanceof RegoSet) return compareLists(sortedItems(a), sortedItems(b))
  if (a instanceof RegoObject && b instanceof RegoObject) return compareObjects(a, b)
  return 0
}

/** By code point. UTF-16 order differs from it where a surrogate meets U+E000 to U+FFFF. */
export function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return codePointOrder(x) - codePointOrder(y)
  }
  return a.length - b.length
}

/** Exact, and linear in the digits: no arithmetic is done on them, so neither a million digits nor 1e999999 hurt. */
export function compareNumbers(a: string, b: string): number {
  if (a === b) return 0
  const x = decimalParts(a)
  const y = decimalParts(b)
  if (x.sign !== y.sign) return x.sign - y.sign
  if (x.exponent !== y.exponent) return x.exponent > y.exponent === x.sign > 0 ? 1 : -1
  if (x.digits === y.digits) return 0
  return x.digits > y.digits === x.sign > 0 ? 1 : -1
}

export const sortedItems = (set: RegoSet): readonly RegoValue[] => set.items.toSorted(compareValues)

export const sortedEntries = (object: RegoObject): RegoObject['entries'] =>
  object.entries.toSorted(([a], [b]) => compareValues(a, b))

export const numberText = (value: number | RegoNumber): string => (typeof value === 'number' ? `${value}` : value.text)

/** A literal keeps its text where a double would not print it back as it stands. */
export function numberOf(text: string): number | RegoNumber {
  const number = Number(text)
  return `${number}` === text ? number : new RegoNumber(text)
}

export const isArray = (value: RegoValue): value is readonly RegoValue[] => Array.isArray(value)

export const isNumber = (value: RegoValue): value is number | RegoNumber =>
  typeof value === 'number' || value instanceof RegoNumber

function rank(value: RegoValue): number {
  if (value === null) return 0
  if (typeof value === 'boolean') return 1
  if (isNumber(value)) return 2
  if (typeof value === 'string') return 3
  if (isArray(value)) return 4
  return value instanceof RegoObject ? 5 : 6
}

function compareLists(a: readonly RegoValue[], b: readonly RegoValue[]): number {
  for (const [i, x] of a.entries()) {
    const y = b[i]
    if (y === undefined) return 1
    const order = compareValues(x, y)
    if (order !== 0) return order
  }
  return a.length - b.length
}

function compareObjects(a: RegoObject, b: RegoObject): number {
  return compareLists(sortedEntries(a).flat(), sortedEntries(b).flat())
}

function codePointOrder(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

/** `0.digits × 10^exponent`, without leading or trailing zeros; zero has no digits. */
export interface DecimalParts {
  readonly sign: -1 | 0 | 1
  readonly digits: string
  readonly exponent: number
}

export function decimalParts(text: string): DecimalParts {
  const negative = text.startsWith('-')
  const e = text.search(/e/i)
  const mantissa = text.slice(negative ? 1 : 0, e === -1 ? text.length : e)
  const point = mantissa.indexOf('.')
  const written = mantissa.replace('.', '')
  const digits = trimZeros(written)
  if (digits === '') return { sign: 0, digits, exponent: 0 }
  const leading = written.search(/[1-9]/)
  const whole = point === -1 ? mantissa.length : point
  return {
    sign: negative ? -1 : 1,
    digits,
    exponent: whole - leading + (e === -1 ? 0 : Number(text.slice(e + 1))),
  }
}

function trimZeros(digits: string): string {
  let start = 0
  let end = digits.length
  while (start < end && digits[start] === '0') start++
  while (end > start && digits[end - 1] === '0') end--
  return digits.slice(start, end)
}

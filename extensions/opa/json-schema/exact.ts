/** Numbers as the fractions that they are: what divides what, and how Go writes them. */
import { decimalParts, numberText } from '../../compare.ts'
import { bitLength, quotient } from '../big-float.ts'
import { decimalOf, goExponent, plainDecimal, type NumberValue } from '../number.ts'

export function isInteger(value: NumberValue): boolean {
  const { digits, exponent } = decimalParts(numberText(value))
  return digits.length <= exponent || digits === ''
}

export const isPositive = (value: NumberValue): boolean => decimalParts(numberText(value)).sign > 0

/** Without computing powers: a short text may stand for a number of a billion digits. */
export function isMultiple(value: NumberValue, divisor: NumberValue): boolean {
  const a = decimalParts(numberText(value))
  const b = decimalParts(numberText(divisor))
  if (a.digits === '') return true
  const shift = a.exponent - a.digits.length - (b.exponent - b.digits.length)
  // Neither has zeros at its end, so ten divides neither.
  if (shift < 0) return false
  const modulus = BigInt(b.digits)
  return (BigInt(a.digits) * tenToThe(shift, modulus)) % modulus === 0n
}

function tenToThe(power: number, modulus: bigint): bigint {
  let result = 1n % modulus
  let square = 10n % modulus
  for (let rest = power; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}

/** What printing it costs, in digits. */
export const writtenSize = (value: NumberValue): number => {
  const { coefficient, exponent } = decimalOf(value)
  return `${coefficient}`.length + Math.abs(exponent)
}

/** As Go prints the `big.Float` of a `big.Rat`: the fewest digits that tell it from its neighbours. */
export function ratText(value: NumberValue): string {
  const { coefficient, exponent } = decimalOf(value)
  if (coefficient === 0n) return '0'
  const [top, bottom] = lowestTerms(coefficient < 0n ? -coefficient : coefficient, exponent)
  const precision = Math.max(64, bitLength(top), bitLength(bottom))
  const { digits, point } = shortest(top, bottom, precision)
  return (coefficient < 0n ? '-' : '') + generalText(digits, point)
}

function lowestTerms(coefficient: bigint, exponent: number): readonly [bigint, bigint] {
  if (exponent >= 0) return [coefficient * 10n ** BigInt(exponent), 1n]
  let top = coefficient
  let bottom = 1n
  for (const prime of [2n, 5n]) {
    let power = -exponent
    for (; power > 0 && top % prime === 0n; power--) top /= prime
    bottom *= prime ** BigInt(power)
  }
  return [top, bottom]
}

/** `0.digits × 10^point` */
interface Digits {
  readonly digits: string
  readonly point: number
}

/** `mantissa × 2^exponent`, without zeros at the end. */
function decimalDigits(mantissa: bigint, exponent: number): Digits {
  const scale = Math.max(-exponent, 0)
  const text = `${exponent >= 0 ? mantissa << BigInt(exponent) : mantissa * 5n ** BigInt(scale)}`
  return { digits: text.replace(/0+$/, ''), point: text.length - scale }
}

/** Go's `roundShortest`: as soon as a digit leaves the interval that rounds to the same number. */
function shortest(top: bigint, bottom: bigint, precision: number): Digits {
  const float = quotient(top, bottom, precision)
  const shift = precision + 1 - bitLength(float.mantissa)
  const mantissa = float.mantissa << BigInt(shift)
  const exponent = float.exponent - shift
  const exact = decimalDigits(mantissa, exponent)
  const lower = decimalDigits(mantissa - 1n, exponent).digits
  const upper = decimalDigits(mantissa + 1n, exponent).digits
  const inclusive = (mantissa & 2n) === 0n
  for (let i = 0; i < exact.digits.length; i++) {
    const digit = exact.digits[i] ?? '0'
    const low = lower[i] ?? '0'
    const high = upper[i] ?? '0'
    const down = low !== digit || (inclusive && i + 1 === lower.length)
    const up = digit !== high && (inclusive || Number(digit) + 1 < Number(high) || i + 1 < upper.length)
    if (down && up) return cut(exact, i + 1, isAboveHalf(exact.digits, i + 1))
    if (down || up) return cut(exact, i + 1, up)
  }
  return exact
}

/** A tie goes to the even digit. */
function isAboveHalf(digits: string, length: number): boolean {
  const next = digits[length] ?? '0'
  if (next === '5' && length + 1 === digits.length) return Number(digits[length - 1]) % 2 === 1
  return next >= '5'
}

function cut({ digits, point }: Digits, length: number, up: boolean): Digits {
  if (length >= digits.length) return { digits, point }
  const kept = digits.slice(0, length)
  const text = up ? `${BigInt(kept) + 1n}` : kept
  return { digits: text.replace(/0+$/, ''), point: point + text.length - length }
}

function generalText(digits: string, point: number): string {
  const mantissa = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits
  const exponent = point - 1
  if (exponent < -4 || exponent >= 6) return `${mantissa}e${goExponent(exponent)}`
  return plainDecimal(mantissa, exponent)
}

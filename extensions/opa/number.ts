/**
 * Rego numbers are literals: what a builtin makes of one depends on how it is written. Integers and decimals are exact,
 * on BigInt; the conversions refuse what Go refuses, each under the name of what it yields.
 */
import { isNumber, numberOf, numberText } from '../compare.ts'
import type { RegoNumber, RegoValue } from '../extension.ts'

export type NumberValue = number | RegoNumber

/** `coefficient × 10^exponent` */
export interface Decimal {
  readonly coefficient: bigint
  readonly exponent: number
}

/** OPA handles numbers below 2^100000; beyond that nothing is computed, whatever a literal says. */
const greatestExponent = 30_103

const literal = /^([-+]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:[eE]([-+]?\d+))?$/

export function decimalOf(value: NumberValue): Decimal {
  const [, sign, whole = '', fraction = '', power = '0'] = literal.exec(numberText(value)) ?? []
  if (sign === undefined) throw new SyntaxError('not a number')
  const written = Number(power)
  if (!/[1-9]/.test(whole + fraction)) return { coefficient: 0n, exponent: 0 }
  if (Math.abs(written) + whole.length > greatestExponent * 2) throw new RangeError('number too big')
  const digits = BigInt(whole + fraction)
  return { coefficient: sign === '-' ? -digits : digits, exponent: written - fraction.length }
}

/** An integer however it is written: `2.0` and `1e30`, too. Undefined for anything with a fraction. */
export function bigIntOf(value: NumberValue): bigint | undefined {
  const { coefficient, exponent } = decimalOf(value)
  if (exponent >= 0) return coefficient * 10n ** BigInt(exponent)
  if (coefficient === 0n) return 0n
  // More zeros than digits: the quotient is a fraction, and the power need not be computed.
  if (-exponent > `${coefficient}`.length) return undefined
  const divisor = 10n ** BigInt(-exponent)
  return coefficient % divisor === 0n ? coefficient / divisor : undefined
}

const plain = /^[-+]?\d*(?:\.0*)?$/

/** What Go's `Number.Int64` takes: up to 19 characters without an exponent, and no fraction but zeros. */
export function int64Of(value: NumberValue): bigint | undefined {
  const text = numberText(value)
  const unsigned = text.replace(/^[-+]/, '')
  if (unsigned === '' || unsigned.length > 19 || !plain.test(text)) return undefined
  const whole = BigInt(unsigned.replace(/\..*$/, '') || '0')
  const signed = text.startsWith('-') ? -whole : whole
  return BigInt.asIntN(64, signed) === signed ? signed : undefined
}

/** As `int64Of`, for what must fit a double anyway: lengths, positions, counts. */
export function intOf(value: NumberValue): number | undefined {
  const exact = int64Of(value)
  return exact === undefined ? undefined : Number(exact)
}

export const doubleOf = (value: NumberValue): number => (typeof value === 'number' ? value : Number(value.text))

export const fromBigInt = (value: bigint): NumberValue => numberOf(`${value}`)

/** A double as Go's `FormatFloat(f, 'g', -1, 64)` writes it: `1e+06`, `123456`, `1e-05`. */
export const fromDouble = (value: number): NumberValue => numberOf(shortestDouble(value))

export const isNumberValue = (value: RegoValue | undefined): value is NumberValue =>
  value !== undefined && isNumber(value)

/** `exponentFrom` is 21 in Go's `%v`, 6 in its `'g'`: the decimal exponent from which on `e` is written. */
export function shortestDouble(value: number, exponentFrom = 6): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} is not a Rego number`)
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [mantissa = '', power = ''] = value.toExponential().split('e')
  const exponent = Number(power)
  if (exponent < -4 || exponent >= exponentFrom) return `${mantissa}e${goExponent(exponent)}`
  return plainDecimal(mantissa, exponent)
}

/** At least two digits, and always a sign. */
export const goExponent = (exponent: number): string =>
  `${exponent < 0 ? '-' : '+'}${`${Math.abs(exponent)}`.padStart(2, '0')}`

/** `mantissa`: one digit, perhaps a period and more. */
export function plainDecimal(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith('-') ? '-' : ''
  const digits = mantissa.replace(/[-.]/g, '')
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  const fraction = digits.slice(exponent + 1)
  return fraction === '' ? sign + whole : `${sign}${whole}.${fraction}`
}

/** A decimal without an exponent, and without zeros that say nothing. */
export function plainText({ coefficient, exponent }: Decimal): string {
  if (exponent >= 0) return `${coefficient * 10n ** BigInt(exponent)}`
  const sign = coefficient < 0n ? '-' : ''
  const digits = `${coefficient < 0n ? -coefficient : coefficient}`.padStart(1 - exponent, '0')
  const fraction = digits.slice(exponent).replace(/0+$/, '')
  const whole = digits.slice(0, exponent)
  return fraction === '' ? sign + whole : `${sign}${whole}.${fraction}`
}

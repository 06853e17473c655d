/** Amounts with a unit: `10MiB`, `200m`, `1e3k`. The unit of `parse` is a decimal or binary prefix, milli included. */
import { numberOf } from '../compare.ts'
import type { PureExtension } from '../extension.ts'
import { bigFloatOf, times, truncate } from './big-float.ts'
import { fromBigInt, type Decimal, type NumberValue } from './number.ts'
import { number, pure, string } from './types.ts'
import { asString, BuiltinError, defined } from './values.ts'

export const units: readonly PureExtension[] = [
  pure('units.parse', [string], number, 'An amount with an SI or binary unit as a number.', (args) =>
    parse(asString(args[0])),
  ),
  pure('units.parse_bytes', [string], number, 'An amount of bytes with a unit as a whole number.', (args) =>
    parseBytes(asString(args[0])),
  ),
]

const letters = ['k', 'm', 'g', 't', 'p', 'e']
const decimal = letters.map((unit, i) => [unit, 1000n ** BigInt(i + 1)] as const)
const binary = letters.map((unit, i) => [`${unit}i`, 1024n ** BigInt(i + 1)] as const)

const byteUnits: ReadonlyMap<string, bigint> = new Map([
  ['', 1n],
  ...decimal,
  ...decimal.map(([unit, factor]) => [`${unit}b`, factor] as const),
  ...binary,
  ...binary.map(([unit, factor]) => [`${unit}b`, factor] as const),
])

/** `m` is milli, `M` mega; otherwise the first letter may be of either case. */
const parseUnits: ReadonlyMap<string, bigint> = new Map([
  ['', 1n],
  ...[...decimal, ...binary].flatMap(([unit, factor]) => {
    const upper = unit.charAt(0).toUpperCase() + unit.slice(1)
    return (unit === 'm' ? [upper] : [unit, upper]).map((name) => [name, factor] as const)
  }),
])

/** Go computes a million digits here; nobody has that many bytes. */
const greatestExponent = 30_103

interface Amount {
  readonly amount: string
  readonly unit: string
}

/** An exponent needs a digit or a sign behind its letter, else `e` is a unit; with more than six digits it is refused. */
function amountOf(text: string): Amount {
  if (text.includes(' ')) throw new BuiltinError('spaces not allowed in resource strings')
  const amount = /^(?:[\d.+-]|[eE][+-]?(?=[\d+-])|[eE][+-])*/.exec(text)?.[0] ?? ''
  if (/[eE][+-]?\d{7}/.test(amount)) throw new BuiltinError('exponent too large')
  if (amount === '') throw new BuiltinError('no amount provided')
  return { amount, unit: text.slice(amount.length) }
}

/** The double 0.001 as it is, not a thousandth: that is what OPA multiplies with. */
const milli = { mantissa: 1152921504606847n, shift: 60n } as const

function parse(text: string): NumberValue {
  const { amount, unit } = amountOf(text.replaceAll('"', ''))
  const name = unit.charAt(0) + unit.slice(1).toLowerCase()
  const factor = name === 'm' ? 1n : defined(parseUnits.get(name), `unit ${unit} not recognized`)
  const { coefficient, exponent } = literalOf(amount)
  const product = coefficient * factor
  return name === 'm'
    ? fraction(product * milli.mantissa, exponent, 1n << milli.shift)
    : fraction(product, exponent, 1n)
}

function parseBytes(text: string): NumberValue {
  const { amount, unit } = amountOf(text.toLowerCase().replaceAll('"', ''))
  const factor = defined(byteUnits.get(unit), `byte unit ${unit} not recognized`)
  return fromBigInt(truncate(times(bigFloatOf(literalOf(amount)), factor)))
}

/** `coefficient × 10^exponent / divisor`: all digits of an integer, else ten decimals, the last one rounded. */
function fraction(coefficient: bigint, exponent: number, divisor: bigint): NumberValue {
  const top = exponent > 0 ? coefficient * 10n ** BigInt(exponent) : coefficient
  const bottom = exponent < 0 ? divisor * 10n ** BigInt(-exponent) : divisor
  if (top % bottom === 0n) return fromBigInt(top / bottom)
  const negative = top < 0n
  const scaled = (negative ? -top : top) * 10n ** 10n
  const rounded = (scaled * 2n + bottom) / (bottom * 2n)
  const digits = `${rounded}`.padStart(11, '0')
  return numberOf(`${negative ? '-' : ''}${digits.slice(0, -10)}.${digits.slice(-10)}`)
}

function literalOf(amount: string): Decimal {
  const [, sign, whole = '', part = '', power = '0'] = /^([-+]?)(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?$/.exec(amount) ?? []
  if (sign === undefined || whole + part === '') throw new BuiltinError('could not parse amount to a number')
  const digits = BigInt(whole + part)
  if (Math.abs(Number(power)) > greatestExponent) throw new BuiltinError('exponent too large')
  return { coefficient: sign === '-' ? -digits : digits, exponent: Number(power) - part.length }
}

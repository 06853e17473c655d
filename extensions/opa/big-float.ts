/** Go's `big.Float` as OPA uses it: 64 bits of mantissa unless told otherwise, rounded to nearest, ties to even. */
import type { Decimal } from './number.ts'

/** `mantissa × 2^exponent` */
export interface BigFloat {
  readonly mantissa: bigint
  readonly exponent: number
}

const usual = 64

export function bigFloatOf({ coefficient, exponent }: Decimal): BigFloat {
  const power = 5n ** BigInt(Math.abs(exponent))
  return scaled(exponent >= 0 ? quotient(coefficient * power, 1n) : quotient(coefficient, power), exponent)
}

export const fromInteger = (value: bigint): BigFloat => ({ mantissa: value, exponent: 0 })

export function add(a: BigFloat, b: BigFloat): BigFloat {
  const exponent = Math.min(a.exponent, b.exponent)
  const aligned = ({ mantissa, exponent: own }: BigFloat): bigint => mantissa << BigInt(own - exponent)
  return scaled(quotient(aligned(a) + aligned(b), 1n), exponent)
}

export const multiply = (a: BigFloat, b: BigFloat, bits = usual): BigFloat =>
  scaled(quotient(a.mantissa * b.mantissa, 1n, bits), a.exponent + b.exponent)

/** By anything but zero. */
export function divide(a: BigFloat, b: BigFloat): BigFloat {
  const [top, bottom] = b.mantissa < 0n ? [-a.mantissa, -b.mantissa] : [a.mantissa, b.mantissa]
  return scaled(quotient(top, bottom), a.exponent - b.exponent)
}

const scaled = ({ mantissa, exponent }: BigFloat, power: number): BigFloat => ({ mantissa, exponent: exponent + power })

export function times({ mantissa, exponent }: BigFloat, factor: bigint): BigFloat {
  const product = quotient(mantissa * factor, 1n)
  return { mantissa: product.mantissa, exponent: product.exponent + exponent }
}

/** Towards zero. */
export function truncate({ mantissa, exponent }: BigFloat): bigint {
  if (exponent >= 0) return mantissa << BigInt(exponent)
  return mantissa / (1n << BigInt(-exponent))
}

export const isInteger = (value: BigFloat): boolean =>
  value.exponent >= 0 || truncate(value) << BigInt(-value.exponent) === value.mantissa

/** `top / bottom` with so many bits of mantissa, at most. */
export function quotient(top: bigint, bottom: bigint, bits = usual): BigFloat {
  if (top === 0n) return { mantissa: 0n, exponent: 0 }
  if (top < 0n) {
    const { mantissa, exponent } = quotient(-top, bottom, bits)
    return { mantissa: -mantissa, exponent }
  }
  // One or two bits more than needed, and whether anything lies behind them.
  const shift = bits + 2 - (bitLength(top) - bitLength(bottom))
  const scaledTop = shift > 0 ? top << BigInt(shift) : top
  const scaledBottom = shift < 0 ? bottom << BigInt(-shift) : bottom
  const digits = scaledTop / scaledBottom
  const sticky = scaledTop % scaledBottom === 0n ? 0n : 1n
  return round((digits << 1n) | sticky, -shift - 1, bits)
}

function round(digits: bigint, exponent: number, bits: number): BigFloat {
  const drop = bitLength(digits) - bits
  if (drop <= 0) return { mantissa: digits, exponent }
  const half = 1n << BigInt(drop - 1)
  const kept = digits >> BigInt(drop)
  const rest = digits & ((half << 1n) - 1n)
  const up = rest > half || (rest === half && (kept & 1n) === 1n)
  return { mantissa: up ? kept + 1n : kept, exponent: exponent + drop }
}

export function bitLength(value: bigint): number {
  const digits = value.toString(16)
  return 4 * digits.length - Math.clz32(Number.parseInt(digits.charAt(0), 16)) + 28
}

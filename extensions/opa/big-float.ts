/** Go's `big.Float` as OPA uses it: 64 bits of mantissa, rounded to nearest, ties to even. */
import type { Decimal } from './number.ts'

/** `mantissa × 2^exponent` */
export interface BigFloat {
  readonly mantissa: bigint
  readonly exponent: number
}

const usual = 64

export function bigFloatOf({ coefficient, exponent }: Decimal): BigFloat {
  return exponent >= 0
    ? quotient(coefficient * 10n ** BigInt(exponent), 1n)
    : quotient(coefficient, 10n ** BigInt(-exponent))
}

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

/** `top / bottom` with that many bits of mantissa, at most. */
export function quotient(top: bigint, bottom: bigint, precision = usual): BigFloat {
  if (top === 0n) return { mantissa: 0n, exponent: 0 }
  if (top < 0n) {
    const { mantissa, exponent } = quotient(-top, bottom, precision)
    return { mantissa: -mantissa, exponent }
  }
  // One or two bits more than needed, and whether anything lies behind them.
  const shift = precision + 2 - (bitLength(top) - bitLength(bottom))
  const scaledTop = shift > 0 ? top << BigInt(shift) : top
  const scaledBottom = shift < 0 ? bottom << BigInt(-shift) : bottom
  const digits = scaledTop / scaledBottom
  const sticky = scaledTop % scaledBottom === 0n ? 0n : 1n
  return round((digits << 1n) | sticky, -shift - 1, precision)
}

function round(digits: bigint, exponent: number, precision: number): BigFloat {
  const drop = bitLength(digits) - precision
  if (drop <= 0) return { mantissa: digits, exponent }
  const half = 1n << BigInt(drop - 1)
  const kept = digits >> BigInt(drop)
  const rest = digits & ((half << 1n) - 1n)
  const up = rest > half || (rest === half && (kept & 1n) === 1n)
  return { mantissa: up ? kept + 1n : kept, exponent: exponent + drop }
}

export const bitLength = (value: bigint): number => value.toString(2).length

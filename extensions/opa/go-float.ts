/** Doubles as Go's `strconv.FormatFloat` writes them: the exact decimal expansion, ties to even. */
import { goExponent } from './number.ts'

/** `0.digits × 10^point`, without trailing zeros. */
interface Digits {
  readonly digits: string
  readonly point: number
}

export type FloatFormat = 'b' | 'e' | 'E' | 'f' | 'g' | 'G' | 'x' | 'X'

/** Without `precision`, as many digits as tell the double from its neighbours. */
export function formatFloat(value: number, format: FloatFormat, precision?: number): string {
  if (Number.isNaN(value)) return 'NaN'
  const negative = value < 0 || Object.is(value, -0)
  if (!Number.isFinite(value)) return negative ? '-Inf' : '+Inf'
  const sign = negative ? '-' : ''
  return sign + unsigned(Math.abs(value), format, precision)
}

function unsigned(value: number, format: FloatFormat, precision: number | undefined): string {
  switch (format) {
    case 'b':
      return binary(value)
    case 'x':
      return hexadecimal(value, precision)
    case 'X':
      return hexadecimal(value, precision).toUpperCase()
    case 'f':
      return fixed(value, precision)
    case 'e':
      return exponential(value, precision)
    case 'E':
      return exponential(value, precision).toUpperCase()
    case 'g':
      return general(value, precision)
    case 'G':
      return general(value, precision).toUpperCase()
  }
}

function fixed(value: number, precision: number | undefined): string {
  const rounded = precision === undefined ? shortest(value) : round(value, { decimals: precision })
  return writeFixed(rounded, precision ?? Math.max(rounded.digits.length - rounded.point, 0))
}

function exponential(value: number, precision: number | undefined): string {
  const rounded = precision === undefined ? shortest(value) : round(value, { significant: precision + 1 })
  return writeExponential(rounded, precision ?? Math.max(rounded.digits.length - 1, 0))
}

function general(value: number, precision: number | undefined): string {
  const significant = precision === undefined ? undefined : Math.max(precision, 1)
  const rounded = significant === undefined ? shortest(value) : round(value, { significant })
  const count = rounded.digits.length
  const wanted = significant ?? count
  const narrow = wanted > count && count >= rounded.point ? count : wanted
  const limit = significant === undefined ? 6 : narrow
  const exponent = rounded.point - 1
  if (exponent < -4 || exponent >= limit) return writeExponential(rounded, Math.max(Math.min(wanted, count) - 1, 0))
  return writeFixed(rounded, Math.max(count - rounded.point, 0))
}

function writeFixed({ digits, point }: Digits, decimals: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0'
  if (decimals === 0) return whole
  const fraction = point >= 0 ? digits.slice(point) : '0'.repeat(-point) + digits
  return `${whole}.${fraction.slice(0, decimals).padEnd(decimals, '0')}`
}

function writeExponential({ digits, point }: Digits, decimals: number): string {
  const first = digits[0] ?? '0'
  const fraction = decimals > 0 ? `.${digits.slice(1, decimals + 1).padEnd(decimals, '0')}` : ''
  return `${first}${fraction}e${goExponent(digits === '' ? 0 : point - 1)}`
}

/** JavaScript's own shortest digits are Go's. */
function shortest(value: number): Digits {
  if (value === 0) return { digits: '', point: 1 }
  const [mantissa = '', exponent = ''] = value.toExponential().split('e')
  return { digits: mantissa.replace('.', ''), point: Number(exponent) + 1 }
}

type Rounding = { readonly decimals: number } | { readonly significant: number }

function round(value: number, to: Rounding): Digits {
  const { mantissa, exponent } = split(value)
  if (mantissa === 0n) return { digits: '', point: 1 }
  // Exactly: m × 2^e = m × 2^e × 10^0 or m × 5^-e × 10^e.
  const exact = exponent >= 0 ? mantissa << BigInt(exponent) : mantissa * 5n ** BigInt(-exponent)
  const scale = Math.max(-exponent, 0)
  const digits = `${exact}`
  const point = digits.length - scale
  const keep = 'decimals' in to ? point + to.decimals : to.significant
  if (keep >= digits.length) return trim(digits, point)
  if (keep < 0) return { digits: '', point: 1 }
  const divisor = 10n ** BigInt(digits.length - keep)
  const quotient = exact / divisor
  const twice = (exact % divisor) * 2n
  const up = twice > divisor || (twice === divisor && quotient % 2n === 1n)
  const rounded = up ? quotient + 1n : quotient
  if (rounded === 0n) return { digits: '', point: 1 }
  const text = `${rounded}`
  return trim(text, point + text.length - keep)
}

const trim = (digits: string, point: number): Digits => ({ digits: digits.replace(/0+$/, ''), point })

/** `mantissa × 2^exponent`, the mantissa an integer of 53 bits at most. */
function split(value: number): { readonly mantissa: bigint; readonly exponent: number } {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const biased = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & 0xf_ffff_ffff_ffffn
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: biased - 1075 }
}

function binary(value: number): string {
  const { mantissa, exponent } = split(value)
  return `${mantissa}p${exponent >= 0 ? '+' : ''}${exponent}`
}

const top = 1n << 60n

function hexadecimal(value: number, precision: number | undefined): string {
  let { mantissa, exponent } = split(value)
  if (mantissa === 0n) exponent = 0
  else {
    exponent += 52
    mantissa <<= 8n
    while ((mantissa & top) === 0n) {
      mantissa <<= 1n
      exponent--
    }
  }
  if (precision !== undefined && precision < 15) {
    const shift = BigInt(60 - precision * 4)
    const rest = mantissa & ((1n << shift) - 1n)
    const half = 1n << (shift - 1n)
    mantissa >>= shift
    if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa++
    mantissa <<= shift
    if (mantissa >= top << 1n) {
      mantissa >>= 1n
      exponent++
    }
  }
  const digits = (mantissa & (top - 1n)).toString(16).padStart(15, '0')
  const fraction =
    precision === undefined ? digits.replace(/0+$/, '') : digits.slice(0, precision).padEnd(precision, '0')
  return `0x${mantissa >> 60n}${fraction === '' ? '' : `.${fraction}`}p${goExponent(exponent)}`
}

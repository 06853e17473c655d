/**
 * Go's `big.Float` as OPA prints it: with the fewest digits that still stand for it alone, integers in full. After
 * `math/big/ftoa.go`.
 */
import { bitLength, type BigFloat, isInteger } from './big-float.ts'
import { goExponent } from './number.ts'

/** `0.digits × 10^exponent`, without zeros at the end. */
interface Digits {
  readonly digits: string
  readonly exponent: number
}

/** `bits`: of the mantissa; integers may have more. */
export function bigFloatText(value: BigFloat, bits = 64): string {
  if (value.mantissa < 0n) return `-${bigFloatText({ ...value, mantissa: -value.mantissa }, bits)}`
  if (value.mantissa === 0n) return '0'
  const shortest = shorten(value, bits)
  return isInteger(value) ? plain(shortest) : general(shortest)
}

const plain = ({ digits, exponent }: Digits): string => {
  if (exponent <= 0) return `0.${'0'.repeat(-exponent)}${digits}`
  const whole = digits.slice(0, exponent).padEnd(exponent, '0')
  return digits.length > exponent ? `${whole}.${digits.slice(exponent)}` : whole
}

function general({ digits, exponent }: Digits): string {
  const power = exponent - 1
  if (power >= -4 && power < 6) return plain({ digits, exponent })
  const fraction = digits.slice(1)
  return `${digits.slice(0, 1)}${fraction === '' ? '' : `.${fraction}`}e${goExponent(power)}`
}

function exactly(mantissa: bigint, exponent: number): Digits {
  const whole = exponent >= 0 ? mantissa << BigInt(exponent) : mantissa * 5n ** BigInt(-exponent)
  const text = `${whole}`
  return { digits: withoutZeros(text), exponent: text.length + Math.min(exponent, 0) }
}

/** Digit by digit, until no neighbour is meant any more. */
function shorten({ mantissa, exponent }: BigFloat, bits: number): Digits {
  const exact = exactly(mantissa, exponent)
  const shift = bitLength(mantissa) - (Math.max(bits, bitLength(mantissa)) + 1)
  const doubled = mantissa << BigInt(-shift)
  const lower = exactly(doubled - 1n, exponent + shift)
  const upper = exactly(doubled + 1n, exponent + shift)
  const inclusive = (doubled & 2n) === 0n
  for (let i = 0; i < exact.digits.length; i++) {
    const own = digitAt(exact, i)
    const above = digitAt(upper, i)
    const down = digitAt(lower, i) !== own || (inclusive && i + 1 === lower.digits.length)
    const up = own !== above && (inclusive || own + 1 < above || i + 1 < upper.digits.length)
    if (down && up) return isUpper(exact.digits, i + 1) ? roundUp(exact, i + 1) : roundDown(exact, i + 1)
    if (down) return roundDown(exact, i + 1)
    if (up) return roundUp(exact, i + 1)
  }
  return exact
}

/** At the end. */
function withoutZeros(digits: string): string {
  let end = digits.length
  while (end > 0 && digits.charCodeAt(end - 1) === 48) end--
  return digits.slice(0, end)
}

const digitAt = ({ digits }: Digits, at: number): number => (at < digits.length ? digits.charCodeAt(at) - 48 : 0)

/** Whether the digits from `at` on round up; a half goes to the even digit. */
function isUpper(digits: string, at: number): boolean {
  if (digits[at] === '5' && at + 1 === digits.length) return at > 0 && Number(digits[at - 1]) % 2 === 1
  return Number(digits[at] ?? '0') >= 5
}

const roundDown = ({ digits, exponent }: Digits, length: number): Digits => ({
  digits: withoutZeros(digits.slice(0, length)),
  exponent,
})

function roundUp({ digits, exponent }: Digits, length: number): Digits {
  const kept = digits.slice(0, length).replace(/9+$/, '')
  if (kept === '') return { digits: '1', exponent: exponent + 1 }
  return { digits: `${kept.slice(0, -1)}${Number(kept.at(-1)) + 1}`, exponent }
}

/** The order in which go-yaml writes keys: numbers in names by their value (`a2` before `a10`), letters after digits. */
import { codePoints } from './utf8.ts'

export function naturalOrder(a: string, b: string): number {
  const x = codePoints(a)
  const y = codePoints(b)
  const at = x.findIndex((char, i) => char !== y[i])
  return at === -1 || at >= y.length ? x.length - y.length : compareAt(x, y, at)
}

/** Where they differ first. */
function compareAt(x: readonly string[], y: readonly string[], at: number): number {
  const [one = '', two = ''] = [x[at], y[at]]
  const [letterOne, letterTwo] = [isLetter(one), isLetter(two)]
  if (letterOne && letterTwo) return codeOf(one) - codeOf(two)
  if (letterOne || letterTwo) return isDigit(x[at - 1]) === letterOne ? -1 : 1
  const start = (one === '0' || two === '0') && followsNumber(x, at) ? 1 : 0
  const [first, second] = [runOf(x, at), runOf(y, at)]
  const difference = valueOf(first, start) - valueOf(second, start)
  if (difference !== 0n) return difference < 0n ? -1 : 1
  return first.length - second.length || codeOf(one) - codeOf(two)
}

const isDigit = (char: string | undefined): boolean => char !== undefined && /\p{Nd}/u.test(char)
const isLetter = (char: string): boolean => /\p{L}/u.test(char)
const codeOf = (char: string): number => char.codePointAt(0) ?? 0

/** Digits before it that are not all zeros: then a zero says something. */
function followsNumber(chars: readonly string[], at: number): boolean {
  for (let i = at - 1; i >= 0 && isDigit(chars[i]); i--) if (chars[i] !== '0') return true
  return false
}

function runOf(chars: readonly string[], at: number): readonly string[] {
  let end = at
  while (end < chars.length && isDigit(chars[end])) end++
  return chars.slice(at, end)
}

const valueOf = (digits: readonly string[], start: number): bigint =>
  digits.reduce((value, digit) => value * 10n + BigInt(codeOf(digit) - 0x30), BigInt(start))

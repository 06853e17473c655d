/** Upper and lower case as Go has them: one character for one, whatever stands around it. */
import { codePoints } from '../utf8.ts'

export const upperCase = (text: string): string => codePoints(text).map(upper).join('')
export const lowerCase = (text: string): string => codePoints(text).map(lower).join('')

/** Pairs of upper and lower case that have come after Unicode 15, which is Go's. */
const newer = /[\u019b\u0264\u1c89\u1c8a\ua7cb-\ua7cf\ua7d2-\ua7d5\ua7da-\ua7dc\u{10d50}-\u{10d85}\u{16ea0}-\u{16ed3}]/u

function upper(char: string): string {
  if (newer.test(char)) return char
  const full = char.toUpperCase()
  return codePoints(full).length === 1 ? full : (titled(char) ?? char)
}

/** JavaScript makes several characters of it; Unicode knows one besides, for titles. */
function titled(char: string): string | undefined {
  const code = char.codePointAt(0) ?? 0
  if (code < 0x1f80 || code > 0x1fff) return undefined
  const iota = [0x1fb3, 0x1fc3, 0x1ff3]
  if (iota.includes(code)) return String.fromCodePoint(code + 9)
  return code < 0x1fb0 ? String.fromCodePoint(code | 8) : undefined
}

function lower(char: string): string {
  if (newer.test(char)) return char
  const full = char.toLowerCase()
  return codePoints(full).length === 1 ? full : (codePoints(full)[0] ?? char)
}

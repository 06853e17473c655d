/**
 * The usual case of `scanJson`, in a third of its time: one function over local variables. True is an answer, false is
 * none: escapes, exponents, tabs, and whatever is wrong are for the scan to look at.
 */
import { isUtf8 } from 'node:buffer'

const quote = 0x22
const comma = 0x2c
const minus = 0x2d
const point = 0x2e
const zero = 0x30
const colon = 0x3a
const openArray = 0x5b
const closeArray = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

const ordinary = 1
const digit = 2
const blank = 4

const kinds = new Uint8Array(256)
for (let byte = 0x20; byte < 256; byte++) kinds[byte] = ordinary
kinds[quote] = 0
kinds[0x5c] = 0
for (let byte = 0x30; byte <= 0x39; byte++) kinds[byte] = ordinary | digit
kinds[0x20] = ordinary | blank
kinds[0x0a] = blank

const letters = { true: Buffer.from('true'), false: Buffer.from('false'), null: Buffer.from('null') } as const

/** Per open bracket: was it opened in an object? */
const brackets = new Uint8Array(4096)

/** Is this JSON, with no lone surrogates and at most `maxDepth` open brackets? */
export function isPlainJson(bytes: Uint8Array, maxDepth: number): boolean {
  const is = kinds
  const deepest = Math.min(maxDepth, brackets.length)
  let at = 0
  let depth = 0
  let inObject = 0
  let keyNext = false
  let high = 0
  let byte = bytes[0] ?? 0
  for (;;) {
    while (((is[byte] ?? 0) & blank) !== 0) byte = bytes[++at] ?? 0
    if (byte === quote) {
      do {
        byte = bytes[++at] ?? 0
        high |= byte
      } while (((is[byte] ?? 0) & ordinary) !== 0)
      if (byte !== quote) return false
      byte = bytes[++at] ?? 0
      if (keyNext) {
        while (((is[byte] ?? 0) & blank) !== 0) byte = bytes[++at] ?? 0
        if (byte !== colon) return false
        byte = bytes[++at] ?? 0
        keyNext = false
        continue
      }
    } else if (keyNext) {
      return false
    } else if (byte === openBrace || byte === openArray) {
      if (depth === deepest) return false
      brackets[depth++] = inObject
      inObject = byte === openBrace ? 1 : 0
      byte = bytes[++at] ?? 0
      while (((is[byte] ?? 0) & blank) !== 0) byte = bytes[++at] ?? 0
      if (byte !== closeBrace && byte !== closeArray) {
        keyNext = inObject === 1
        continue
      }
    } else if (((is[byte] ?? 0) & digit) !== 0 || byte === minus) {
      if (byte === minus) byte = bytes[++at] ?? 0
      const first = byte
      const from = at
      while (((is[byte] ?? 0) & digit) !== 0) byte = bytes[++at] ?? 0
      if (at === from || (first === zero && at > from + 1)) return false
      if (byte === point) {
        const behind = at + 1
        do byte = bytes[++at] ?? 0
        while (((is[byte] ?? 0) & digit) !== 0)
        if (at === behind) return false
      }
    } else {
      const word = byte === 0x74 ? letters.true : byte === 0x66 ? letters.false : letters.null
      for (let i = 0; i < word.length; i++, byte = bytes[++at] ?? 0) if (byte !== word[i]) return false
    }
    // Behind a value.
    for (;;) {
      while (((is[byte] ?? 0) & blank) !== 0) byte = bytes[++at] ?? 0
      if (depth === 0) return at === bytes.length && (high < 0x80 || isUtf8(bytes))
      if (byte === comma) break
      if (byte !== (inObject === 1 ? closeBrace : closeArray)) return false
      inObject = brackets[--depth] ?? 0
      byte = bytes[++at] ?? 0
    }
    byte = bytes[++at] ?? 0
    keyNext = inObject === 1
  }
}

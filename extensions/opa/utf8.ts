/** Bytes as text, as Go prints them: each byte that is no UTF-8 becomes U+FFFD. */
import { isUtf8 } from 'node:buffer'

export function fromUtf8(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  let text = ''
  let start = 0
  while (start < bytes.length) {
    const length = runeLength(bytes, start)
    text += length === 0 ? '\ufffd' : bytes.toString('utf8', start, start + length)
    start += length || 1
  }
  return text
}

/** 0: no character starts here. */
function runeLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0
}

/** A string with one unit for each byte, for what is defined on bytes. */
export const toBytes = (text: string): string => Buffer.from(text).toString('latin1')
export const fromBytes = (bytes: string): string => fromUtf8(Buffer.from(bytes, 'latin1'))

/** What Go calls runes. */
export const codePoints = (text: string): readonly string[] => Array.from(text)

/**
 * Base64 as Go's `encoding/base64` reads it: line ends are skipped, everything else must belong to the alphabet, and
 * the padding must be right (or absent where the encoding has none). Bits left over at the end are not looked at.
 */
import { BuiltinError } from './values.ts'

interface Encoding {
  readonly alphabet: 'standard' | 'url'
  readonly padded: boolean
}

const foreign = { standard: /[^A-Za-z0-9+/]/, url: /[^A-Za-z0-9_-]/ }

/** Throws when `text` is not in this encoding. */
export function decodeBase64(text: string, { alphabet, padded }: Encoding): Buffer {
  const clean = text.replaceAll(/[\r\n]/g, '')
  const digits = padded ? clean.replace(/={1,2}$/, '') : clean
  const complete = padded ? clean.length % 4 === 0 : digits.length % 4 !== 1
  if (!complete || digits.length % 4 === 1 || foreign[alphabet].test(digits))
    throw new BuiltinError('illegal base64 data')
  return Buffer.from(digits, 'base64')
}

export const decodeStandard = (text: string): Buffer => decodeBase64(text, { alphabet: 'standard', padded: true })

/** As OPA's `base64url.decode`: the padding may be left out. */
export function decodeUrl(text: string): Buffer {
  const missing = text.endsWith('=') ? 0 : (4 - (text.length % 4)) % 4
  if (missing === 3) throw new BuiltinError('illegal base64url string')
  return decodeBase64(text + '='.repeat(missing), { alphabet: 'url', padded: true })
}

/** Any of the four common encodings, told apart by the characters that are there: the members of a JWK. */
export function decodeAny(text: string): Buffer {
  return decodeBase64(text, { alphabet: /[+/]/.test(text) ? 'standard' : 'url', padded: text.endsWith('=') })
}

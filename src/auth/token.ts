/**
 * `edict_<id>_<secret>`: by its id a token is found, by its secret it is believed. Of the secret, 256 bits that nobody
 * chose, only the sha256 is kept; comparing takes as long whether it is right or not.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

export interface MintedToken {
  readonly id: string
  readonly hash: string
  /** To be shown once. */
  readonly token: string
}

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

const base62 = (bytes: Uint8Array, length: number): string => {
  let rest = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  let text = ''
  for (let i = 0; i < length; i++, rest /= 62n) text = (digits[Number(rest % 62n)] ?? '') + text
  return text
}

export const mintToken = (): MintedToken => {
  const id = base62(randomBytes(9), 12)
  const secret = base62(randomBytes(32), 43)
  return { id, hash: hashOf(secret), token: `edict_${id}_${secret}` }
}

export const parseToken = (text: string): { readonly id: string; readonly secret: string } | undefined => {
  const match = /^edict_([0-9A-Za-z]{12})_([0-9A-Za-z]{43})$/.exec(text)
  return match?.[1] === undefined || match[2] === undefined ? undefined : { id: match[1], secret: match[2] }
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** Of a secret and the hash of the right one, or of two secrets. `undefined`: there is none, and it takes as long. */
export const isSecretOf = (secret: string, hash: string | undefined): boolean => {
  const right = timingSafeEqual(Buffer.from(hashOf(secret)), Buffer.from(hash ?? hashOf('')))
  return right && hash !== undefined
}

export const isSameSecret = (one: string, other: string): boolean => isSecretOf(one, hashOf(other))

/** Digests and message authentication codes of texts (their UTF-8), in hexadecimal. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { PureExtension } from '../extension.ts'
import { boolean, pure, string } from './types.ts'
import { asString } from './values.ts'

const digest = (name: 'md5' | 'sha1' | 'sha256'): PureExtension =>
  pure(`crypto.${name}`, [string], string, `The ${name.toUpperCase()} digest of a text.`, (args) =>
    createHash(name).update(asString(args[0])).digest('hex'),
  )

const mac = (name: 'md5' | 'sha1' | 'sha256' | 'sha512'): PureExtension =>
  pure(
    `crypto.hmac.${name}`,
    [string, string],
    string,
    `The HMAC of a text under a key, with ${name.toUpperCase()}.`,
    (args) => {
      const text = asString(args[0])
      return createHmac(name, asString(args[1])).update(text).digest('hex')
    },
  )

export const crypto: readonly PureExtension[] = [
  ...(['md5', 'sha1', 'sha256'] as const).map(digest),
  ...(['md5', 'sha1', 'sha256', 'sha512'] as const).map(mac),
  pure(
    'crypto.hmac.equal',
    [string, string],
    boolean,
    'Whether two codes are the same, in time that does not depend on where they differ.',
    (args) => sameBytes(Buffer.from(asString(args[0])), Buffer.from(asString(args[1]))),
  ),
]

/** In constant time; only the lengths show. */
export const sameBytes = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b)

/**
 * The signature algorithms of tokens (RFC 7518, RFC 8037). The header names one, the key must be of its kind: a public
 * key never serves as a secret, and `none` is no algorithm.
 */
import { createHmac, sign, type KeyObject } from 'node:crypto'
import { sameBytes } from '../crypto.ts'
import { fitsScheme, options, verifies, type SignatureScheme } from '../signatures.ts'
import { BuiltinError } from '../values.ts'
import type { KeyMaterial } from './jwk.ts'

type Algorithm = SignatureScheme | { readonly kind: 'hmac'; readonly hash: string }

const ed25519: Algorithm = { kind: 'ed25519' }

export const algorithms: ReadonlyMap<string, Algorithm> = new Map<string, Algorithm>([
  ...['256', '384', '512'].flatMap((bits): [string, Algorithm][] => {
    const hash = `sha${bits}`
    return [
      [`HS${bits}`, { kind: 'hmac', hash }],
      [`RS${bits}`, { kind: 'rsa', hash }],
      [`PS${bits}`, { kind: 'rsa-pss', hash, salt: 'digest' }],
      [`ES${bits}`, { kind: 'ecdsa', hash, encoding: 'ieee-p1363' }],
    ]
  }),
  ['EdDSA', ed25519],
  ['Ed25519', ed25519],
])

export interface SignedText {
  readonly data: Buffer
  readonly signature: Buffer
}

/** False for algorithms that are not known, too. */
export function verifyWith(material: KeyMaterial, alg: string, signed: SignedText): boolean {
  const algorithm = algorithms.get(alg)
  if (algorithm === undefined) return false
  if (algorithm.kind === 'hmac') {
    return material.kind === 'secret' && verifyHmac({ hash: algorithm.hash, secret: material.secret }, signed)
  }
  const key = publicKeyOf(material)
  return key !== undefined && verifies(key, algorithm, signed)
}

interface HmacKey {
  readonly hash: string
  readonly secret: Buffer
}

const hmac = ({ hash, secret }: HmacKey, data: Buffer): Buffer => createHmac(hash, secret).update(data).digest()

export const verifyHmac = (key: HmacKey, { data, signature }: SignedText): boolean =>
  sameBytes(hmac(key, data), signature)

function publicKeyOf(material: KeyMaterial): KeyObject | undefined {
  if (material.kind === 'public') return material.key
  return material.kind === 'private' ? material.publicKey : undefined
}

/** Throws unless the key can sign by this algorithm. */
export function signWith(material: KeyMaterial, alg: string, data: Buffer): Buffer {
  const algorithm = algorithms.get(alg)
  if (algorithm?.kind === 'hmac' && material.kind === 'secret') {
    return hmac({ hash: algorithm.hash, secret: material.secret }, data)
  }
  const key = material.kind === 'private' ? material.key : undefined
  if (algorithm === undefined || algorithm.kind === 'hmac' || key === undefined) throw unfit(alg)
  if (!fitsScheme(key, algorithm)) throw unfit(alg)
  return sign('hash' in algorithm ? algorithm.hash : null, data, { key, ...options(algorithm) })
}

const unfit = (alg: string): BuiltinError => new BuiltinError(`the key cannot sign by ${alg}`)

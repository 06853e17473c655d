/**
 * Keys for tokens: JSON Web Keys (RFC 7517, one or a set), PEM certificates and PEM public keys. A set with a key that
 * cannot be used is refused as a whole, as OPA refuses it. Of a private key the public half is known, too.
 */
import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { isArray } from '../../compare.ts'
import type { RegoObject, RegoValue } from '../../extension.ts'
import { parseJson } from '../../parse-json.ts'
import { decodeAny } from '../base64.ts'
import { nextPem } from '../pem.ts'
import { asObject, asString, BuiltinError, lookup } from '../values.ts'
import { parseCertificate } from '../x509/certificate.ts'
import { parsePublicKey, type PublicKey } from '../x509/public-key.ts'

/** What verifies or signs: a key pair, half of one, or a secret. */
export type KeyMaterial =
  | { readonly kind: 'secret'; readonly secret: Buffer }
  | { readonly kind: 'public'; readonly key: KeyObject }
  | { readonly kind: 'private'; readonly key: KeyObject }
  /** A key that nothing can be verified with: DSA, X25519, or none at all. */
  | { readonly kind: 'none' }

export interface TokenKey {
  /** Empty where the key names none. */
  readonly alg: string
  readonly kid: string
  readonly material: KeyMaterial
}

/** jwx refuses larger sets. */
const maxKeys = 1000

/** A certificate, a public key or a JWK (set), as text. */
export function parseKeys(text: string): readonly TokenKey[] {
  const pem = nextPem(text)
  if (pem === undefined) return parseJwks(text).filter(({ alg }) => alg === '' || tokenAlgorithms.has(alg))
  if (pem.rest !== '') throw new BuiltinError('extra data after a PEM certificate block')
  const { type, bytes } = pem.block
  if (type === 'CERTIFICATE') return [pemKey(parseCertificate(bytes).publicKey.key)]
  if (type === 'PUBLIC KEY') return [pemKey(parsePublicKey(bytes))]
  throw new BuiltinError('failed to extract a key from the PEM certificate')
}

const pemKey = (key: PublicKey | undefined): TokenKey => ({
  alg: '',
  kid: '',
  material:
    key === undefined || key.kind === 'dsa' || key.kind === 'x25519'
      ? { kind: 'none' }
      : { kind: 'public', key: key.key() },
})

export const tokenAlgorithms: ReadonlySet<string> = new Set([
  ...['RS', 'PS', 'ES', 'HS'].flatMap((family) => ['256', '384', '512'].map((bits) => family + bits)),
  'EdDSA',
])

/** Besides those of tokens: what else a key may say it is for. */
const otherAlgorithms: ReadonlySet<string> = new Set([
  'none',
  'ES256K',
  'Ed25519',
  'RSA1_5',
  'RSA-OAEP',
  'RSA-OAEP-256',
  'RSA-OAEP-384',
  'RSA-OAEP-512',
  'dir',
  'ECDH-ES',
  ...['A128', 'A192', 'A256'].flatMap((size) => [`${size}KW`, `${size}GCMKW`, `${size}GCM`, `ECDH-ES+${size}KW`]),
  'PBES2-HS256+A128KW',
  'PBES2-HS384+A192KW',
  'PBES2-HS512+A256KW',
  'A128CBC-HS256',
  'A192CBC-HS384',
  'A256CBC-HS512',
])

export function parseJwks(text: string): readonly TokenKey[] {
  const document = asObject(parseJson(text))
  const keys = lookup(document, 'keys')
  if (keys === undefined) return [jwk(document)]
  if (!isArray(keys) || keys.length > maxKeys) throw new BuiltinError('invalid "keys" of a JWK set')
  return keys.map(jwk)
}

function jwk(value: RegoValue): TokenKey {
  const members = asObject(value)
  const text = (name: string): string => asString(lookup(members, name) ?? '')
  const alg = text('alg')
  const isKnown =
    alg === '' ? lookup(members, 'alg') === undefined : tokenAlgorithms.has(alg) || otherAlgorithms.has(alg)
  if (!isKnown) throw new BuiltinError('unknown algorithm of a JWK')
  return { alg, kid: text('kid'), material: materialOf(members) }
}

function materialOf(members: RegoObject): KeyMaterial {
  switch (lookup(members, 'kty')) {
    case 'oct':
      return { kind: 'secret', secret: required(members, 'k') }
    case 'RSA':
      return rsaMaterial(members)
    case 'EC':
      return ecMaterial(members)
    case 'OKP':
      return okpMaterial(members)
    default:
      throw new BuiltinError('unknown type of a JWK')
  }
}

/** A member in Base64, not empty. */
function required(members: RegoObject, name: string): Buffer {
  const bytes = decodeAny(asString(lookup(members, name)))
  if (bytes.length === 0) throw new BuiltinError(`missing "${name}" of a JWK`)
  return bytes
}

const url = (members: RegoObject, name: string): string => required(members, name).toString('base64url')

const isPrivate = (members: RegoObject): boolean => (lookup(members, 'd') ?? null) !== null

function keyOf(key: JsonWebKey, withSecret: boolean): KeyMaterial {
  return withSecret
    ? { kind: 'private', key: createPrivateKey({ key, format: 'jwk' }) }
    : { kind: 'public', key: createPublicKey({ key, format: 'jwk' }) }
}

function rsaMaterial(members: RegoObject): KeyMaterial {
  const exponent = required(members, 'e')
  if (((exponent.at(-1) ?? 0) & 1) === 0) throw new BuiltinError('RSA exponent is not odd')
  const publicKey = { kty: 'RSA', n: url(members, 'n'), e: exponent.toString('base64url') }
  if (!isPrivate(members)) return keyOf(publicKey, false)
  const primes = { d: required(members, 'd'), p: required(members, 'p'), q: required(members, 'q') }
  return keyOf({ ...publicKey, ...crtOf(primes) }, true)
}

interface Primes {
  readonly d: Buffer
  readonly p: Buffer
  readonly q: Buffer
}

/** What node:crypto wants besides and the key need not say. */
function crtOf({ d, p, q }: Primes): JsonWebKey {
  const [exponent, first, second] = [d, p, q].map((bytes) => BigInt(`0x${bytes.toString('hex')}`))
  if (exponent === undefined || first === undefined || second === undefined || first < 2n || second < 2n) {
    throw new BuiltinError('invalid RSA key')
  }
  const text = (value: bigint): string => Buffer.from(evenHex(value.toString(16)), 'hex').toString('base64url')
  return {
    d: d.toString('base64url'),
    p: text(first),
    q: text(second),
    dp: text(exponent % (first - 1n)),
    dq: text(exponent % (second - 1n)),
    qi: text(power(second, first - 2n, first)),
  }
}

const evenHex = (hex: string): string => hex.padStart(hex.length + (hex.length % 2), '0')

/** Fermat: the inverse modulo a prime. */
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  let factor = base % modulus
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * factor) % modulus
    factor = (factor * factor) % modulus
  }
  return result
}

const curveSizes: Readonly<Record<string, number>> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 }

function ecMaterial(members: RegoObject): KeyMaterial {
  const crv = asString(lookup(members, 'crv'))
  const size = Object.hasOwn(curveSizes, crv) ? curveSizes[crv] : undefined
  if (size === undefined) throw new BuiltinError('unknown curve of a JWK')
  // Coordinates may be written without their leading zeros.
  const coordinate = (name: string): string => sized(required(members, name), size).toString('base64url')
  const point = { kty: 'EC', crv, x: coordinate('x'), y: coordinate('y') }
  return isPrivate(members) ? keyOf({ ...point, d: coordinate('d') }, true) : keyOf(point, false)
}

function sized(bytes: Buffer, size: number): Buffer {
  const significant = bytes.subarray(bytes.findIndex((byte) => byte !== 0))
  if (significant.length > size) throw new BuiltinError('coordinate out of range')
  return Buffer.concat([Buffer.alloc(size - significant.length), significant])
}

function okpMaterial(members: RegoObject): KeyMaterial {
  const crv = lookup(members, 'crv')
  if (crv !== 'Ed25519' && crv !== 'X25519') throw new BuiltinError('unknown curve of a JWK')
  const point = { kty: 'OKP', crv, x: url(members, 'x') }
  const key = isPrivate(members) ? okpPair(point, url(members, 'd')) : keyOf(point, false)
  return crv === 'X25519' ? { kind: 'none' } : key
}

function okpPair(point: JsonWebKey, d: string): KeyMaterial {
  const material = keyOf({ ...point, d }, true)
  const own = material.kind === 'private' ? createPublicKey(material.key).export({ format: 'jwk' }).x : undefined
  if (point.crv === 'Ed25519' && own !== point.x) throw new BuiltinError('the two halves of a JWK do not match')
  return material
}

/**
 * Keys for tokens: JSON Web Keys (RFC 7517, one or a set), PEM certificates and PEM public keys. A set with a key that
 * cannot be used is refused as a whole, as OPA refuses it. Of a private key the public half is known, too.
 */
import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { isArray } from '../../compare.ts'
import type { RegoObject, RegoValue } from '../../extension.ts'
import { parseJson } from '../../parse-json.ts'
import { decodeAny, decodeStandard } from '../base64.ts'
import { unsigned } from '../der.ts'
import { nextPem } from '../pem.ts'
import { asObject, asString, BuiltinError, lookup } from '../values.ts'
import { parseCertificate } from '../x509/certificate.ts'
import { bytesOf, completeRsa } from '../x509/private-key.ts'
import { parsePublicKey, type PublicKey } from '../x509/public-key.ts'

/** What verifies or signs: a key pair, half of one, or a secret. */
export type KeyMaterial =
  | { readonly kind: 'secret'; readonly secret: Buffer }
  | { readonly kind: 'public'; readonly key: KeyObject }
  /** `key` is undefined when its numbers contradict each other: nothing is signed with it. */
  | { readonly kind: 'private'; readonly publicKey: KeyObject; readonly key: KeyObject | undefined }
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

/** Policies verify many tokens with few keys, and a key is costlier to read than a signature to verify. */
const remembered = new Map<string, readonly TokenKey[]>()
const maxRemembered = 100
const maxRememberedLength = 65_536

/** A certificate, a public key or a JWK (set), as text. */
export function parseKeys(text: string): readonly TokenKey[] {
  const known = remembered.get(text)
  if (known !== undefined) return known
  const keys = readKeys(text)
  if (text.length > maxRememberedLength) return keys
  const [oldest] = remembered.keys()
  if (remembered.size >= maxRemembered && oldest !== undefined) remembered.delete(oldest)
  remembered.set(text, keys)
  return keys
}

function readKeys(text: string): readonly TokenKey[] {
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
  checkDescription(members)
  return { alg, kid: text('kid'), material: materialOf(members) }
}

const maxChain = 10

/** What a key says about itself and nothing here depends on; jwx reads it nevertheless, and refuses what it cannot. */
function checkDescription(members: RegoObject): void {
  for (const name of ['use', 'x5u', 'x5t', 'x5t#S256']) asString(lookup(members, name) ?? '')
  const operations = lookup(members, 'key_ops') ?? []
  if (!isArray(operations)) throw new BuiltinError('"key_ops" of a JWK must be an array')
  for (const operation of operations) asString(operation ?? '')
  const chain = lookup(members, 'x5c')
  if (chain === undefined) return
  if (!isArray(chain) || chain.length > maxChain) throw new BuiltinError('invalid "x5c" of a JWK')
  for (const certificate of chain)
    parseCertificate(decodeStandard(asString(certificate).replaceAll(/[ \t\n\r\f\v]/g, '')))
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

const isPrivate = (members: RegoObject): boolean => lookup(members, 'd') !== undefined

const publicHalf = (key: JsonWebKey): KeyMaterial => ({ kind: 'public', key: createPublicKey({ key, format: 'jwk' }) })

const pair = (publicKey: JsonWebKey, secrets: JsonWebKey | undefined): KeyMaterial => ({
  kind: 'private',
  publicKey: createPublicKey({ key: publicKey, format: 'jwk' }),
  key: secrets && createPrivateKey({ key: { ...publicKey, ...secrets }, format: 'jwk' }),
})

function rsaMaterial(members: RegoObject): KeyMaterial {
  const [n, e] = [required(members, 'n'), required(members, 'e')]
  if (n.every((byte) => byte === 0) || ((e.at(-1) ?? 0) & 1) === 0) throw new BuiltinError('invalid RSA key')
  const publicKey = { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') }
  return isPrivate(members) ? pair(publicKey, rsaSecrets(members, n, e)) : publicHalf(publicKey)
}

/** Undefined when they contradict each other. */
function rsaSecrets(members: RegoObject, n: Buffer, e: Buffer): JsonWebKey | undefined {
  const number = (name: string): bigint => unsigned(decodeAny(asString(lookup(members, name) ?? '')))
  const optional = (name: string): bigint | undefined =>
    lookup(members, name) === undefined ? undefined : number(name)
  if (lookup(members, 'p') === undefined || lookup(members, 'q') === undefined) throw new BuiltinError('missing prime')
  const [d, p, q] = [unsigned(required(members, 'd')), number('p'), number('q')]
  const [dp, dq, qi] = [optional('dp'), optional('dq'), optional('qi')]
  const given = dp === undefined || dq === undefined || qi === undefined ? undefined : { dp, dq, qi }
  const numbers = completeRsa({ n: unsigned(n), e: unsigned(e), d, p, q }, given)
  if (numbers === undefined) return undefined
  const { n: _n, e: _e, ...secrets } = numbers
  return Object.fromEntries(
    Object.entries(secrets).map(([name, value]) => [name, bytesOf(value).toString('base64url')]),
  )
}

const curveSizes: Readonly<Record<string, number>> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 }

function ecMaterial(members: RegoObject): KeyMaterial {
  const crv = asString(lookup(members, 'crv'))
  const size = Object.hasOwn(curveSizes, crv) ? curveSizes[crv] : undefined
  const coordinate = (name: string): string => {
    const bytes = required(members, name)
    if (bytes.length !== size) throw new BuiltinError(`"${name}" of a JWK has another length than the curve`)
    return bytes.toString('base64url')
  }
  const point = { kty: 'EC', crv, x: coordinate('x'), y: coordinate('y') }
  return isPrivate(members) ? pair(point, { d: coordinate('d') }) : publicHalf(point)
}

function okpMaterial(members: RegoObject): KeyMaterial {
  const crv = lookup(members, 'crv')
  if (crv !== 'Ed25519' && crv !== 'X25519') throw new BuiltinError('unknown curve of a JWK')
  const point = { kty: 'OKP', crv, x: url(members, 'x') }
  const material = isPrivate(members) ? okpPair(point, url(members, 'd')) : publicHalf(point)
  return crv === 'X25519' ? { kind: 'none' } : material
}

function okpPair(point: JsonWebKey, d: string): KeyMaterial {
  const material = pair(point, { d })
  const key = material.kind === 'private' ? material.key : undefined
  const own = key && createPublicKey(key).export({ format: 'jwk' }).x
  if (point.crv === 'Ed25519' && own !== point.x) throw new BuiltinError('the two halves of a JWK do not match')
  return material
}

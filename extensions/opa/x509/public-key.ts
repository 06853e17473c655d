/**
 * Public keys as X.509 carries them (SubjectPublicKeyInfo), with Go's rules: which parameters an algorithm has, which
 * curves there are, points uncompressed and on their curve.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import type { RegoObject, RegoValue } from '../../extension.ts'
import { dotted, encodeDer, malformed, readDer, rightAligned, tags, unsigned, type DerReader } from '../der.ts'
import { BuiltinError, objectOf } from '../values.ts'
import { integer, opaque } from './json.ts'

export type KeyKind = 'rsa' | 'dsa' | 'ecdsa' | 'ed25519' | 'x25519'

export interface PublicKey {
  readonly kind: KeyKind
  /** As Go prints it. */
  readonly value: RegoValue
  /** The modulus of an RSA key, the coordinates of an ECDSA key. */
  readonly bits: number
  readonly key: () => KeyObject
}

export interface AlgorithmIdentifier {
  readonly oid: string
  /** The element as it stands; empty when there is none. */
  readonly parameters: Buffer
}

export function readAlgorithm(reader: DerReader): AlgorithmIdentifier {
  const oid = dotted(reader.oid())
  return { oid, parameters: reader.isEmpty() ? Buffer.alloc(0) : reader.any().raw }
}

export const keyOids = {
  rsa: '1.2.840.113549.1.1.1',
  dsa: '1.2.840.10040.4.1',
  ecdsa: '1.2.840.10045.2.1',
  ed25519: '1.3.101.112',
  x25519: '1.3.101.110',
} as const

export interface Curve {
  /** As JWK names it; undefined for the curve that it does not have. */
  readonly crv: 'P-256' | 'P-384' | 'P-521' | undefined
  readonly bits: number
}

/** The curves of Go's `crypto/elliptic`. */
export const curves: ReadonlyMap<string, Curve> = new Map([
  ['1.3.132.0.33', { crv: undefined, bits: 224 }],
  ['1.2.840.10045.3.1.7', { crv: 'P-256', bits: 256 }],
  ['1.3.132.0.34', { crv: 'P-384', bits: 384 }],
  ['1.3.132.0.35', { crv: 'P-521', bits: 521 }],
])

/** Go's `x509.PublicKeyAlgorithm`; keys of other algorithms are not looked into. */
const numbers: ReadonlyMap<string, number> = new Map([
  [keyOids.rsa, 1],
  [keyOids.dsa, 2],
  [keyOids.ecdsa, 3],
  [keyOids.ed25519, 4],
])

export interface PublicKeyInfo {
  readonly algorithm: number
  readonly key: PublicKey | undefined
}

/** What a certificate or a request says of its key. */
export function readPublicKeyInfo(der: Buffer): PublicKeyInfo {
  const algorithm = numbers.get(readAlgorithm(readDer(der).inside(tags.sequence).inside(tags.sequence)).oid) ?? 0
  return { algorithm, key: algorithm === 0 ? skipped(der) : parsePublicKey(der) }
}

function skipped(der: Buffer): undefined {
  const info = readDer(der).inside(tags.sequence)
  info.inside(tags.sequence)
  info.bitString()
}

/** SubjectPublicKeyInfo → key. */
export function parsePublicKey(der: Buffer): PublicKey {
  const info = readDer(der).inside(tags.sequence)
  const identifier = info.element(tags.sequence)
  const algorithm = readAlgorithm(readDer(identifier.content))
  const bytes = rightAligned(info.bitString())
  // Written anew: Go does not mind what comes after the key, OpenSSL does.
  const key = keyOf(encodeDer(tags.sequence, identifier.raw, encodeDer(tags.bitString, Buffer.from([0]), bytes)))
  switch (algorithm.oid) {
    case keyOids.rsa:
      return rsaKey({ key, algorithm, bytes })
    case keyOids.ecdsa:
      return ecdsaKey({ key, algorithm, bytes })
    case keyOids.ed25519:
      return curve25519Key('ed25519', { key, algorithm, bytes })
    case keyOids.x25519:
      return curve25519Key('x25519', { key, algorithm, bytes })
    case keyOids.dsa:
      return dsaKey({ key, algorithm, bytes })
    default:
      throw new BuiltinError('unknown public key algorithm')
  }
}

const keyOf = (der: Buffer): (() => KeyObject) => {
  let key: KeyObject | undefined
  return () => (key ??= createPublicKey({ key: der, format: 'der', type: 'spki' }))
}

interface KeyParts {
  readonly key: () => KeyObject
  readonly algorithm: AlgorithmIdentifier
  readonly bytes: Buffer
}

const derNull = Buffer.from([tags.null, 0])

function rsaKey({ key, algorithm, bytes }: KeyParts): PublicKey {
  if (!algorithm.parameters.equals(derNull)) throw malformed('RSA key: missing NULL parameters')
  const numbers = readDer(bytes).inside(tags.sequence)
  const n = numbers.integer()
  const e = numbers.integer()
  if (n <= 0n || e <= 0n || e >= 1n << 63n) throw malformed('RSA key')
  return { kind: 'rsa', value: rsaValue(n, e), bits: bitLength(n), key }
}

export const rsaValue = (n: bigint, e: bigint): RegoValue => objectOf({ N: integer(n), E: integer(e) })

export const bitLength = (value: bigint): number => value.toString(2).length

function ecdsaKey({ key, algorithm, bytes }: KeyParts): PublicKey {
  const curve = curves.get(dotted(readDer(algorithm.parameters).oid()))
  if (curve === undefined) throw new BuiltinError('unsupported elliptic curve')
  const size = Math.ceil(curve.bits / 8)
  if (bytes[0] !== 4 || bytes.length !== 1 + 2 * size) throw malformed('ECDSA key')
  // The point is checked here, not only when it is used.
  key()
  const value = ecdsaValue(bytes.subarray(1, 1 + size), bytes.subarray(1 + size))
  return { kind: 'ecdsa', value, bits: curve.bits, key }
}

export const ecdsaValue = (x: Buffer, y: Buffer): RegoObject =>
  objectOf({ Curve: opaque, X: integer(unsigned(x)), Y: integer(unsigned(y)) })

/** RFC 8410: no parameters, 32 bytes. */
function curve25519Key(kind: 'ed25519' | 'x25519', { key, algorithm, bytes }: KeyParts): PublicKey {
  if (algorithm.parameters.length > 0 || bytes.length !== 32) throw malformed(`${kind} key`)
  const value = kind === 'ed25519' ? bytes.toString('base64') : opaque
  return { kind, value, bits: 256, key }
}

function dsaKey({ key, algorithm, bytes }: KeyParts): PublicKey {
  const domain = readDer(algorithm.parameters).inside(tags.sequence)
  const [y, p, q, g] = [readDer(bytes).integer(), domain.integer(), domain.integer(), domain.integer()]
  if (y <= 0n || p <= 0n || q <= 0n || g <= 0n) throw malformed('DSA key')
  const value = objectOf({ P: integer(p), Q: integer(q), G: integer(g), Y: integer(y) })
  return { kind: 'dsa', value, bits: bitLength(p), key }
}

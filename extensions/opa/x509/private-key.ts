/**
 * Private keys: PKCS #1, PKCS #8, SEC 1; checked as Go checks them when it reads them, and shown as Go's key types or
 * as a JWK.
 */
import { createECDH, createPrivateKey, createPublicKey } from 'node:crypto'
import type { RegoObject, RegoValue } from '../../extension.ts'
import { dotted, explicitTag, integerOf, malformed, readDer, tags, unsigned, type DerReader } from '../der.ts'
import { BuiltinError, objectOf } from '../values.ts'
import { integer, opaque } from './json.ts'
import { bitLength, curves, keyOids, readAlgorithm, type Curve, type KeyKind } from './public-key.ts'

export interface PrivateKey {
  readonly kind: KeyKind
  /** As Go prints it. */
  readonly value: RegoValue
  /** The public half, as Go prints it. */
  readonly publicValue: RegoValue
  /** Throws for what JWK has no name for. */
  readonly jwk: () => RegoObject
}

const url = (bytes: Buffer): string => bytes.toString('base64url')

// ── RSA ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface RsaNumbers {
  readonly n: bigint
  readonly e: bigint
  readonly d: bigint
  readonly p: bigint
  readonly q: bigint
  readonly dp: bigint
  readonly dq: bigint
  readonly qi: bigint
}

/** As OpenSSL, which would not use a longer key; Go would, for as long as it takes. */
const maxRsaBits = 16_384

export function parsePkcs1(der: Buffer): PrivateKey {
  const outer = readDer(der)
  const reader = outer.inside(tags.sequence)
  const version = reader.integer()
  if (!outer.isEmpty()) throw new BuiltinError('trailing data')
  if (version > 1n) throw new BuiltinError('unsupported private key version')
  const [n, e, d, p, q] = [reader.integer(), reader.integer(), reader.integer(), reader.integer(), reader.integer()]
  if (n <= 0n || d <= 0n || p <= 0n || q <= 0n) throw malformed('RSA key')
  const key = completeRsa({ n, e, d, p, q }, readExponents(reader))
  if (key === undefined) throw new BuiltinError('inconsistent RSA key')
  return rsaPrivateKey(key)
}

type Exponents = Pick<RsaNumbers, 'dp' | 'dq' | 'qi'>

/** With the exponents given or else computed; undefined when the numbers contradict each other. */
export function completeRsa(key: Omit<RsaNumbers, keyof Exponents>, given?: Exponents): RsaNumbers | undefined {
  if (key.p <= 1n || key.q <= 1n || key.p * key.q !== key.n || bitLength(key.n) > maxRsaBits) return undefined
  const complete = { ...key, ...(given ?? exponentsOf(key)) }
  return isConsistent(complete) ? complete : undefined
}

const exponentsOf = ({ d, p, q }: Pick<RsaNumbers, 'd' | 'p' | 'q'>): Exponents => ({
  dp: d % (p - 1n),
  dq: d % (q - 1n),
  qi: inverse(q, p),
})

/** Those of the Chinese remainder theorem; they count if all three are there. More than two primes are refused. */
function readExponents(reader: DerReader): Exponents | undefined {
  const given = Array.from({ length: 3 }, () => reader.optional(tags.integer)).map((own) => own && integerOf(own))
  if (given.some((own) => own !== undefined && own <= 0n)) throw malformed('RSA key')
  if ((reader.optional(tags.sequence)?.length ?? 0) > 0) throw new BuiltinError('an RSA key of more than two primes')
  const [dp, dq, qi] = given
  return dp === undefined || dq === undefined || qi === undefined ? undefined : { dp, dq, qi }
}

function isConsistent({ n, e, d, p, q, dp, dq, qi }: RsaNumbers): boolean {
  const [p1, q1] = [p - 1n, q - 1n]
  const distance = p > q ? p - q : q - p
  const half = Math.floor(bitLength(n) / 2)
  return (
    n % 2n === 1n &&
    e % 2n === 1n &&
    e >= 2n &&
    e < 1n << 31n &&
    (dp * e) % p1 === 1n &&
    (dq * e) % q1 === 1n &&
    d % p1 === dp &&
    d % q1 === dq &&
    (qi * q) % p === 1n &&
    // Neither primes so close that they can be found nor an exponent so short that it can.
    bitLength(distance) > half - 100 &&
    bitLength(d) > half
  )
}

/** Modulo; 0 where there is none. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n]
  while (a > 1n && b > 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y]
  return a === 1n ? ((x % modulus) + modulus) % modulus : 0n
}

function rsaPrivateKey({ n, e, d, p, q, dp, dq, qi }: RsaNumbers): PrivateKey {
  const publicFields = { N: integer(n), E: integer(e) }
  const precomputed = { Dp: integer(dp), Dq: integer(dq), Qinv: integer(qi), CRTValues: [] }
  const value = objectOf({
    ...publicFields,
    D: integer(d),
    Primes: [integer(p), integer(q)],
    Precomputed: objectOf(precomputed),
  })
  const jwk = (): RegoObject =>
    objectOf({
      kty: 'RSA',
      ...Object.fromEntries(
        Object.entries({ n, e, d, p, q, dp, dq, qi }).map(([key, own]) => [key, url(bytesOf(own))]),
      ),
    })
  return { kind: 'rsa', value, publicValue: objectOf(publicFields), jwk }
}

/** Big-endian, without leading zeros. */
export function bytesOf(value: bigint): Buffer {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
}

// ── Elliptic curves ─────────────────────────────────────────────────────────────────────────────────────────────────

/** The curve of a PKCS #8 envelope takes precedence over the key's own. */
export function parseSec1(der: Buffer, envelopeCurve?: string): PrivateKey {
  const reader = readDer(der).inside(tags.sequence)
  if (reader.integer() !== 1n) throw new BuiltinError('unknown EC private key version')
  const secret = reader.bytes(tags.octetString)
  const own = reader.optional(explicitTag(0))
  // The public half is computed, but what stands there must be one.
  if (reader.next() === explicitTag(1)) reader.inside(explicitTag(1)).bitString()
  const curve = curves.get(envelopeCurve ?? (own === undefined ? '' : dotted(readDer(own).oid())))
  if (curve === undefined) throw new BuiltinError('unknown elliptic curve')
  const size = Math.ceil(curve.bits / 8)
  // Leading zeros may be missing or too many.
  const excess = Math.max(secret.length - size, 0)
  if (secret.subarray(0, excess).some((byte) => byte !== 0)) throw new BuiltinError('invalid private key length')
  return ecPrivateKey(curve, Buffer.concat([Buffer.alloc(size), secret]).subarray(-size))
}

const opensslCurves: Readonly<Record<number, string>> = {
  224: 'secp224r1',
  256: 'prime256v1',
  384: 'secp384r1',
  521: 'secp521r1',
}

function ecPrivateKey({ crv, bits }: Curve, secret: Buffer): PrivateKey {
  const exchange = createECDH(opensslCurves[bits] ?? '')
  // Throws unless it is between 1 and the order of the curve.
  exchange.setPrivateKey(secret)
  const point = exchange.getPublicKey()
  const [x, y] = [point.subarray(1, 1 + secret.length), point.subarray(1 + secret.length)]
  const publicFields = { Curve: opaque, X: integer(unsigned(x)), Y: integer(unsigned(y)) }
  return {
    kind: 'ecdsa',
    value: objectOf({ ...publicFields, D: integer(unsigned(secret)) }),
    publicValue: objectOf(publicFields),
    jwk: () => {
      if (crv === undefined) throw new BuiltinError('a curve that JWK does not have')
      return objectOf({ kty: 'EC', crv, x: url(x), y: url(y), d: url(secret) })
    },
  }
}

function curve25519Key(kind: 'ed25519' | 'x25519', seed: Buffer): PrivateKey {
  if (seed.length !== 32) throw malformed(`${kind} key`)
  const key = createPrivateKey({ key: envelope(kind, seed), format: 'der', type: 'pkcs8' })
  const point = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  const isSigning = kind === 'ed25519'
  return {
    kind,
    value: isSigning ? Buffer.concat([seed, point]).toString('base64') : opaque,
    publicValue: isSigning ? point.toString('base64') : opaque,
    jwk: () => objectOf({ kty: 'OKP', crv: isSigning ? 'Ed25519' : 'X25519', x: url(point), d: url(seed) }),
  }
}

/** The shortest PKCS #8 of a seed (RFC 8410, 7). */
const envelope = (kind: 'ed25519' | 'x25519', seed: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`302e020100300506032b65${kind === 'ed25519' ? '70' : '6e'}04220420`, 'hex'), seed])

// ── PKCS #8 ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export function parsePkcs8(der: Buffer): PrivateKey {
  const reader = readDer(der).inside(tags.sequence)
  reader.integer()
  const { oid, parameters } = readAlgorithm(reader.inside(tags.sequence))
  const content = reader.bytes(tags.octetString)
  if (oid === keyOids.rsa) return parsePkcs1(content)
  if (oid === keyOids.ecdsa) return parseSec1(content, curveOf(parameters))
  const kind = oid === keyOids.ed25519 ? 'ed25519' : 'x25519'
  if (oid !== keyOids[kind]) throw new BuiltinError('private key of an unknown algorithm')
  if (parameters.length > 0) throw malformed(`${kind} key`)
  return curve25519Key(kind, readDer(content).bytes(tags.octetString))
}

function curveOf(parameters: Buffer): string | undefined {
  return parameters[0] === tags.oid ? dotted(readDer(parameters).oid()) : undefined
}

/** Whatever it is. */
export function parsePrivateKey(der: Buffer): PrivateKey {
  for (const parse of [parsePkcs1, parsePkcs8, (sec1: Buffer) => parseSec1(sec1)]) {
    try {
      return parse(der)
    } catch {
      // It is one of the others, or none.
    }
  }
  throw new BuiltinError('failed to parse private key')
}

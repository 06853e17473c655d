/** JSON Web Tokens: decoding, verification, signing. */
import { compareValues, isArray } from '../compare.ts'
import { RegoObject, type DecisionContext, type PureExtension, type RegoValue } from '../extension.ts'
import { parseJson } from '../parse-json.ts'
import { decodeUrl } from './base64.ts'
import { signWith, verifyHmac, verifyWith, type SignedText } from './jwt/algorithms.ts'
import { parseJwks, parseKeys, tokenAlgorithms, type KeyMaterial, type TokenKey } from './jwt/jwk.ts'
import { decodeHeader, decodeText, parseObject, readHeader, splitToken, type Header } from './jwt/token.ts'
import { doubleOf, fromDouble, type NumberValue } from './number.ts'
import { goJson } from './go-json.ts'
import { verifiesLoosely, type SignatureScheme } from './signatures.ts'
import { any, boolean, objectOf as objectType, pure, string, tuple } from './types.ts'
import { asNumber, asObject, asString, BuiltinError, lookup } from './values.ts'

const claims = objectType(any, any)
const options = objectType(string, any)

const verifyHs = (bits: string): PureExtension =>
  pure(
    `io.jwt.verify_hs${bits}`,
    [string, string],
    boolean,
    `Whether a token is signed with a secret, by HMAC with SHA-${bits}.`,
    ([jwt, secret]) => {
      const token = splitToken(asString(jwt))
      const key = { hash: `sha${bits}`, secret: Buffer.from(asString(secret)) }
      return verifyHmac(key, { data: token.signed, signature: decodeUrl(token.signature) })
    },
  )

const verifyAsymmetric = (name: string, scheme: SignatureScheme, how: string): PureExtension =>
  pure(
    `io.jwt.verify_${name}`,
    [string, string],
    boolean,
    `Whether a token is signed with the key of a certificate, a PEM public key or a JWK (set), by ${how}.`,
    ([jwt, keys]) => verifyToken(asString(jwt), asString(keys), scheme),
  )

const sizes = ['256', '384', '512']

export const jwt: readonly PureExtension[] = [
  pure(
    'io.jwt.decode',
    [string],
    tuple(claims, claims, string),
    'The header, the payload and in hexadecimal the signature of a token; nothing is verified.',
    (args) => decode(asString(args[0])),
  ),
  pure(
    'io.jwt.decode_verify',
    [string, options],
    tuple(boolean, claims, claims),
    'Whether a token is signed as the constraints want and valid at the time, its header and its payload.',
    (args, context) => decodeVerify(asString(args[0]), asObject(args[1]), context),
  ),
  pure(
    'io.jwt.encode_sign',
    [options, options, options],
    string,
    'A token with this header and payload, signed with a JWK.',
    ([header, payload, key]) => encodeSign(goJson(header ?? null), goJson(payload ?? null), goJson(key ?? null)),
  ),
  pure(
    'io.jwt.encode_sign_raw',
    [string, string, string],
    string,
    'A token with this header and payload, all given as JSON texts, signed with a JWK.',
    ([header, payload, key]) => encodeSign(asString(header), asString(payload), asString(key)),
  ),
  ...sizes.map(verifyHs),
  ...sizes.map((bits) => verifyAsymmetric(`rs${bits}`, { kind: 'rsa', hash: `sha${bits}` }, `RSA with SHA-${bits}`)),
  ...sizes.map((bits) =>
    verifyAsymmetric(`ps${bits}`, { kind: 'rsa-pss', hash: `sha${bits}`, salt: 'auto' }, `RSA-PSS with SHA-${bits}`),
  ),
  ...sizes.map((bits) =>
    verifyAsymmetric(
      `es${bits}`,
      { kind: 'ecdsa', hash: `sha${bits}`, encoding: 'ieee-p1363' },
      `ECDSA with SHA-${bits}`,
    ),
  ),
  verifyAsymmetric('eddsa', { kind: 'ed25519' }, 'Ed25519'),
]

// ── Decoding ────────────────────────────────────────────────────────────────────────────────────────────────────────

function decode(text: string): RegoValue {
  const token = splitToken(text)
  const header = decodeHeader(token)
  const payload = decodeText(token.payload)
  const cty = lookup(header, 'cty')
  // A token in a token, whose text may stand in quotes.
  if (cty !== undefined && asString(cty) === 'JWT') return decode(payload.replaceAll(/^["']+|["']+$/g, ''))
  return [header, parseObject(payload), decodeUrl(token.signature).toString('hex')]
}

// ── Verification ────────────────────────────────────────────────────────────────────────────────────────────────────

function verifyToken(text: string, keyText: string, scheme: SignatureScheme): boolean {
  const token = splitToken(text)
  const keys = parseKeys(keyText)
  const signed = { data: token.signed, signature: decodeUrl(token.signature) }
  const header = readHeader(decodeHeader(token))
  return withKey(
    keys,
    header,
    (material) => material.kind === 'public' && verifiesLoosely(material.key, scheme, signed),
  )
}

/** The key that the header names; where there is none of that name, any whose algorithm is not another. */
function withKey(keys: readonly TokenKey[], header: Header, verify: (material: KeyMaterial) => boolean): boolean {
  const named = header.kid === '' ? undefined : keys.find(({ kid }) => kid === header.kid)
  if (named !== undefined) return verify(named.material)
  return keys.some(({ alg, material }) => (alg === '' || alg === header.alg) && verify(material))
}

const unverified: RegoValue = [false, new RegoObject([]), new RegoObject([])]

function decodeVerify(text: string, given: RegoObject, context: DecisionContext): RegoValue {
  const constraints = readConstraints(given, context)
  for (let jwt = text; ;) {
    const token = splitToken(jwt)
    const object = decodeHeader(token)
    const header = readHeader(object)
    const isWanted = constraints.alg === '' || constraints.alg === header.alg
    if (!header.isValid || !isWanted) return unverified
    const signed = { data: token.signed, signature: decodeUrl(token.signature) }
    if (!isSigned(constraints, header, signed)) return unverified
    const payload = decodeText(token.payload)
    if (header.cty.toUpperCase() === 'JWT') {
      jwt = payload
      continue
    }
    const claimed = parseObject(payload)
    return meets(claimed, constraints) ? [true, object, claimed] : unverified
  }
}

interface Constraints {
  readonly keys: readonly TokenKey[] | undefined
  readonly secret: string
  readonly alg: string
  readonly iss: string
  readonly aud: string
  /** Seconds, as Go divides the nanoseconds. */
  readonly time: NumberValue
}

const texts = ['secret', 'alg', 'iss', 'aud']

function readConstraints(given: RegoObject, context: DecisionContext): Constraints {
  for (const [name] of given.entries) {
    if (name !== 'cert' && name !== 'time' && !texts.includes(asString(name))) {
      throw new BuiltinError('unknown token validation constraint')
    }
  }
  const text = (name: string): string => asString(lookup(given, name) === undefined ? '' : lookup(given, name))
  const cert = lookup(given, 'cert')
  const keys = cert === undefined ? undefined : parseKeys(asString(cert))
  const [secret, alg, iss, aud] = [text('secret'), text('alg'), text('iss'), text('aud')]
  const nanoseconds = doubleOf(asNumber(lookup(given, 'time') ?? Number(context.now())))
  if (!Number.isFinite(nanoseconds) || nanoseconds < 0) throw new BuiltinError('token time constraint: not a time')
  if ((keys === undefined) === (secret === '')) throw new BuiltinError('exactly one key constraint is needed')
  return { keys, secret, alg, iss, aud, time: fromDouble(nanoseconds / 1e9) }
}

function isSigned({ keys, secret }: Constraints, header: Header, signed: SignedText): boolean {
  if (keys === undefined) return verifyWith({ kind: 'secret', secret: Buffer.from(secret) }, header.alg, signed)
  return withKey(keys, header, (material) => verifyWith(material, header.alg, signed))
}

/** RFC 7519, 4.1: issuer, audience, expiry, not before. */
function meets(payload: RegoObject, { iss, aud, time }: Constraints): boolean {
  const claim = (name: string): RegoValue | undefined => lookup(payload, name)
  const issuer = claim('iss')
  if (iss !== '' && (issuer === undefined || asString(issuer) !== iss)) return false
  if (!meetsAudience(claim('aud'), aud)) return false
  const [expires, begins] = [claim('exp'), claim('nbf')]
  if (expires !== undefined && compareValues(time, asNumber(expires)) >= 0) return false
  return begins === undefined || compareValues(time, asNumber(begins)) >= 0
}

/** A token for somebody is good for nobody else, also when nobody is asked for. */
function meetsAudience(claimed: RegoValue | undefined, wanted: string): boolean {
  if (claimed === undefined) return wanted === ''
  return isArray(claimed) ? claimed.includes(wanted) : claimed === wanted
}

// ── Signing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function encodeSign(header: string, payload: string, key: string): string {
  const [first] = parseJwks(key)
  if (first === undefined) throw new BuiltinError('no keys found in JWK set')
  const parameters = parseJson(header)
  const parameter = (name: string): RegoValue | undefined =>
    parameters instanceof RegoObject ? lookup(parameters, name) : undefined
  const alg = asString(parameter('alg'))
  if (!tokenAlgorithms.has(alg)) throw new BuiltinError('unknown JWS algorithm')
  const typ = parameter('typ')
  // Throws on what is not JSON, which a token must hold unless it says that it is no JWT.
  if (typeof typ !== 'string' || typ === 'JWT') parseJson(payload)
  const signed = [header, payload].map((part) => Buffer.from(part).toString('base64url')).join('.')
  return `${signed}.${signWith(first.material, alg, Buffer.from(signed)).toString('base64url')}`
}

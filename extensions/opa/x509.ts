/** Certificates, certificate requests and private keys, shown as Go's structures (`crypto/x509`, `crypto/tls`). */
import { isArray, sortedItems } from '../compare.ts'
import { RegoObject, RegoSet, type DecisionContext, type PureExtension, type RegoValue } from '../extension.ts'
import { decodeStandard } from './base64.ts'
import { intOf, int64Of } from './number.ts'
import { isPem, pemBlocks, type PemBlock } from './pem.ts'
import { any, arrayOf, boolean, objectOf as objectType, pure, string, tuple } from './types.ts'
import { asNumber, asObject, asString, BuiltinError, defined, equal, objectOf } from './values.ts'
import { slice } from './x509/json.ts'
import { certificateRequestValue } from './x509/certificate-request.ts'
import { certificateValue, parseCertificate, parseCertificates, type Certificate } from './x509/certificate.ts'
import { parsePkcs1, parsePkcs8, parsePrivateKey, parseSec1, type PrivateKey } from './x509/private-key.ts'
import { verifyChain, type VerifyOptions } from './x509/verify.ts'

const structure = objectType(string, any)
const verified = tuple(boolean, arrayOf(structure))

export const x509: readonly PureExtension[] = [
  pure(
    'crypto.x509.parse_certificates',
    [string],
    arrayOf(structure),
    'The certificates in PEM or Base64 DER, each with all of its fields.',
    (args) => readCertificates(asString(args[0])).map(withUriStrings),
  ),
  pure(
    'crypto.x509.parse_and_verify_certificates',
    [string],
    verified,
    'Whether a chain from a root over intermediates to a leaf holds, and the chain from the leaf on.',
    (args, context) => {
      const text = asString(args[0])
      return verify(text, () => ({ now: context.now() }), withUriStrings)
    },
  ),
  pure(
    'crypto.x509.parse_and_verify_certificates_with_options',
    [string, structure],
    verified,
    'As `parse_and_verify_certificates`, for a host name, a time and key usages.',
    (args, context) => {
      const text = asString(args[0])
      const options = asObject(args[1])
      return verify(text, () => verifyOptions(options, context), certificateValue)
    },
  ),
  pure(
    'crypto.x509.parse_certificate_request',
    [string],
    structure,
    'The certificate signing request in PEM or Base64 DER, with all of its fields.',
    (args) => certificateRequestValue(requestDer(asString(args[0]))),
  ),
  pure(
    'crypto.x509.parse_keypair',
    [string, string],
    structure,
    'A certificate with the private key that belongs to it.',
    (args) => keyPair(asString(args[0]), asString(args[1])),
  ),
  pure(
    'crypto.x509.parse_rsa_private_key',
    [string],
    structure,
    'The first private key in a PEM text as a JWK.',
    (args) => jwkOfPrivateKey(asString(args[0])),
  ),
  pure(
    'crypto.parse_private_keys',
    [string],
    arrayOf(structure),
    'The private keys in a PEM text, each with all of its numbers.',
    (args) => {
      const text = asString(args[0])
      return text === '' ? null : readPrivateKeys(text).map(({ value }) => value)
    },
  ),
]

// ── Certificates ────────────────────────────────────────────────────────────────────────────────────────────────────

function readCertificates(text: string): readonly Certificate[] {
  if (isPem(text)) return parseCertificates(certificateDer(text))
  const bytes = decodeStandard(text)
  const decoded = bytes.toString('latin1')
  return parseCertificates(isPem(decoded) ? certificateDer(decoded) : bytes)
}

function certificateDer(pem: string): Buffer {
  const { blocks } = pemBlocks(pem)
  if (blocks.some(({ type }) => type !== 'CERTIFICATE')) throw new BuiltinError('a PEM block that is no certificate')
  return Buffer.concat(blocks.map(({ bytes }) => bytes))
}

/** OPA adds to Go's structure the URIs as texts. */
function withUriStrings(certificate: Certificate): RegoObject {
  const uris = slice(certificate.names.uris, ({ text }) => text)
  return new RegoObject([...certificateValue(certificate).entries, ['URIStrings', uris]])
}

type ShowCertificate = (certificate: Certificate) => RegoValue

/** Options that are wrong are an error, everything else that is wrong an answer. */
function verify(text: string, options: () => VerifyOptions, show: ShowCertificate): RegoValue {
  const certificates = attempt(() => readCertificates(text))
  if (certificates === undefined) return [false, []]
  const wanted = options()
  const chain = attempt(() => chainOf(certificates, wanted))
  return chain === undefined ? [false, []] : [true, chain.map(show)]
}

function chainOf(certificates: readonly Certificate[], options: VerifyOptions): readonly Certificate[] {
  const [root, ...others] = certificates
  const leaf = others.pop()
  if (root === undefined || leaf === undefined) throw new BuiltinError('at least two certificates are needed')
  return verifyChain(leaf, { root, intermediates: others }, options)
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** The index is the number in Go. */
const keyUsages = [
  'Any',
  'ServerAuth',
  'ClientAuth',
  'CodeSigning',
  'EmailProtection',
  'IPSECEndSystem',
  'IPSECTunnel',
  'IPSECUser',
  'TimeStamping',
  'OCSPSigning',
  'MicrosoftServerGatedCrypto',
  'NetscapeServerGatedCrypto',
  'MicrosoftCommercialCodeSigning',
  'MicrosoftKernelCodeSigning',
].map((name) => `KeyUsage${name}`)

function verifyOptions(options: RegoObject, context: DecisionContext): VerifyOptions {
  let found: VerifyOptions = { now: context.now() }
  for (const [key, value] of options.entries) {
    if (typeof key === 'string') found = { ...found, ...verifyOption(key, value) }
  }
  return found
}

function verifyOption(key: string, value: RegoValue): Partial<VerifyOptions> {
  switch (key) {
    case 'DNSName':
      return { dnsName: unquoted(asString(value)) }
    case 'CurrentTime':
      return { now: defined(int64Of(asNumber(value)), "'CurrentTime' should be a valid int64 number") }
    case 'MaxConstraintComparisons':
      // Go has no use for it any more.
      defined(intOf(asNumber(value)), "'MaxConstraintComparisons' should be a valid number")
      return {}
    case 'KeyUsages':
      return { keyUsages: keyUsageNumbers(value) }
    default:
      throw new BuiltinError('invalid key option')
  }
}

const unquoted = (text: string): string => text.replaceAll(/^"+|"+$/g, '')

function keyUsageNumbers(value: RegoValue): readonly number[] {
  const items = value instanceof RegoSet ? sortedItems(value) : value
  if (!isArray(items)) throw new BuiltinError("'KeyUsages' should be an Array or Set")
  const names = items.filter((item) => typeof item === 'string').map(unquoted)
  const numbers = names.map((name) => keyUsages.indexOf(name))
  if (numbers.includes(-1)) throw new BuiltinError("invalid entries for 'KeyUsages' found")
  return numbers
}

function requestDer(text: string): Buffer {
  const bytes = text.startsWith('-----BEGIN CERTIFICATE REQUEST-----') ? undefined : decodeStandard(text)
  const [block] = pemBlocks(bytes?.toString('latin1') ?? text).blocks
  if (block === undefined) return bytes ?? Buffer.from(text)
  if (block.type !== 'CERTIFICATE REQUEST') throw new BuiltinError('invalid PEM-encoded certificate signing request')
  return block.bytes
}

// ── Private keys ────────────────────────────────────────────────────────────────────────────────────────────────────

const keyParsers: Readonly<Record<string, (der: Buffer) => PrivateKey>> = {
  'RSA PRIVATE KEY': parsePkcs1,
  'PRIVATE KEY': parsePkcs8,
  'EC PRIVATE KEY': (der) => parseSec1(der),
}

/** PEM, or Base64 of it; blocks that are no private keys are passed over. */
function readPrivateKeys(text: string): readonly PrivateKey[] {
  const { blocks } = pemBlocks(attempt(() => decodeStandard(text).toString('latin1')) ?? text)
  return blocks.flatMap(({ type, bytes }) => {
    const parse = Object.hasOwn(keyParsers, type) ? keyParsers[type] : undefined
    return parse === undefined ? [] : [parse(bytes)]
  })
}

function jwkOfPrivateKey(text: string): RegoValue {
  if (text === '') throw new BuiltinError('input PEM data was empty')
  const [key] = readPrivateKeys(isPem(text) ? text : decodeStandard(text).toString('latin1'))
  return key === undefined ? null : key.jwk()
}

/** As `tls.X509KeyPair`: the first certificate is the leaf, and its key must be the private one's. */
function keyPair(certificateText: string, keyText: string): RegoValue {
  const certificates = pemOf(certificateText, 'CERTIFICATE').filter(({ type }) => type === 'CERTIFICATE')
  const keyBlock = pemOf(keyText, 'PRIVATE KEY').find(({ type }) => /(?:^| )PRIVATE KEY$/.test(type))
  const [first] = certificates
  if (first === undefined || keyBlock === undefined) throw new BuiltinError('no PEM data for a key pair')
  const leaf = parseCertificate(first.bytes)
  const key = parsePrivateKey(keyBlock.bytes)
  const publicKey = leaf.publicKey.key
  const isSigning = publicKey !== undefined && ['rsa', 'ecdsa', 'ed25519'].includes(publicKey.kind)
  if (!isSigning || publicKey.kind !== key.kind || !equal(publicKey.value, key.publicValue)) {
    throw new BuiltinError('private key does not match public key')
  }
  return objectOf({
    Certificate: certificates.map(({ bytes }) => bytes.toString('base64')),
    PrivateKey: key.value,
    SupportedSignatureAlgorithms: null,
    OCSPStaple: null,
    SignedCertificateTimestamps: null,
    Leaf: certificateValue(leaf),
  })
}

/** PEM, or Base64 of PEM or of bare DER. */
function pemOf(text: string, type: string): readonly PemBlock[] {
  if (text.startsWith('-----BEGIN ')) return pemBlocks(text).blocks
  const bytes = decodeStandard(text)
  const decoded = bytes.toString('latin1')
  return decoded.startsWith('-----BEGIN ') ? pemBlocks(decoded).blocks : [{ type, bytes }]
}

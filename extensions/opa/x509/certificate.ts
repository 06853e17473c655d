/** X.509 certificates (RFC 5280), read with Go's strictness and shown as Go's `x509.Certificate`. */
import type { RegoObject } from '../../extension.ts'
import {
  contextTag,
  dotted,
  explicitTag,
  malformed,
  readDer,
  rightAligned,
  tags,
  type DerReader,
  type Oid,
} from '../der.ts'
import { BuiltinError, objectOf } from '../values.ts'
import { namesValue } from './alternative-names.ts'
import { readExtension, readExtensions, type CertificateExtensions, type RawExtension } from './extensions.ts'
import { base64, integer, slice, strings } from './json.ts'
import { constraintsValue } from './name-constraints.ts'
import { nameValue, readName, type Attribute } from './name.ts'
import { readAlgorithm, readPublicKeyInfo, type PublicKeyInfo } from './public-key.ts'
import { signatureAlgorithm, type SignatureAlgorithm } from './signature-algorithm.ts'
import { readTime, type CertificateTime } from './time.ts'

export interface Certificate extends CertificateExtensions {
  readonly raw: Buffer
  /** What is signed. */
  readonly signed: Buffer
  readonly signature: Buffer
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly publicKeyInfo: Buffer
  readonly publicKey: PublicKeyInfo
  readonly version: number
  readonly serial: bigint
  readonly rawIssuer: Buffer
  readonly issuer: readonly Attribute[]
  readonly rawSubject: Buffer
  readonly subject: readonly Attribute[]
  readonly notBefore: CertificateTime
  readonly notAfter: CertificateTime
  readonly extensions: readonly RawExtension[]
}

/** One certificate and nothing else. */
export function parseCertificate(der: Buffer): Certificate {
  const certificate = readCertificate(der)
  if (certificate.raw.length < der.length) throw new BuiltinError('trailing data after a certificate')
  return certificate
}

/** Certificates that follow each other without anything between them. */
export function parseCertificates(der: Buffer): Certificate[] {
  const certificates: Certificate[] = []
  for (let rest = der; rest.length > 0;) {
    const certificate = readCertificate(rest)
    certificates.push(certificate)
    rest = rest.subarray(certificate.raw.length)
  }
  return certificates
}

function readCertificate(der: Buffer): Certificate {
  const { raw, content } = readDer(der).element(tags.sequence)
  const reader = readDer(content)
  const signed = reader.element(tags.sequence)
  const outerAlgorithm = reader.bytes(tags.sequence)
  const signature = rightAligned(reader.bitString())
  const body = readDer(signed.content)
  const version = readVersion(body)
  const serial = body.integer()
  if (serial < 0n) throw new BuiltinError('negative serial number')
  const algorithm = body.bytes(tags.sequence)
  if (!algorithm.equals(outerAlgorithm)) throw new BuiltinError('two signature algorithms')
  const rawIssuer = body.element(tags.sequence).raw
  const validity = body.inside(tags.sequence)
  const [notBefore, notAfter] = [readTime(validity), readTime(validity)]
  const rawSubject = body.element(tags.sequence).raw
  const publicKeyInfo = body.element(tags.sequence).raw
  const extensions = version > 1 ? readExtensionList(body, version) : []
  return {
    raw,
    signed: signed.raw,
    signature,
    signatureAlgorithm: signatureAlgorithm(readAlgorithm(readDer(algorithm))),
    publicKeyInfo,
    publicKey: readPublicKeyInfo(publicKeyInfo),
    version,
    serial,
    rawIssuer,
    issuer: readName(readDer(rawIssuer)),
    rawSubject,
    subject: readName(readDer(rawSubject)),
    notBefore,
    notAfter,
    extensions,
    ...readExtensions(extensions),
  }
}

/** From 1 on. */
function readVersion(body: DerReader): number {
  const written = body.optional(explicitTag(0))
  if (written === undefined) return 1
  const reader = readDer(written)
  const version = reader.integer() + 1n
  if (version < 1n || version > 3n || !reader.isEmpty()) throw malformed('version')
  return Number(version)
}

function readExtensionList(body: DerReader, version: number): RawExtension[] {
  body.optional(contextTag(1))
  body.optional(contextTag(2))
  const list = version === 3 ? body.optional(explicitTag(3)) : undefined
  if (list === undefined) return []
  const extensions: RawExtension[] = []
  const seen = new Set<string>()
  for (const reader = readDer(list).inside(tags.sequence); !reader.isEmpty();) {
    const extension = readExtension(reader.inside(tags.sequence))
    if (seen.has(dotted(extension.id))) throw new BuiltinError('duplicate extension')
    seen.add(dotted(extension.id))
    extensions.push(extension)
  }
  return extensions
}

export function certificateValue(certificate: Certificate): RegoObject {
  return objectOf({
    Raw: base64(certificate.raw),
    RawTBSCertificate: base64(certificate.signed),
    RawSubjectPublicKeyInfo: base64(certificate.publicKeyInfo),
    RawSubject: base64(certificate.rawSubject),
    RawIssuer: base64(certificate.rawIssuer),
    Signature: base64(certificate.signature),
    SignatureAlgorithm: certificate.signatureAlgorithm.number,
    PublicKeyAlgorithm: certificate.publicKey.algorithm,
    PublicKey: certificate.publicKey.key?.value ?? null,
    Version: certificate.version,
    SerialNumber: integer(certificate.serial),
    Issuer: nameValue(certificate.issuer),
    Subject: nameValue(certificate.subject),
    NotBefore: certificate.notBefore.text,
    NotAfter: certificate.notAfter.text,
    Extensions: slice(certificate.extensions, extensionValue),
    ExtraExtensions: null,
    ...fieldsOfExtensions(certificate),
  })
}

function fieldsOfExtensions(found: CertificateExtensions): Parameters<typeof objectOf>[0] {
  const oid = (value: Oid): Oid => value
  return {
    KeyUsage: found.keyUsage,
    UnhandledCriticalExtensions: slice(found.unhandled, oid),
    ExtKeyUsage: slice(found.extendedKeyUsage, (usage) => usage),
    UnknownExtKeyUsage: slice(found.unknownKeyUsage, oid),
    BasicConstraintsValid: found.basicConstraints !== undefined,
    IsCA: found.basicConstraints?.isCa ?? false,
    MaxPathLen: integer(BigInt(found.basicConstraints?.maxPathLength ?? 0)),
    MaxPathLenZero: found.basicConstraints?.maxPathLength === 0,
    SubjectKeyId: base64(found.subjectKeyId),
    AuthorityKeyId: base64(found.authorityKeyId),
    OCSPServer: strings(found.ocspServers),
    IssuingCertificateURL: strings(found.issuingUrls),
    ...namesValue(found.names),
    ...constraintsValue(found.nameConstraints),
    CRLDistributionPoints: strings(found.crlDistributionPoints),
    PolicyIdentifiers: found.policies?.filter(isSmall).map((policy) => policy.map(Number)) ?? null,
    Policies: slice(found.policies ?? [], dotted),
    InhibitAnyPolicy: found.inhibitAnyPolicy ?? 0,
    InhibitAnyPolicyZero: found.inhibitAnyPolicy === 0,
    InhibitPolicyMapping: found.inhibitPolicyMapping ?? 0,
    InhibitPolicyMappingZero: found.inhibitPolicyMapping === 0,
    RequireExplicitPolicy: found.requireExplicitPolicy ?? 0,
    RequireExplicitPolicyZero: found.requireExplicitPolicy === 0,
    PolicyMappings: slice(found.policyMappings, ({ issuer, subject }) =>
      objectOf({ IssuerDomainPolicy: issuer, SubjectDomainPolicy: subject }),
    ),
  }
}

/** What Go's `asn1.ObjectIdentifier` can hold. */
const isSmall = (policy: readonly bigint[]): boolean => policy.every((component) => component < 2n ** 31n)

export const extensionValue = ({ id, critical, value }: RawExtension): RegoObject =>
  objectOf({ Id: id, Critical: critical, Value: base64(value) })

/** The extensions of a certificate that Go understands (RFC 5280, 4.2), each with its place in `x509.Certificate`. */
import {
  booleanOf,
  contextTag,
  dotted,
  elements,
  explicitTag,
  integerOf,
  malformed,
  oidComponents,
  readDer,
  tags,
  type DerReader,
  type Oid,
} from '../der.ts'
import { fromUtf8 } from '../utf8.ts'
import { BuiltinError } from '../values.ts'
import { noNames, readAlternativeNames, type AlternativeNames } from './alternative-names.ts'
import { noConstraints, readNameConstraints, type NameConstraints } from './name-constraints.ts'

export interface RawExtension {
  readonly id: Oid
  readonly critical: boolean
  readonly value: Buffer
}

export interface PolicyMapping {
  readonly issuer: string
  readonly subject: string
}

/** A number of certificates; undefined where none is given. */
type Count = number | undefined

export interface CertificateExtensions {
  keyUsage: number
  basicConstraints: { readonly isCa: boolean; readonly maxPathLength: number } | undefined
  names: AlternativeNames
  nameConstraints: NameConstraints
  crlDistributionPoints: readonly string[]
  authorityKeyId: Buffer | undefined
  subjectKeyId: Buffer | undefined
  requireExplicitPolicy: Count
  inhibitPolicyMapping: Count
  inhibitAnyPolicy: Count
  extendedKeyUsage: readonly number[]
  unknownKeyUsage: readonly Oid[]
  policies: readonly (readonly bigint[])[] | undefined
  policyMappings: readonly PolicyMapping[]
  ocspServers: readonly string[]
  issuingUrls: readonly string[]
  unhandled: readonly Oid[]
}

const none: Readonly<CertificateExtensions> = {
  keyUsage: 0,
  basicConstraints: undefined,
  names: noNames,
  nameConstraints: noConstraints,
  crlDistributionPoints: [],
  authorityKeyId: undefined,
  subjectKeyId: undefined,
  requireExplicitPolicy: undefined,
  inhibitPolicyMapping: undefined,
  inhibitAnyPolicy: undefined,
  extendedKeyUsage: [],
  unknownKeyUsage: [],
  policies: undefined,
  policyMappings: [],
  ocspServers: [],
  issuingUrls: [],
  unhandled: [],
}

/** In which `critical` is what a DER encoder leaves out when it is false. */
export function readExtension(reader: DerReader): RawExtension {
  const id = reader.oid()
  const flag = reader.optional(tags.boolean)
  return { id, critical: flag !== undefined && booleanOf(flag), value: reader.bytes(tags.octetString) }
}

/** What an extension says; `handled: false` where it says something that is not understood. */
type Reading = Partial<CertificateExtensions> & { readonly handled?: boolean }

const readers: Readonly<Record<string, (extension: RawExtension) => Reading>> = {
  '2.5.29.14': subjectKeyId,
  '2.5.29.15': ({ value }) => ({ keyUsage: keyUsage(value) }),
  '2.5.29.17': alternativeNames,
  '2.5.29.19': ({ value }) => ({ basicConstraints: basicConstraints(value) }),
  '2.5.29.30': ({ value, critical }) => {
    const { handled, ...nameConstraints } = readNameConstraints(value, critical)
    return { nameConstraints, handled }
  },
  '2.5.29.31': ({ value }) => ({ crlDistributionPoints: crlDistributionPoints(value) }),
  '2.5.29.32': ({ value }) => ({ policies: policies(value) }),
  '2.5.29.33': ({ value }) => ({ policyMappings: policyMappings(value) }),
  '2.5.29.35': authorityKeyId,
  '2.5.29.36': ({ value }) => policyConstraints(value),
  '2.5.29.37': ({ value }) => extendedKeyUsage(value),
  '2.5.29.54': ({ value }) => ({ inhibitAnyPolicy: count(readDer(value).integer()) }),
  '1.3.6.1.5.5.7.1.1': authorityInformation,
}

export function readExtensions(extensions: readonly RawExtension[]): CertificateExtensions {
  const found: CertificateExtensions = { ...none }
  const unhandled: Oid[] = []
  for (const extension of extensions) {
    const { handled = true, ...fields } = readers[dotted(extension.id)]?.(extension) ?? { handled: false }
    Object.assign(found, fields)
    if (!handled && extension.critical) unhandled.push(extension.id)
  }
  return { ...found, unhandled }
}

function mustNotBeCritical({ critical }: RawExtension): void {
  if (critical) throw new BuiltinError('extension incorrectly marked critical')
}

function subjectKeyId(extension: RawExtension): Reading {
  mustNotBeCritical(extension)
  return { subjectKeyId: readDer(extension.value).bytes(tags.octetString) }
}

function authorityKeyId(extension: RawExtension): Reading {
  mustNotBeCritical(extension)
  return { authorityKeyId: readDer(extension.value).inside(tags.sequence).optional(contextTag(0)) }
}

function keyUsage(value: Buffer): number {
  const { bytes, bits } = readDer(value).bitString()
  const isSet = (bit: number): boolean => bit < bits && (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1
  return Array.from({ length: 9 }, (_, bit) => (isSet(bit) ? 1 << bit : 0)).reduce((all, bit) => all | bit, 0)
}

function basicConstraints(value: Buffer): NonNullable<CertificateExtensions['basicConstraints']> {
  const reader = readDer(value).inside(tags.sequence)
  const flag = reader.optional(tags.boolean)
  const length = reader.optional(tags.integer)
  const maxPathLength = length === undefined ? -1n : integerOf(length)
  if (length !== undefined && maxPathLength < 0n) throw malformed('basic constraints')
  return { isCa: flag !== undefined && booleanOf(flag), maxPathLength: count(maxPathLength) }
}

function count(value: bigint): number {
  if (BigInt.asIntN(64, value) !== value) throw malformed('count')
  return Number(value)
}

function alternativeNames({ value }: RawExtension): Reading {
  const names = readAlternativeNames(value)
  return { names, handled: Object.values(names).some((list) => list.length > 0) }
}

function crlDistributionPoints(value: Buffer): string[] {
  const urls: string[] = []
  for (const points = readDer(value).inside(tags.sequence); !points.isEmpty();) {
    const name = points.inside(tags.sequence).optional(explicitTag(0))
    if (name === undefined) continue
    const fullName = readDer(name).inside(explicitTag(0))
    while (fullName.next() === contextTag(6)) urls.push(fromUtf8(fullName.bytes(contextTag(6))))
  }
  return urls
}

function policies(value: Buffer): bigint[][] {
  const found: bigint[][] = []
  for (const reader = readDer(value).inside(tags.sequence); !reader.isEmpty();) {
    found.push(oidComponents(reader.inside(tags.sequence).bytes(tags.oid)))
  }
  if (new Set(found.map(dotted)).size < found.length) throw malformed('certificate policies')
  return found
}

function policyMappings(value: Buffer): PolicyMapping[] {
  const found: PolicyMapping[] = []
  for (const reader = readDer(value).inside(tags.sequence); !reader.isEmpty();) {
    const mapping = reader.inside(tags.sequence)
    const oid = (): string => dotted(oidComponents(mapping.bytes(tags.oid)))
    found.push({ issuer: oid(), subject: oid() })
  }
  return found
}

function policyConstraints(value: Buffer): Reading {
  const reader = readDer(value).inside(tags.sequence)
  const explicit = reader.optional(contextTag(0))
  const mapping = reader.optional(contextTag(1))
  return {
    ...(explicit === undefined ? {} : { requireExplicitPolicy: count(integerOf(explicit)) }),
    ...(mapping === undefined ? {} : { inhibitPolicyMapping: count(integerOf(mapping)) }),
  }
}

/** In the order of Go's `x509.ExtKeyUsage`. */
const keyPurposes = [
  '2.5.29.37.0',
  ...Array.from({ length: 9 }, (_, i) => `1.3.6.1.5.5.7.3.${i + 1}`),
  '1.3.6.1.4.1.311.10.3.3',
  '2.16.840.1.113730.4.1',
  '1.3.6.1.4.1.311.2.1.22',
  '1.3.6.1.4.1.311.61.1.1',
]

function extendedKeyUsage(value: Buffer): Reading {
  const oids: Oid[] = []
  for (const reader = readDer(value).inside(tags.sequence); !reader.isEmpty();) oids.push(reader.oid())
  const numbers = oids.map((oid) => keyPurposes.indexOf(dotted(oid)))
  return {
    extendedKeyUsage: numbers.filter((number) => number >= 0),
    unknownKeyUsage: oids.filter((_, i) => numbers[i] === -1),
  }
}

function authorityInformation(extension: RawExtension): Reading {
  mustNotBeCritical(extension)
  const found = elements(readDer(extension.value).bytes(tags.sequence)).map(({ raw }) => {
    const reader = readDer(raw).inside(tags.sequence)
    return { method: dotted(reader.oid()), url: reader.optional(contextTag(6)) }
  })
  const urls = (method: string): string[] =>
    found.flatMap((entry) => (entry.method === method && entry.url !== undefined ? [fromUtf8(entry.url)] : []))
  return { ocspServers: urls('1.3.6.1.5.5.7.48.1'), issuingUrls: urls('1.3.6.1.5.5.7.48.2') }
}

/** Certificate signing requests (PKCS #10, RFC 2986) as Go's `x509.CertificateRequest`. Their signature is not checked. */
import type { RegoObject, RegoValue } from '../../extension.ts'
import {
  bitStringOf,
  booleanOf,
  dotted,
  elements,
  explicitTag,
  integerOf,
  malformed,
  oidOf,
  readDer,
  rightAligned,
  tags,
  type DerReader,
  type Element,
} from '../der.ts'
import { BuiltinError, objectOf } from '../values.ts'
import { namesValue, noNames, readAlternativeNames } from './alternative-names.ts'
import { extensionValue } from './certificate.ts'
import { readExtension, type RawExtension } from './extensions.ts'
import { base64, integer, slice } from './json.ts'
import { attributeValue, nameValue, readName, stringOf } from './name.ts'
import { readAlgorithm, readPublicKeyInfo } from './public-key.ts'
import { signatureAlgorithm } from './signature-algorithm.ts'
import { readTime } from './time.ts'

export function certificateRequestValue(der: Buffer): RegoObject {
  const { raw, content } = readDer(der).element(tags.sequence)
  if (raw.length < der.length) throw new BuiltinError('trailing data')
  const reader = readDer(content)
  const signed = reader.element(tags.sequence)
  const algorithm = readAlgorithm(reader.inside(tags.sequence))
  const signature = rightAligned(reader.bitString())
  const body = readDer(signed.content)
  const version = body.integer()
  const subject = body.any().raw
  const publicKeyInfo = body.element(tags.sequence).raw
  const publicKey = readPublicKeyInfo(publicKeyInfo)
  const attributes = elements(body.bytes(explicitTag(0)))
  const extensions = attributes.flatMap(requestedExtensions)
  if (new Set(extensions.map(({ id }) => dotted(id))).size < extensions.length) {
    throw new BuiltinError('duplicate requested extension')
  }
  const names = extensions.find(({ id }) => dotted(id) === '2.5.29.17')
  return objectOf({
    Raw: base64(raw),
    RawTBSCertificateRequest: base64(signed.raw),
    RawSubjectPublicKeyInfo: base64(publicKeyInfo),
    RawSubject: base64(subject),
    Version: integer(version),
    Signature: base64(signature),
    SignatureAlgorithm: signatureAlgorithm(algorithm).number,
    PublicKeyAlgorithm: publicKey.algorithm,
    PublicKey: publicKey.key?.value ?? null,
    Subject: nameValue(readName(readDer(subject), (own) => anyValue(own.any()))),
    Attributes: slice(attributes.flatMap(typeAndValues), (attribute) => attribute),
    Extensions: slice(extensions, extensionValue),
    ExtraExtensions: null,
    ...namesValue(names === undefined ? noNames : readAlternativeNames(names.value)),
  })
}

const extensionRequest = '1.2.840.113549.1.9.14'

/** What is no attribute of this shape is passed over. */
function requestedExtensions({ raw }: Element): RawExtension[] {
  const list = attempt(() => {
    const reader = readDer(raw).inside(tags.sequence)
    const isRequest = dotted(reader.oid()) === extensionRequest
    const [first] = elements(reader.bytes(tags.set))
    return isRequest ? first : undefined
  })
  if (list === undefined) return []
  return elements(readDer(list.raw).bytes(tags.sequence)).map((extension) =>
    readExtension(readDer(extension.raw).inside(tags.sequence)),
  )
}

/** Go's `pkix.AttributeTypeAndValueSET`: a set of sequences of pairs. Other attributes do not show. */
function typeAndValues({ raw }: Element): RegoObject[] {
  const attribute = attempt(() => {
    const reader = readDer(raw).inside(tags.sequence)
    const type = reader.oid()
    const sets = elements(reader.bytes(tags.set)).map((set) => pairs(readDer(set.raw).inside(tags.sequence)))
    return objectOf({ Type: type, Value: sets })
  })
  return attribute === undefined ? [] : [attribute]
}

function pairs(reader: DerReader): RegoObject[] {
  const found: RegoObject[] = []
  while (!reader.isEmpty()) {
    const pair = reader.inside(tags.sequence)
    found.push(attributeValue({ type: pair.oid(), value: anyValue(pair.any()) }))
  }
  return found
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** A value of any type, where Go has one for it; otherwise null. */
function anyValue({ tag, content, raw }: Element): RegoValue {
  switch (tag) {
    case tags.boolean:
      return booleanOf(content)
    case tags.integer:
      return int64(integerOf(content))
    case tags.bitString: {
      const { bytes, bits } = bitStringOf(content)
      return objectOf({ Bytes: base64(bytes), BitLength: bits })
    }
    case tags.octetString:
      return base64(content)
    case tags.oid:
      return oidOf(content)
    case tags.utcTime:
    case tags.generalizedTime:
      return readTime(readDer(raw)).text
    default:
      return isStringTag(tag) ? stringOf(tag, content) : null
  }
}

function int64(value: bigint): RegoValue {
  if (BigInt.asIntN(64, value) !== value) throw malformed('integer')
  return integer(value)
}

const stringTags: readonly number[] = [
  tags.t61String,
  tags.utf8String,
  tags.numericString,
  tags.printableString,
  tags.ia5String,
  tags.bmpString,
]

const isStringTag = (tag: number): boolean => stringTags.includes(tag)

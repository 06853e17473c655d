/** Distinguished names: read from DER, and as Go's `pkix.Name`. */
import type { RegoObject, RegoValue } from '../../extension.ts'
import { malformed, tags, type DerReader, type Oid } from '../der.ts'
import { objectOf } from '../values.ts'
import { slice, strings } from './json.ts'

export interface Attribute {
  readonly type: Oid
  readonly value: RegoValue
}

/** All attributes of an RDNSequence; several may stand in one set. */
export function readName(reader: DerReader, readValue: (reader: DerReader) => RegoValue = readString): Attribute[] {
  const attributes: Attribute[] = []
  for (const sequence = reader.inside(tags.sequence); !sequence.isEmpty();) {
    for (const set = sequence.inside(tags.set); !set.isEmpty();) {
      const attribute = set.inside(tags.sequence)
      attributes.push({ type: attribute.oid(), value: readValue(attribute) })
    }
  }
  return attributes
}

const readString = (reader: DerReader): string => {
  const { tag, content } = reader.any()
  return stringOf(tag, content)
}

/** The ASN.1 string types that occur in names; others throw. */
export function stringOf(tag: number, content: Buffer): string {
  switch (tag) {
    case tags.t61String:
      return content.toString('latin1')
    case tags.printableString:
      return only(/^[A-Za-z0-9'()+,\-./ :=?*&]*$/, content)
    case tags.numericString:
      return only(/^[0-9 ]*$/, content)
    case tags.ia5String:
      return ia5(content)
    case tags.utf8String:
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
    case tags.bmpString:
      return bmpString(content)
    default:
      throw malformed('string')
  }
}

// oxlint-disable-next-line no-control-regex -- the set of characters of IA5String
export const ia5 = (content: Buffer): string => only(/^[\0-\x7f]*$/, content)

function only(pattern: RegExp, content: Buffer): string {
  const text = content.toString('latin1')
  if (!pattern.test(text)) throw malformed('string')
  return text
}

/** Two bytes a character; neither surrogates nor the permanent non-characters. */
function bmpString(content: Buffer): string {
  if (content.length % 2 !== 0) throw malformed('BMPString')
  const text = Buffer.from(content).swap16().toString('utf16le').replace(/\0$/, '')
  if (/[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]/.test(text)) throw malformed('BMPString')
  return text
}

const lists = {
  Country: 6,
  Locality: 7,
  Province: 8,
  StreetAddress: 9,
  Organization: 10,
  OrganizationalUnit: 11,
  PostalCode: 17,
} as const

/** `id-at` of X.520. */
const isAttribute = ({ type }: Attribute, number: number): boolean =>
  type.length === 4 && type[0] === 2 && type[1] === 5 && type[2] === 4 && type[3] === number

export function nameValue(attributes: readonly Attribute[]): RegoObject {
  const values = (number: number): string[] =>
    attributes
      .filter((attribute) => isAttribute(attribute, number))
      .flatMap(({ value }) => (typeof value === 'string' ? [value] : []))
  const named = Object.entries(lists).map(([field, number]) => [field, strings(values(number))] as const)
  return objectOf({
    ...Object.fromEntries(named),
    CommonName: values(3).at(-1) ?? '',
    SerialNumber: values(5).at(-1) ?? '',
    Names: slice(attributes, attributeValue),
    ExtraNames: null,
  })
}

export const attributeValue = ({ type, value }: Attribute): RegoObject => objectOf({ Type: type, Value: value })

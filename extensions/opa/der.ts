/**
 * DER (X.690) as Go reads it for X.509: definite lengths in their shortest form, tags below 31, minimal integers and
 * object identifiers. Anything else throws. A reader goes over bytes it does not own and copies none.
 */
import { BuiltinError } from './values.ts'

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** A context-specific tag: primitive, or explicit and constructed. */
export const contextTag = (number: number): number => 0x80 | number
export const explicitTag = (number: number): number => 0xa0 | number

export type Oid = readonly number[]

export interface BitString {
  readonly bytes: Buffer
  readonly bits: number
}

export interface Element {
  readonly tag: number
  /** What is inside. */
  readonly content: Buffer
  /** With tag and length. */
  readonly raw: Buffer
}

export interface DerReader {
  readonly isEmpty: () => boolean
  readonly next: () => number | undefined
  readonly any: () => Element
  readonly element: (tag: number) => Element
  /** A reader of what is inside the next element, which must have this tag. */
  readonly inside: (tag: number) => DerReader
  readonly bytes: (tag: number) => Buffer
  /** Undefined unless the next element has this tag. */
  readonly optional: (tag: number) => Buffer | undefined
  readonly integer: (tag?: number) => bigint
  readonly oid: () => Oid
  readonly boolean: () => boolean
  readonly bitString: () => BitString
}

export const malformed = (what: string): BuiltinError => new BuiltinError(`malformed ${what}`)

export function readDer(bytes: Buffer): DerReader {
  let at = 0
  const next = (): number | undefined => bytes[at]

  function any(): Element {
    const found = elementAt(bytes, at)
    at += found.raw.length
    return found
  }

  function element(tag: number): Element {
    const found = any()
    if (found.tag !== tag) throw malformed(`element: tag ${found.tag} where ${tag} is due`)
    return found
  }

  const content = (tag: number): Buffer => element(tag).content

  return {
    isEmpty: () => at >= bytes.length,
    next,
    any,
    element,
    inside: (tag) => readDer(content(tag)),
    bytes: content,
    optional: (tag) => (next() === tag ? content(tag) : undefined),
    integer: (tag = tags.integer) => integerOf(content(tag)),
    oid: () => oidOf(content(tags.oid)),
    boolean: () => booleanOf(content(tags.boolean)),
    bitString: () => bitStringOf(content(tags.bitString)),
  }
}

/** All elements that follow each other in `bytes`. */
export function elements(bytes: Buffer): Element[] {
  const found: Element[] = []
  for (const reader = readDer(bytes); !reader.isEmpty();) found.push(reader.any())
  return found
}

function elementAt(bytes: Buffer, at: number): Element {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw malformed('element')
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  const start = at + 2 + lengthBytes
  const length = lengthBytes === 0 ? first : longLength(bytes.subarray(at + 2, start), lengthBytes)
  // An indefinite length has no bytes of its own.
  if (first === 0x80 || start + length > bytes.length) throw malformed('length')
  return { tag, content: bytes.subarray(start, start + length), raw: bytes.subarray(at, start + length) }
}

function longLength(digits: Buffer, count: number): number {
  if (count > 4 || digits.length !== count) throw malformed('length')
  const length = digits.readUIntBE(0, count)
  if (length < 0x80 || digits[0] === 0) throw malformed('length')
  return length
}

export function integerOf(content: Buffer): bigint {
  const [first, second = 0] = content
  if (first === undefined) throw malformed('integer')
  const padded = (first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)
  if (content.length > 1 && padded) throw malformed('integer')
  return BigInt.asIntN(content.length * 8, unsigned(content))
}

/** Big-endian. */
export const unsigned = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex') || '0'}`)

export function booleanOf(content: Buffer): boolean {
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw malformed('boolean')
  return content[0] === 0xff
}

export function bitStringOf(content: Buffer): BitString {
  const [padding] = content
  const bytes = content.subarray(1)
  const last = bytes.at(-1) ?? 0
  if (padding === undefined || padding > 7 || (bytes.length === 0 && padding !== 0)) throw malformed('bit string')
  if ((last & ((1 << padding) - 1)) !== 0) throw malformed('bit string')
  return { bytes, bits: bytes.length * 8 - padding }
}

/** The bytes of a bit string as a number would have them: padding at the front. */
export function rightAligned({ bytes, bits }: BitString): Buffer {
  const padding = bytes.length * 8 - bits
  if (padding === 0) return bytes
  return Buffer.from(bytes.map((byte, i) => (((bytes[i - 1] ?? 0) << (8 - padding)) | (byte >> padding)) & 0xff))
}

const greatestComponent = 2 ** 31

/** Components below 2^31, as in Go's `asn1.ObjectIdentifier`. */
export function oidOf(content: Buffer): Oid {
  const components = oidComponents(content)
  if (components.some((component) => component >= greatestComponent)) throw malformed('object identifier')
  return components.map(Number)
}

/** Components of any size. */
export function oidComponents(content: Buffer): bigint[] {
  if (content.length === 0 || (content.at(-1) ?? 0) >= 0x80) throw malformed('object identifier')
  const numbers: bigint[] = []
  let bits = ''
  for (const byte of content) {
    if (bits === '' && byte === 0x80) throw malformed('object identifier')
    bits += (byte & 0x7f).toString(2).padStart(7, '0')
    if (byte >= 0x80) continue
    numbers.push(BigInt(`0b${bits}`))
    bits = ''
  }
  const [first = 0n, ...rest] = numbers
  const root = first < 80n ? first / 40n : 2n
  return [root, first - root * 40n, ...rest]
}

export const dotted = (components: readonly (number | bigint)[]): string => components.join('.')

/** An element; its length in the shortest form. */
export function encodeDer(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content])
  const hex = content.length.toString(16)
  const length = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content])
}

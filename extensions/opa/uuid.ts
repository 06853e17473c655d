/** UUIDs: version 4 of our own, and what the others say about their making. https://www.rfc-editor.org/rfc/rfc4122 */
import { randomUUID } from 'node:crypto'
import type { PureExtension, RegoValue } from '../extension.ts'
import { fromBigInt } from './number.ts'
import { any, objectOf, pure, string } from './types.ts'
import { asString, objectOf as object } from './values.ts'

export const uuid: readonly PureExtension[] = [
  pure(
    'uuid.parse',
    [string],
    objectOf(string, any),
    'What a UUID says of itself; undefined when it is none.',
    (args) => {
      const bytes = bytesOf(asString(args[0]))
      return bytes && describe(bytes)
    },
  ),
  pure(
    'uuid.rfc4122',
    [string],
    string,
    'A random UUID, the same within a decision for the same key.',
    ([key], context) => context.once(`uuid.rfc4122:${asString(key)}`, () => randomUUID()),
  ),
]

const dashed = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Bare, with `urn:uuid:`, between any two characters (Go takes what it expects to be braces), or without dashes. */
function bytesOf(text: string): Buffer | undefined {
  const inner = innerText(text)
  const isUuid = text.length === 32 ? /^[0-9a-f]{32}$/i.test(inner) : dashed.test(inner)
  return isUuid ? Buffer.from(inner.replaceAll('-', ''), 'hex') : undefined
}

function innerText(text: string): string {
  if (text.length === 45 && /^urn:uuid:/i.test(text)) return text.slice(9)
  if (text.length === 38 && Buffer.byteLength(text) === 38) return text.slice(1, 37)
  return text
}

const variants = (byte: number): string => {
  if ((byte & 0xc0) === 0x80) return 'RFC4122'
  if ((byte & 0xe0) === 0xc0) return 'Microsoft'
  return (byte & 0xe0) === 0xe0 ? 'Future' : 'Reserved'
}

const domains = ['Person', 'Group', 'Org']

function describe(bytes: Buffer): RegoValue {
  const version = bytes.readUInt8(6) >> 4
  const variant = variants(bytes.readUInt8(8))
  if (version !== 1 && version !== 2) return object({ version, variant })
  const domain = bytes.readUInt8(9)
  return object({
    version,
    variant,
    time: fromBigInt(nanoseconds(bytes)),
    nodeid: [...bytes.subarray(10)].map((byte) => byte.toString(16).padStart(2, '0')).join('-'),
    macvariables: macVariables(bytes.readUInt8(10)),
    clocksequence: bytes.readUInt16BE(8) & 0x3fff,
    id: version === 2 ? bytes.readUInt32BE(0) : undefined,
    domain: version === 2 ? (domains[domain] ?? `Domain${domain}`) : undefined,
  })
}

/** Between 15 October 1582, from which UUIDs count, and the epoch. */
const epoch = 122_192_928_000_000_000n

function nanoseconds(bytes: Buffer): bigint {
  const high = BigInt(bytes.readUInt16BE(6) & 0xfff)
  const middle = BigInt(bytes.readUInt16BE(4))
  const ticks = (high << 48n) | (middle << 32n) | BigInt(bytes.readUInt32BE(0))
  return BigInt.asIntN(64, (ticks - epoch) * 100n)
}

function macVariables(byte: number): string {
  const scope = (byte & 2) === 0 ? 'global' : 'local'
  return `${scope}:${(byte & 1) === 0 ? 'unicast' : 'multicast'}`
}

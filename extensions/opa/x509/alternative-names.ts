/** The subject alternative names of certificates and requests (RFC 5280, 4.2.1.6). */
import { isIP, isIPv4 } from 'node:net'
import type { RegoObject, RegoValue } from '../../extension.ts'
import { contextTag, malformed, readDer, tags } from '../der.ts'
import { readUrl, type GoUrl } from '../go-url.ts'
import { BuiltinError, objectOf } from '../values.ts'
import { slice, strings } from './json.ts'
import { ia5 } from './name.ts'

export interface AlternativeNames {
  readonly emails: readonly string[]
  readonly dns: readonly string[]
  readonly uris: readonly GoUrl[]
  readonly addresses: readonly Buffer[]
}

export const noNames: AlternativeNames = { emails: [], dns: [], uris: [], addresses: [] }

export function readAlternativeNames(der: Buffer): AlternativeNames {
  const emails: string[] = []
  const dns: string[] = []
  const uris: GoUrl[] = []
  const addresses: Buffer[] = []
  for (const reader = readDer(der).inside(tags.sequence); !reader.isEmpty();) {
    const { tag, content } = reader.any()
    if (tag === contextTag(1)) emails.push(ia5(content))
    else if (tag === contextTag(2)) dns.push(ia5(content))
    else if (tag === contextTag(6)) uris.push(readUri(content))
    else if (tag === contextTag(7)) addresses.push(readAddress(content))
  }
  return { emails, dns, uris, addresses }
}

function readUri(content: Buffer): GoUrl {
  const uri = readUrl(ia5(content))
  if (!isDomainName(uri.host)) throw new BuiltinError('URI with an invalid domain')
  return uri
}

function readAddress(content: Buffer): Buffer {
  if (content.length !== 4 && content.length !== 16) throw malformed('IP address')
  return content
}

/** Labels of visible ASCII, no trailing period; a constraint may have a leading one. Empty is a name, too. */
export function isDomainName(name: string, { constraint = false } = {}): boolean {
  if (name === '') return true
  const labels = constraint ? name.replace(/^\./, '') : name
  return /^[!-~]+$/.test(labels) && labels.split('.').every((label) => label !== '')
}

export function namesValue({ emails, dns, uris, addresses }: AlternativeNames): Record<string, RegoValue> {
  return {
    DNSNames: strings(dns),
    EmailAddresses: strings(emails),
    IPAddresses: slice(addresses, addressText),
    URIs: slice(uris, uriValue),
  }
}

/** Go's `url.URL`; who the user is does not show. */
const uriValue = (uri: GoUrl): RegoObject =>
  objectOf({
    Scheme: uri.scheme,
    Opaque: uri.opaque,
    User: uri.user === undefined ? null : objectOf({}),
    Host: uri.host,
    Path: uri.path,
    Fragment: uri.fragment,
    RawQuery: uri.rawQuery,
    RawPath: uri.rawPath,
    RawFragment: uri.rawFragment,
    ForceQuery: uri.forceQuery,
    OmitHost: uri.omitHost,
  })

const mappedPrefix = Buffer.from('00000000000000000000ffff', 'hex')

/** An address in four bytes where it is one of IPv4, mapped or not. */
export const shortest = (address: Buffer): Buffer =>
  address.length === 16 && address.subarray(0, 12).equals(mappedPrefix) ? address.subarray(12) : address

/** As Go's `net.IP` prints it: RFC 5952, and IPv4 wherever it fits. */
export function addressText(address: Buffer): string {
  const bytes = shortest(address)
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16))
  const text = groups.join(':')
  const zeros = text.match(/\b0(?::0\b)+/g)?.toSorted((a, b) => b.length - a.length)[0]
  if (zeros === undefined) return text
  const at = groups.findIndex((_, i) => `${groups.slice(i).join(':')}:`.startsWith(`${zeros}:`))
  const count = zeros.split(':').length
  return `${groups.slice(0, at).join(':')}::${groups.slice(at + count).join(':')}`
}

/** Text → bytes, as Go's `net.ParseIP`: no zones. */
export function parseAddress(text: string): Buffer | undefined {
  if (isIP(text) === 0 || text.includes('%')) return undefined
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number))
  const [head = '', tail] = hexGroups(text).split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(8 - before.length - after.length).fill('0')
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex')
}

/** The last 32 bits may be written as IPv4. */
const hexGroups = (text: string): string =>
  text.replace(/\d+\.\d+\.\d+\.\d+$/, (ipv4) => {
    const hex = Buffer.from(ipv4.split('.').map(Number)).toString('hex')
    return `${hex.slice(0, 4)}:${hex.slice(4)}`
  })

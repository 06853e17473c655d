/**
 * Where builtins may connect to. A host has to be on the list, and each of its addresses has to be a public one unless
 * the list says otherwise: names are resolved here, and the very addresses that were looked at are connected to.
 */
import { lookup as resolveName } from 'node:dns/promises'
import type { Outbound, OutboundRule } from './extension.ts'
import { contains, masked, parseAddress, parseCidr, shortest, type Address } from './opa/net/address.ts'

/** A connection that the configuration does not allow. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
}

export interface HostAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** Addresses that lead to this machine, this network, or nowhere; IPv4 inside IPv6 is looked at by itself. */
const special = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '::/127',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
].flatMap((cidr) => parseCidr(cidr)?.network ?? [])

/** Where an IPv4 address stands in an IPv6 one: translated (NAT64), 6to4, IPv4-compatible. */
const embedding = [
  ['64:ff9b::/96', 12],
  ['64:ff9b:1::/48', 12],
  ['2002::/16', 2],
  ['::/96', 12],
] as const

export function isPublic(text: string): boolean {
  const address = parseAddress(text.replace(/%.*$/, ''))
  return address !== undefined && isPublicAddress(address)
}

function isPublicAddress(address: Address): boolean {
  if (special.some((network) => contains(network, address))) return false
  if (shortest(address).length === 4) return true
  return embedding.every(([cidr, at]) => {
    const network = parseCidr(cidr)?.network
    return network === undefined || !contains(network, address) || isPublicAddress(address.slice(at, at + 4))
  })
}

/** `host`, `host:port`, `[address]:port`. An address that is written down is meant, be it private or not. */
export function parseRule(text: string, isPrivate = false): OutboundRule | undefined {
  const [, bracketed, bare, port] = /^(?:\[([^\]]+)\]|([^:[\]/\s]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = (bracketed ?? bare ?? (parseAddress(text) === undefined ? undefined : text))?.toLowerCase()
  if (host === undefined || (port !== undefined && (Number(port) === 0 || Number(port) > 65_535))) return undefined
  const address = parseAddress(host)
  if (bracketed !== undefined && address?.length !== 16) return undefined
  const rule = { host: canonicalHost(host), private: isPrivate || address !== undefined }
  return port === undefined ? rule : { ...rule, port: Number(port) }
}

/** One text for one host: no dot at the end, addresses as bytes. */
function canonicalHost(host: string): string {
  const address = parseAddress(host)
  return address === undefined ? host.toLowerCase().replace(/\.$/, '') : masked(address, 128).join('.')
}

/**
 * The addresses to connect to. `port` undefined: none is connected to.
 * @throws RefusedError, or what the resolver says
 */
export async function permittedAddresses(
  { rules }: Outbound,
  host: string,
  port: number | undefined,
): Promise<readonly [HostAddress, ...HostAddress[]]> {
  const name = host.replace(/^\[|\]$/g, '')
  const wanted = canonicalHost(name)
  const matching = rules.filter((rule) => rule.host === wanted && (port === undefined || (rule.port ?? port) === port))
  if (matching.length === 0) throw new RefusedError(`${place(host, port)} is not among the allowed hosts`)
  const [first, ...rest] = await addressesOf(name)
  const allowed = matching.some((rule) => rule.private)
  const hidden = allowed ? undefined : [first, ...rest].find(({ address }) => !isPublic(address))
  if (hidden !== undefined) throw new RefusedError(`${place(host, port)} has an address that is not public`)
  return [first, ...rest]
}

const place = (host: string, port: number | undefined): string => (port === undefined ? host : `${host}:${port}`)

async function addressesOf(name: string): Promise<readonly [HostAddress, ...HostAddress[]]> {
  const own = parseAddress(name)
  if (own !== undefined) return [{ address: name, family: own.length === 4 ? 4 : 6 }]
  const found = await resolveName(name, { all: true, order: 'verbatim' })
  const [first, ...rest] = found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }) as const)
  if (first === undefined) throw new Error(`${name} has no address`)
  return [first, ...rest]
}

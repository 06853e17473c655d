/** Networks in CIDR notation. `net.lookup_ip_addr` is in `lookup.ts`. */
import { isArray } from '../compare.ts'
import { type Extension, type PureExtension, RegoObject, RegoSet, type RegoValue } from '../extension.ts'
import {
  addressOf,
  contains,
  isMapped,
  lastAddress,
  masked,
  numberOf,
  parseAddress,
  parseCidr,
  printAddress,
  shortest,
  type Network,
} from './net/address.ts'
import { mergeNetworks } from './net/merge.ts'
import { any, arrayOf, boolean, objectOf, oneOf, pure, setOf as setType, string, tuple } from './types.ts'
import { asItems, asString, BuiltinError, defined, setOf } from './values.ts'

const cidrOrList = oneOf(string, arrayOf(any))
const cidrs = oneOf(string, arrayOf(cidrOrList), objectOf(string, cidrOrList), setType(cidrOrList))

/** What `net.cidr_expand` makes at most. */
const mostAddresses = 2 ** 20

export const net: readonly Extension[] = [
  pure(
    'net.cidr_contains_matches',
    [cidrs, cidrs],
    setType(tuple(any, any)),
    'Which of some networks contain which of some networks or addresses, as pairs of their places.',
    ([outer, inner]) => {
      const others = [...indexed(inner)]
      const pairs = [...indexed(outer)].flatMap(([cidr, i]) =>
        others.flatMap(([other, j]) => (cidrContains(asString(cidr), asString(other)) ? [[i, j]] : [])),
      )
      return setOf(pairs)
    },
  ),
  pure('net.cidr_expand', [string], setType(string), 'All addresses of a network, up to a million.', ([cidr]) =>
    expand(asString(cidr)),
  ),
  pure(
    'net.cidr_is_valid',
    [string],
    boolean,
    'Whether a text is a network in CIDR notation.',
    ([cidr]) => typeof cidr === 'string' && parseCidr(cidr) !== undefined,
  ),
  pure(
    'net.cidr_merge',
    [oneOf(arrayOf(oneOf(string)), setType(string))],
    setType(string),
    'The fewest networks that hold the same addresses as the given ones.',
    ([networks]) => setOf(mergeNetworks(asItems(networks).map((item) => networkOf(asString(item))))),
  ),
]

/** WASM has these, but not as Go does. */
export const nativeNet: readonly PureExtension[] = [
  pure('net.cidr_contains', [string, string], boolean, 'Whether a network contains another, or an address.', (args) =>
    cidrContains(asString(args[0]), asString(args[1])),
  ),
]

function* indexed(value: RegoValue | undefined): Generator<readonly [RegoValue, RegoValue]> {
  if (typeof value === 'string') yield [value, value]
  else if (value instanceof RegoSet) for (const item of value.items) yield [cidrOf(item), item]
  else if (value instanceof RegoObject) for (const [key, item] of value.entries) yield [cidrOf(item), key]
  else if (value !== undefined && isArray(value)) for (const [i, item] of value.entries()) yield [cidrOf(item), i]
}

/** A network, or an array that begins with one. */
function cidrOf(item: RegoValue): RegoValue {
  if (typeof item === 'string') return item
  return defined(isArray(item) ? item[0] : undefined, 'element must be string or non-empty array')
}

const parsed = (text: string): Network => defined(parseCidr(text)?.network, `invalid CIDR address: ${text}`)

function cidrContains(cidr: string, other: string): boolean {
  const network = parsed(cidr)
  const address = parseAddress(other)
  if (address !== undefined) return contains(network, address)
  const inner = parsed(other)
  if (isPlain6(network) && isPlain6(inner)) {
    const start = masked(inner.address, network.prefix)
    return network.prefix <= inner.prefix && network.address.every((byte, i) => byte === start[i])
  }
  return contains(network, inner.address) && contains(network, lastAddress(inner))
}

const isPlain6 = ({ address, bits }: Network): boolean => bits === 128 && !isMapped(address)

function expand(cidr: string): RegoSet {
  const network = parsed(cidr)
  const { address, bits, prefix } = network
  const host = bits - prefix
  if (host > Math.log2(mostAddresses)) throw new BuiltinError(`${cidr} has more than ${mostAddresses} addresses`)
  const first = numberOf(address)
  const length = bits === 32 ? 4 : 16
  const all = Array.from({ length: 2 ** host }, (_, i) => printAddress(addressOf(first + BigInt(i), length)))
  return new RegoSet(all)
}

/** An IPv4 address alone is the network of its class. */
function networkOf(text: string): Network {
  const address = parseAddress(text)
  if (address === undefined) return parsed(text)
  const short = shortest(address)
  const [first = 0] = short
  if (short.length !== 4) throw new BuiltinError('IPv6 invalid: needs prefix length')
  if (first >= 224) throw new BuiltinError(`${text} is of no class that has networks`)
  return { address: short, prefix: first < 128 ? 8 : first < 192 ? 16 : 24, bits: 32 }
}

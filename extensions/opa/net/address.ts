/**
 * IP addresses and networks as Go's `net` has them: which texts are one, when an IPv4 address inside IPv6 counts as
 * IPv4, and how each is printed. https://pkg.go.dev/net
 */

/** 4 or 16 bytes. */
export type Address = readonly number[]

export interface Network {
  readonly address: Address
  /** Length of the prefix, of the bits of the mask. */
  readonly prefix: number
  readonly bits: 32 | 128
}

const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] as const

export const isMapped = (address: Address): boolean =>
  address.length === 16 && mappedPrefix.every((byte, i) => address[i] === byte)

/** Go's `To4`: the 4 bytes of an IPv4 address, mapped or not; otherwise the address itself. */
export const shortest = (address: Address): Address => (isMapped(address) ? address.slice(12) : address)

export const to16 = (address: Address): Address => (address.length === 4 ? [...mappedPrefix, ...address] : address)

/** Undefined when it is none, or has a zone. */
export const parseAddress = (text: string): Address | undefined => (text.includes(':') ? parse6(text) : parse4(text))

function parse4(text: string): Address | undefined {
  const fields = text.split('.')
  if (fields.length !== 4 || !fields.every((field) => /^(?:0|[1-9]\d{0,2})$/.test(field))) return undefined
  const bytes = fields.map(Number)
  return bytes.every((byte) => byte <= 255) ? bytes : undefined
}

function parse6(text: string): Address | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [before, after] = halves.map((half, i) => groups(half, i === halves.length - 1))
  if (before === undefined) return undefined
  if (halves.length === 1) return before.length === 16 ? before : undefined
  if (after === undefined || before.length + after.length > 14) return undefined
  return [...before, ...Array.from({ length: 16 - before.length - after.length }, () => 0), ...after]
}

/** The bytes of `1:2:3`, whose last part may be an IPv4 address when it ends the text. */
function groups(text: string, isEnd: boolean): Address | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const bytes: number[] = []
  for (const [i, part] of parts.entries()) {
    const embedded = isEnd && i === parts.length - 1 && part.includes('.') ? parse4(part) : undefined
    if (embedded !== undefined) bytes.push(...embedded)
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) bytes.push(parseInt(part, 16) >> 8, parseInt(part, 16) & 0xff)
    else return undefined
  }
  return bytes
}

/** Undefined when it is none. `address` keeps its host bits, the network has none. */
export function parseCidr(text: string): { readonly address: Address; readonly network: Network } | undefined {
  const slash = text.indexOf('/')
  if (slash === -1) return undefined
  const address = parseAddress(text.slice(0, slash))
  const length = text.slice(slash + 1)
  if (address === undefined || !/^\d+$/.test(length)) return undefined
  const bits = address.length === 4 ? 32 : 128
  const prefix = Number(length)
  return prefix > bits ? undefined : { address, network: { address: masked(address, prefix), prefix, bits } }
}

/** Without the bits behind the prefix. */
export const masked = (address: Address, prefix: number): Address =>
  address.map((byte, i) => byte & (0xff << Math.min(8, Math.max(0, 8 - (prefix - i * 8)))) & 0xff)

/** Go's `IPNet.Contains`. */
export function contains(network: Network, address: Address): boolean {
  const own = shortest(network.address)
  const other = shortest(address)
  if (own.length !== other.length) return false
  const prefix = prefixOf(network)
  const start = masked(own, prefix)
  return masked(other, prefix).every((byte, i) => byte === start[i])
}

/** Counted in the bits of the shortest form. */
const prefixOf = ({ address, prefix, bits }: Network): number =>
  bits === 128 && isMapped(address) ? Math.max(0, prefix - 96) : prefix

/** The last address, in as many bytes as the network has. */
export const lastAddress = ({ address, prefix }: Network): Address =>
  address.map((byte, i) => byte | (0xff >> Math.min(8, Math.max(0, prefix - i * 8))))

export const numberOf = (address: Address): bigint => address.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)

export const addressOf = (value: bigint, length: 4 | 16): Address =>
  Array.from({ length }, (_, i) => Number((value >> BigInt(8 * (length - 1 - i))) & 0xffn))

/** IPv4 where it can be; IPv6 as RFC 5952 has it. */
export function printAddress(address: Address): string {
  const short = shortest(address)
  return short.length === 4 ? short.join('.') : print6(short)
}

function print6(address: Address): string {
  const words = Array.from({ length: 8 }, (_, i) => ((address[2 * i] ?? 0) << 8) | (address[2 * i + 1] ?? 0))
  const [from, to] = longestZeros(words)
  const hex = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(':')
  return to - from < 2 ? hex(words) : `${hex(words.slice(0, from))}::${hex(words.slice(to))}`
}

function longestZeros(words: readonly number[]): readonly [number, number] {
  let best: readonly [number, number] = [0, 0]
  for (let from = 0; from < words.length; from++) {
    let to = from
    while (words[to] === 0) to++
    if (to - from > best[1] - best[0]) best = [from, to]
  }
  return best
}

export const printNetwork = (network: Network): string => `${printAddress(network.address)}/${prefixOf(network)}`

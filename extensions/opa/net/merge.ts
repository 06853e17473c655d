/** The fewest networks that hold the same addresses. Networks that touch or overlap become one range. */
import { addressOf, lastAddress, masked, numberOf, printNetwork, to16, type Network } from './address.ts'

interface Block {
  /** In the 128 bits of IPv6, IPv4 mapped into them. */
  readonly first: bigint
  readonly last: bigint
  /** Absent: made of several. */
  readonly network?: Network
}

const mapped = 0xffff_0000_0000n

export function mergeNetworks(networks: readonly Network[]): readonly string[] {
  const blocks: Block[] = networks.map(blockOf).toSorted((a, b) => compare(a.last, b.last) || compare(a.first, b.first))
  for (let i = blocks.length - 1; i > 0; i--) {
    const block = blocks[i]
    const before = blocks[i - 1]
    if (block === undefined || before === undefined || previous(block.first) > before.last) continue
    const first = before.first < block.first ? before.first : block.first
    blocks.splice(i - 1, 2, { first, last: block.last })
  }
  return blocks.flatMap(({ first, last, network }) => (network ? [printNetwork(network)] : cidrs(first, last)))
}

function blockOf(network: Network): Block {
  const address = masked(network.address, network.prefix)
  const last = lastAddress({ ...network, address })
  return { first: numberOf(to16(address)), last: numberOf(to16(last)), network }
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)

const isMappedNumber = (value: bigint): boolean => value >> 32n === 0xffffn

/** Neither family has an address before its first one. */
const previous = (value: bigint): bigint => (value === 0n || value === mapped ? value : value - 1n)

function cidrs(from: bigint, last: bigint): readonly string[] {
  const [length, bits] = isMappedNumber(from) && isMappedNumber(last) ? ([4, 32] as const) : ([16, 128] as const)
  const found: string[] = []
  for (let first = from; first <= last;) {
    let free = 0
    while (free < bits && (first >> BigInt(free)) % 2n === 0n && first + (2n << BigInt(free)) - 1n <= last) free++
    const address = addressOf(length === 4 ? first - mapped : first, length)
    found.push(printNetwork({ address, prefix: bits - free, bits }))
    first += 1n << BigInt(free)
  }
  return found
}

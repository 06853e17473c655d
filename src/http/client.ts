/**
 * Who is at the other end of a request, and what a change tells them of its place in the audit log. The address is that
 * of the connection; behind proxies that are trusted, the last one in `X-Forwarded-For` that none of them wrote of itself.
 */
import { BlockList, isIP } from 'node:net'
import type { Context } from 'hono'
import type { AppEnv } from './environment.ts'

/** `<sequence>:<hash>` of the entry that a change wrote; `GET /api/audit/verify?since=` takes it. */
export const auditHeader = 'x-edict-audit'

/** The client's address; null without a socket. */
export const clientAddress = (c: Context<AppEnv>): string | null => c.get('address')

export type AddressOf = (connection: string | undefined, forwarded: string | undefined) => string | null

/** `trusted`: addresses and networks, as `10.0.0.0/8`. */
export const createAddressOf = (trusted: readonly string[]): AddressOf => {
  const list = new BlockList()
  for (const entry of trusted) {
    const [network = '', bits] = entry.split('/')
    const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(network, family)
    else list.addSubnet(network, Number(bits), family)
  }
  const isTrusted = (address: string): boolean => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  return (connection, forwarded) => {
    if (connection === undefined) return null
    let address = plain(connection)
    const hops = forwarded === undefined ? [] : forwarded.split(',').map((hop) => plain(hop.trim()))
    while (isTrusted(address)) {
      const hop = hops.pop()
      if (hop === undefined || isIP(hop) === 0) break
      address = hop
    }
    return address
  }
}

/** Without brackets, port, zone, and without the IPv6 clothes that an IPv4 address wears on a socket for both. */
const plain = (text: string): string => {
  const bare = /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  const address = bare.replace(/%.*$/, '')
  return /^::ffff:([\d.]+)$/i.exec(address)?.[1] ?? address
}

/** What limits are counted by: an IPv4 address, or the /64 that one customer has of IPv6. */
export const addressKey = (address: string | null): string => {
  if (address === null) return ''
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.toLowerCase().split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  return [...left, ...zeros, ...right]
    .slice(0, 4)
    .map((part) => part.replace(/^0+(?=.)/, ''))
    .join(':')
}

/**
 * Name constraints (RFC 5280, 4.2.1.10): which names a CA may vouch for. A constraint with a leading period wants at
 * least one more label, for DNS names, too. Directory names are not looked at, hence not handled.
 */
import { isIP } from 'node:net'
import type { RegoValue } from '../../extension.ts'
import { contextTag, elements, explicitTag, malformed, readDer, tags } from '../der.ts'
import type { GoUrl } from '../go-url.ts'
import { BuiltinError, objectOf } from '../values.ts'
import { addressText, isDomainName, shortest, type AlternativeNames } from './alternative-names.ts'
import { slice, strings } from './json.ts'
import { parseMailbox, type Mailbox } from './mailbox.ts'
import { ia5 } from './name.ts'

export interface IpRange {
  readonly address: Buffer
  readonly mask: Buffer
}

export interface Subtrees {
  readonly dns: readonly string[]
  readonly ips: readonly IpRange[]
  readonly emails: readonly string[]
  readonly uris: readonly string[]
}

export interface NameConstraints {
  readonly critical: boolean
  readonly permitted: Subtrees
  readonly excluded: Subtrees
}

const noSubtrees: Subtrees = { dns: [], ips: [], emails: [], uris: [] }
export const noConstraints: NameConstraints = { critical: false, permitted: noSubtrees, excluded: noSubtrees }

export function readNameConstraints(value: Buffer, critical: boolean): NameConstraints & { readonly handled: boolean } {
  const outer = readDer(value)
  const reader = outer.inside(tags.sequence)
  const permitted = reader.optional(explicitTag(0)) ?? Buffer.alloc(0)
  const excluded = reader.optional(explicitTag(1)) ?? Buffer.alloc(0)
  if (!outer.isEmpty() || !reader.isEmpty()) throw malformed('name constraints')
  if (permitted.length === 0 && excluded.length === 0) throw new BuiltinError('empty name constraints')
  const subtrees = [readSubtrees(permitted), readSubtrees(excluded)] as const
  const handled = subtrees.every((side) => side.handled)
  return { critical, permitted: subtrees[0].found, excluded: subtrees[1].found, handled }
}

function readSubtrees(der: Buffer): { readonly found: Subtrees; readonly handled: boolean } {
  const bases = elements(der).map(({ raw }) => readDer(raw).inside(tags.sequence).any())
  const of = (tag: number): Buffer[] => bases.filter((base) => base.tag === tag).map(({ content }) => content)
  const found = {
    emails: of(contextTag(1)).map(emailConstraint),
    dns: of(contextTag(2)).map(domainConstraint),
    uris: of(contextTag(6)).map(uriConstraint),
    ips: of(contextTag(7)).map(ipConstraint),
  }
  const known = [1, 2, 6, 7].map(contextTag)
  return { found, handled: bases.every(({ tag }) => known.includes(tag)) }
}

function domainConstraint(content: Buffer): string {
  const domain = ia5(content)
  if (!isDomainName(domain, { constraint: true })) throw malformed('name constraint')
  return domain
}

function emailConstraint(content: Buffer): string {
  const text = ia5(content)
  if (!text.includes('@')) return domainConstraint(content)
  if (parseMailbox(text) === undefined) throw malformed('name constraint')
  return text
}

function uriConstraint(content: Buffer): string {
  const domain = domainConstraint(content)
  if (isIP(domain) !== 0) throw malformed('URI constraint')
  return domain
}

function ipConstraint(content: Buffer): IpRange {
  if (content.length !== 8 && content.length !== 32) throw malformed('IP constraint')
  const half = content.length / 2
  const mask = content.subarray(half)
  const bits = [...mask].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  if (!/^1*0*$/.test(bits)) throw malformed('IP mask')
  return { address: content.subarray(0, half), mask }
}

export function constraintsValue({ critical, permitted, excluded }: NameConstraints): Record<string, RegoValue> {
  return {
    PermittedDNSDomainsCritical: critical,
    PermittedDNSDomains: strings(permitted.dns),
    ExcludedDNSDomains: strings(excluded.dns),
    PermittedIPRanges: slice(permitted.ips, rangeValue),
    ExcludedIPRanges: slice(excluded.ips, rangeValue),
    PermittedEmailAddresses: strings(permitted.emails),
    ExcludedEmailAddresses: strings(excluded.emails),
    PermittedURIDomains: strings(permitted.uris),
    ExcludedURIDomains: strings(excluded.uris),
  }
}

const rangeValue = ({ address, mask }: IpRange): RegoValue =>
  objectOf({ IP: addressText(address), Mask: mask.toString('base64') })

// ── Checking ────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Claim {
  readonly dns: readonly string[]
  readonly uriHosts: readonly string[]
  readonly emails: readonly Mailbox[]
  readonly addresses: readonly Buffer[]
}

/** The names of a certificate as they are compared with constraints; throws on one that cannot be. */
export function claimOf(names: AlternativeNames): Claim {
  return {
    dns: names.dns,
    addresses: names.addresses,
    uriHosts: names.uris.map(uriHost),
    emails: names.emails.map((email) => {
      const mailbox = parseMailbox(email)
      if (mailbox === undefined) throw malformed('rfc822Name')
      return { local: mailbox.local, domain: mailbox.domain.toLowerCase() }
    }),
  }
}

function uriHost(uri: GoUrl): string {
  const host = uri.host.toLowerCase()
  const bare = host.includes(':') && !host.endsWith(']') ? host.replace(/:[^:]*$/, '') : host
  if (bare === '' || isIP(bare) !== 0 || (bare.startsWith('[') && bare.endsWith(']')) || bare.includes(':')) {
    throw new BuiltinError('a URI that no constraint can be compared with')
  }
  return bare
}

const maxComparisons = 250_000

/** Throws when a claim is outside of what is permitted or within what is excluded, and when there is too much to compare. */
export function checkClaim({ permitted, excluded }: NameConstraints, claim: Claim): void {
  require(size(claim) * (size(permitted) + size(excluded)) <= maxComparisons)
  for (const address of claim.addresses) {
    const matches = (range: IpRange): boolean => inRange(range, address)
    require(permitted.ips.length === 0 || permitted.ips.some(matches))
    require(!excluded.ips.some(matches))
  }
  for (const name of claim.dns) checkDomain(name, permitted.dns, excluded.dns)
  for (const host of claim.uriHosts) checkDomain(host, permitted.uris, excluded.uris)
  for (const mailbox of claim.emails) {
    require(isDomainName(mailbox.domain))
    require(permitted.emails.length === 0 || matchesEmail(permitted.emails, mailbox))
    require(!matchesEmail(excluded.emails, mailbox, { excluding: true }))
  }
}

const size = (lists: Subtrees | Claim): number => Object.values(lists).reduce((sum, list) => sum + list.length, 0)

function require(condition: boolean): void {
  if (!condition) throw new BuiltinError('a CA is not authorized for this name')
}

function checkDomain(name: string, permitted: readonly string[], excluded: readonly string[]): void {
  require(isDomainName(name))
  require(permitted.length === 0 || permitted.some((constraint) => isWithin(constraint, name)))
  require(!excluded.some((constraint) => isExcluded(constraint, name)))
}

function matchesEmail(constraints: readonly string[], mailbox: Mailbox, { excluding = false } = {}): boolean {
  const matches = excluding ? isExcluded : isWithin
  return constraints.some((constraint) => {
    if (!constraint.includes('@')) return matches(constraint, mailbox.domain)
    const exact = parseMailbox(constraint)
    return exact?.local === mailbox.local && exact.domain.toLowerCase() === mailbox.domain
  })
}

/** `b.c` holds for itself and `a.b.c`, `.b.c` for `a.b.c` only; the empty constraint for everything. */
function isWithin(constraint: string, name: string): boolean {
  const [domain, candidate] = [constraint.toLowerCase(), name.toLowerCase()]
  if (domain === '' || candidate === domain) return true
  return candidate.endsWith(domain.startsWith('.') ? domain : `.${domain}`)
}

/** A wildcard is excluded, too, when a name that it stands for is. */
function isExcluded(constraint: string, name: string): boolean {
  if (isWithin(constraint, name)) return true
  const parent = (text: string): string => text.toLowerCase().replace(/^[^.]*/, '')
  return name.startsWith('*') && parent(constraint) !== '' && parent(constraint) === parent(name)
}

/** Within its own family, which is IPv4 for a mapped address only if the range is mapped, too. */
function inRange({ address, mask }: IpRange, candidate: Buffer): boolean {
  const [network, own] = [shortest(address), shortest(candidate)]
  const bits = mask.subarray(mask.length - network.length)
  if (candidate.length !== address.length || own.length !== network.length) return false
  return own.every((byte, i) => (byte & (bits[i] ?? 0)) === ((network[i] ?? 0) & (bits[i] ?? 0)))
}

/**
 * Go's `net/url`: what it takes for a URL, and its escaping. Strings here have one unit for each byte.
 * https://pkg.go.dev/net/url
 */
import { isIPv6 } from 'node:net'
import { BuiltinError } from './values.ts'

export interface Url {
  readonly scheme: string
  readonly hostname: string
  readonly port: string
  readonly path: string
  /** As it was written; empty when escaping `path` yields it. */
  readonly rawPath: string
  readonly rawQuery: string
  readonly fragment: string
}

/** Where a part stands decides which bytes must be escaped there. */
type Part = 'host' | 'zone' | 'path' | 'query' | 'fragment' | 'userinfo'

const kept: Readonly<Record<'host' | 'path' | 'query', RegExp>> = {
  host: /[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"]/,
  path: /[A-Za-z0-9\-_.~$&+,/:;=@]/,
  query: /[A-Za-z0-9\-_.~]/,
}

const hex = (char: string): string => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

const escape = (bytes: string, part: 'path' | 'query'): string =>
  bytes.replace(/[^A-Za-z0-9\-_.~]/g, (char) => (kept[part].test(char) ? char : hex(char)))

export const escapeQuery = (bytes: string): string => escape(bytes, 'query').replaceAll('%20', '+')

export const unescapeQuery = (text: string): string => unescape(text.replaceAll('+', ' '), 'query')

function unescape(text: string, part: Part): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) throw new BuiltinError('invalid URL escape')
  if (part === 'host' || part === 'zone') checkHost(text, part)
  return text.replace(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/** In a host only bytes beyond ASCII may be escaped, and `%25`; in a zone what a host may hold, and spaces. */
function checkHost(text: string, part: 'host' | 'zone'): void {
  for (const [escaped] of text.matchAll(/%../g)) {
    if (escaped === '%25') continue
    const char = String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    const isFine = part === 'host' ? char >= '\u0080' : char === ' ' || kept.host.test(char)
    if (!isFine) throw new BuiltinError(`invalid URL escape ${escaped}`)
  }
  for (const char of text.replace(/%../g, '')) {
    if (char < '\u0080' && !kept.host.test(char)) throw new BuiltinError(`invalid character ${char} in host name`)
  }
}

function cut(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}

export function parseUrl(text: string): Url {
  const [reference, fragment] = cut(text, '#')
  const url = parseReference(reference)
  return { ...url, fragment: unescape(fragment, 'fragment') }
}

const nothing: Url = { scheme: '', hostname: '', port: '', path: '', rawPath: '', rawQuery: '', fragment: '' }

function parseReference(text: string): Url {
  // oxlint-disable-next-line no-control-regex
  if (/[\0-\u001f\u007f]/.test(text)) throw new BuiltinError('invalid control character in URL')
  if (text === '*') return { ...nothing, path: '*' }
  if (text.startsWith(':')) throw new BuiltinError('missing protocol scheme')
  const [, written, rest = text] = /^(?:([A-Za-z][-+.A-Za-z0-9]*):)?(.*)$/s.exec(text) ?? []
  const scheme = written?.toLowerCase() ?? ''
  const [hierarchy, rawQuery] = cut(rest, '?')
  const base = { ...nothing, scheme, rawQuery }
  // What follows a scheme without a slash is opaque; no part of it is told.
  if (!hierarchy.startsWith('/') && scheme !== '') return base
  if (!hierarchy.startsWith('/') && cut(hierarchy, '/')[0].includes(':')) {
    throw new BuiltinError('first path segment in URL cannot contain colon')
  }
  const hasAuthority = hierarchy.startsWith('//') && (scheme !== '' || !hierarchy.startsWith('///'))
  const [, authority = '', path = hierarchy] = hasAuthority ? (/^\/\/([^/]*)(.*)$/s.exec(hierarchy) ?? []) : []
  return { ...base, ...(hasAuthority ? parseAuthority(scheme, authority) : {}), ...parsePath(path) }
}

function parsePath(text: string): Pick<Url, 'path' | 'rawPath'> {
  const path = unescape(text, 'path')
  return { path, rawPath: escape(path, 'path') === text ? '' : text }
}

function parseAuthority(scheme: string, authority: string): Pick<Url, 'hostname' | 'port'> {
  const at = authority.lastIndexOf('@')
  const host = parseHost(scheme, authority.slice(at + 1))
  const userinfo = at === -1 ? '' : authority.slice(0, at)
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(userinfo)) throw new BuiltinError('invalid userinfo')
  unescape(userinfo, 'userinfo')
  const [, name = host, port = ''] = /^(.*):(\d*)$/s.exec(host) ?? []
  return { hostname: /^\[.*\]$/s.test(name) ? name.slice(1, -1) : name, port }
}

const optionalPort = /^(?::\d*)?$/

function parseHost(scheme: string, host: string): string {
  const bracket = host.lastIndexOf('[')
  if (bracket > 0) throw new BuiltinError('invalid IP-literal')
  if (bracket === 0) return parseIpLiteral(host)
  const colon = scheme === 'http' || scheme === 'https' ? host.indexOf(':') : host.lastIndexOf(':')
  if (colon !== -1 && !optionalPort.test(host.slice(colon))) throw new BuiltinError('invalid port after host')
  return unescape(host, 'host')
}

function parseIpLiteral(host: string): string {
  const close = host.lastIndexOf(']')
  if (close === -1) throw new BuiltinError("missing ']' in host")
  const port = host.slice(close + 1)
  if (!optionalPort.test(port)) throw new BuiltinError('invalid port after host')
  const inner = host.slice(1, close)
  const zone = inner.indexOf('%25')
  const address = zone === -1 ? unescape(inner, 'host') : unescape(inner.slice(0, zone), 'host')
  const name = zone === -1 ? address : address + unescape(inner.slice(zone), 'zone')
  const [bare] = cut(name, '%')
  if (!isIPv6(bare) || name.endsWith('%') || /%./.test(bare)) throw new BuiltinError('invalid host')
  return `[${name}]${port}`
}

/** All values by name, in order. */
export function parseQuery(query: string): ReadonlyMap<string, readonly string[]> {
  const pairs = query.split('&')
  if (pairs.length > 10_000) throw new BuiltinError('number of URL query parameters exceeded limit')
  const values = new Map<string, string[]>()
  for (const pair of pairs) {
    if (pair.includes(';')) throw new BuiltinError('invalid semicolon separator in query')
    if (pair === '') continue
    const [key, value] = cut(pair, '=').map(unescapeQuery)
    const known = values.get(key ?? '')
    if (known === undefined) values.set(key ?? '', [value ?? ''])
    else known.push(value ?? '')
  }
  return values
}

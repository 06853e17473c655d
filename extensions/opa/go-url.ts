/**
 * URLs as Go's `net/url` takes them apart: lenient where the WHATWG's URL is strict, and without its repairs.
 * https://pkg.go.dev/net/url
 */
import { isIPv6 } from 'node:net'
import { goQuote } from './go-quote.ts'
import { fromBytes, toBytes } from './utf8.ts'
import { BuiltinError } from './values.ts'

export interface GoUrl {
  readonly scheme: string
  readonly opaque: string
  /** `user[:password]`, still escaped. */
  readonly user: string | undefined
  readonly host: string
  /** The host without port and brackets. */
  readonly hostname: string
  readonly port: string
  readonly path: string
  /** The path as it was written, where escaping `path` would not give that back. */
  readonly rawPath: string
  readonly omitHost: boolean
  readonly forceQuery: boolean
  readonly rawQuery: string
  readonly fragment: string
  readonly rawFragment: string
  /** The path, escaped. */
  readonly escapedPath: string
  /** The URL put together again. */
  readonly text: string
}

type Part = 'path' | 'host' | 'zone' | 'user' | 'fragment'

/** What needs no escape in each part. */
const plain: Readonly<Record<Part, RegExp>> = {
  path: /[\w\-.~$&+,/:;=@]/,
  host: /[\w\-.~!$&'()*+,;=:[\]<>"]/,
  zone: /[\w\-.~!$&'()*+,;=:[\]<>"]/,
  user: /[\w\-.~$&+,;=]/,
  fragment: /[\w\-.~$&+,/:;=?@!()*]/,
}

interface Components {
  readonly scheme: string
  readonly opaque: string
  readonly user: string | undefined
  readonly host: string
  readonly path: string
  readonly omitHost: boolean
  readonly forceQuery: boolean
  readonly rawQuery: string
}

/** A URL as text. Throws on what Go refuses. */
export function readUrl(text: string): GoUrl {
  const url = parseUrl(toBytes(text))
  const shown = Object.entries(url).map(([name, value]) => [name, typeof value === 'string' ? fromBytes(value) : value])
  return { ...url, ...Object.fromEntries(shown) }
}

/** The same on strings that have one unit for each byte, as Go's have: an escaped byte may be no UTF-8. */
export function parseUrl(bytes: string): GoUrl {
  const [url, rawFragment] = cut(bytes, '#')
  // oxlint-disable-next-line no-control-regex -- the characters that are refused
  if (/[\0-\x1f\x7f]/.test(url)) throw new BuiltinError('net/url: invalid control character in URL')
  const components = componentsOf(url)
  const path = unescape(components.path, 'path')
  const fragment = unescape(rawFragment, 'fragment')
  const escapedPath = escapePath(components.path, path)
  return {
    ...components,
    ...splitHost(components.host),
    path,
    rawPath: escape(path, 'path') === components.path ? '' : components.path,
    fragment,
    rawFragment: escape(fragment, 'fragment') === rawFragment ? '' : rawFragment,
    escapedPath,
    text: urlText(components, escapedPath, escapeFragment(rawFragment, fragment)),
  }
}

function splitHost(host: string): { readonly hostname: string; readonly port: string } {
  const [, name = host, port = ''] = /^(.*):(\d*)$/s.exec(host) ?? []
  return { hostname: /^\[.*\]$/s.test(name) ? name.slice(1, -1) : name, port }
}

function cut(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}

function componentsOf(url: string): Components {
  const none = { scheme: '', opaque: '', user: undefined, host: '', omitHost: false, forceQuery: false, rawQuery: '' }
  if (url === '*') return { ...none, path: '*' }
  const [scheme, afterScheme] = splitScheme(url)
  const forceQuery = afterScheme.indexOf('?') === afterScheme.length - 1 && afterScheme.endsWith('?')
  const [rest, rawQuery] = cut(afterScheme, '?')
  const known = { ...none, scheme, forceQuery, rawQuery }
  if (!rest.startsWith('/')) {
    if (scheme !== '') return { ...known, opaque: rest, path: '' }
    if (cut(rest, '/')[0].includes(':')) throw new BuiltinError('first path segment in URL cannot contain colon')
  }
  if (rest.startsWith('//') && (scheme !== '' || !rest.startsWith('///'))) {
    const slash = rest.indexOf('/', 2)
    const authority = slash < 0 ? rest.slice(2) : rest.slice(2, slash)
    return { ...known, ...authorityOf(scheme, authority), path: slash < 0 ? '' : rest.slice(slash) }
  }
  return { ...known, path: rest, omitHost: scheme !== '' && rest.startsWith('/') }
}

function splitScheme(url: string): readonly [string, string] {
  if (url.startsWith(':')) throw new BuiltinError('missing protocol scheme')
  const [match, scheme] = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url) ?? []
  return match === undefined || scheme === undefined ? ['', url] : [scheme.toLowerCase(), url.slice(match.length)]
}

function authorityOf(scheme: string, authority: string): { readonly user: string | undefined; readonly host: string } {
  const at = authority.lastIndexOf('@')
  const host = hostOf(scheme, authority.slice(at + 1))
  if (at < 0) return { user: undefined, host }
  const user = authority.slice(0, at)
  if (!/^[\w\-.:~!$&'()*+,;=%@]*$/.test(user)) throw new BuiltinError('net/url: invalid userinfo')
  unescape(user, 'user')
  return { user, host }
}

function hostOf(scheme: string, host: string): string {
  const bracket = host.lastIndexOf('[')
  if (bracket > 0) throw new BuiltinError('invalid IP-literal')
  if (bracket === 0) return literalOf(host)
  // HTTP is strict about colons; elsewhere the last one begins the port.
  const colon = /^https?$/.test(scheme) ? host.indexOf(':') : host.lastIndexOf(':')
  if (colon >= 0) checkPort(host.slice(colon))
  return unescape(host, 'host')
}

function literalOf(host: string): string {
  const close = host.lastIndexOf(']')
  if (close < 0) throw new BuiltinError("missing ']' in host")
  const port = host.slice(close + 1)
  checkPort(port)
  const inside = host.slice(1, close)
  const zoneAt = inside.indexOf('%25')
  const address =
    zoneAt < 0
      ? unescape(inside, 'host')
      : unescape(inside.slice(0, zoneAt), 'host') + unescape(inside.slice(zoneAt), 'zone')
  if (!isIPv6(address.replace(/%[^]+$/, ''))) throw new BuiltinError('invalid host')
  return `[${address}]${unescape(port, 'host')}`
}

function checkPort(port: string): void {
  if (!/^(?::\d*)?$/.test(port)) throw new BuiltinError(`invalid port ${goQuote(port)} after host`)
}

function unescape(text: string, part: Part): string {
  const [wrong] = /%(?![0-9A-Fa-f]{2}).{0,2}/s.exec(text) ?? []
  if (wrong !== undefined) throw wrongEscape(wrong)
  if (part === 'host' || part === 'zone') checkHost(text, part)
  return text.replaceAll(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

const wrongEscape = (escaped: string): BuiltinError =>
  new BuiltinError(`invalid URL escape ${goQuote(fromBytes(escaped))}`)

/** Within a host only bytes beyond ASCII may be escaped, and the percent sign before a zone. */
function checkHost(text: string, part: 'host' | 'zone'): void {
  for (const escaped of text.match(/%../g) ?? []) {
    const byte = Number.parseInt(escaped.slice(1), 16)
    const allowed =
      escaped === '%25' ||
      (part === 'host' ? byte >= 0x80 : byte === 0x20 || (byte < 0x80 && plain.zone.test(String.fromCharCode(byte))))
    if (!allowed) throw wrongEscape(escaped)
  }
  for (const char of text.replaceAll(/%../g, '')) {
    if (char < '\x80' && !plain[part].test(char)) {
      throw new BuiltinError(`invalid character ${goQuote(char)} in host name`)
    }
  }
}

function escape(text: string, part: Part): string {
  let escaped = ''
  for (const char of text) {
    escaped += plain[part].test(char) ? char : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  }
  return escaped
}

/** As it was written, if that is an escaped path at all. */
function escapePath(written: string, path: string): string {
  if (path === '*' || /^[\w\-.~$&+,/:;=@!'()*[\]%]*$/.test(written)) return written
  return escape(path, 'path')
}

const escapeFragment = (written: string, fragment: string): string =>
  /^[\w\-.~$&+,/:;=?@!'()*[\]%]*$/.test(written) ? written : escape(fragment, 'fragment')

/** Put together of its parts; path and fragment escaped. */
export function urlText(
  { scheme, opaque, user, host, omitHost, forceQuery, rawQuery }: Components,
  path: string,
  fragment: string,
): string {
  const query = forceQuery || rawQuery !== '' ? `?${rawQuery}` : ''
  const tail = query + (fragment === '' ? '' : `#${fragment}`)
  const head = scheme === '' ? '' : `${scheme}:`
  if (opaque !== '') return head + opaque + tail
  const authority = authorityText({ user, host, path, needed: scheme !== '' && !(omitHost && host === '') })
  const start = head + authority
  const relative = start === '' && cut(path, '/')[0].includes(':') ? './' : ''
  const slash = path !== '' && !path.startsWith('/') && host !== '' ? '/' : ''
  return start + slash + relative + path + tail
}

interface Authority {
  readonly user: string | undefined
  readonly host: string
  readonly path: string
  readonly needed: boolean
}

function authorityText({ user, host, path, needed }: Authority): string {
  if (user === undefined && host === '' && !(needed && path !== '')) return ''
  return `//${user === undefined ? '' : `${userText(user)}@`}${escape(host, 'host')}`
}

/** The first colon stands between name and password. */
function userText(user: string): string {
  const [name, password] = cut(user, ':')
  const normal = (text: string): string => escape(unescape(text, 'user'), 'user')
  return user.includes(':') ? `${normal(name)}:${normal(password)}` : normal(name)
}

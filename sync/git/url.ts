/**
 * Which Git URLs are allowed, and their credentials taken out. Allowed: https, http to loopback, ssh (also scp-like)
 * and file. Messages never repeat the URL as written: it may hold a secret.
 */
import { EdictError } from '../../src/errors.ts'

export type GitProtocol = 'https' | 'http' | 'ssh' | 'file'

export interface GitUrl {
  readonly protocol: GitProtocol
  /** For git and for people: without credentials. */
  readonly url: string
  /** Credentials that stood in an http(s) URL. */
  readonly user: string | null
  readonly password: string | null
}

export function parseGitUrl(source: string, text: string): GitUrl {
  const refuse = (why: string): never => {
    throw new EdictError('config_invalid', `source ${source}: the Git URL ${why}`)
  }
  // oxlint-disable-next-line no-control-regex
  if (text === '' || /[\u0000-\u0020\u007f]/.test(text)) refuse('is empty or holds a space or a control character')
  if (text.startsWith('-')) refuse('begins with a dash')
  if (/^[A-Za-z0-9+.-]*::/.test(text)) refuse('names a transport helper')
  if (text.startsWith('/')) return plain('file', `file://${text}`)
  if (!text.includes('://')) return scpLike(text) ? plain('ssh', text) : refuse('is neither a URL nor user@host:path')
  const parsed = parseUrl(text) ?? refuse('cannot be read as a URL')
  switch (parsed.protocol) {
    case 'https:':
      return http('https', parsed, refuse)
    case 'http:':
      if (!isLoopback(parsed.hostname)) refuse('uses http, which is allowed to this machine only: use https')
      return http('http', parsed, refuse)
    case 'ssh:':
      if (parsed.hostname === '' || parsed.hostname.startsWith('-') || parsed.username.startsWith('-'))
        refuse('has no usable host')
      parsed.password = ''
      return plain('ssh', parsed.href)
    case 'file:':
      if (parsed.hostname !== '' && parsed.hostname !== 'localhost') refuse('names a host, which file:// cannot reach')
      return plain('file', `file://${decodeURIComponent(parsed.pathname)}`)
    default:
      return refuse('must be https, ssh, file, or http to this machine')
  }
}

function http(protocol: 'https' | 'http', parsed: URL, refuse: (why: string) => never): GitUrl {
  if (parsed.search !== '' || parsed.hash !== '') refuse('has a query or a fragment; give a token by `token`')
  const user = parsed.username === '' ? null : decodeURIComponent(parsed.username)
  const password = parsed.password === '' ? null : decodeURIComponent(parsed.password)
  parsed.username = ''
  parsed.password = ''
  return { protocol, url: parsed.href, user, password }
}

function plain(protocol: GitProtocol, url: string): GitUrl {
  return { protocol, url, user: null, password: null }
}

function scpLike(text: string): boolean {
  return /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9_][A-Za-z0-9_.-]*:[^:]/.test(text)
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

function parseUrl(text: string): URL | null {
  try {
    return new URL(text)
  } catch {
    return null
  }
}

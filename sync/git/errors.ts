/** What git printed, as a `SourceError` that people can act on and that holds no secret. */
import type { GitFailure } from './git.ts'
import { SourceError } from '../sources/source.ts'

const authentication: readonly (readonly [RegExp, string])[] = [
  [
    /Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/,
    'the host key is not in the known hosts file',
  ],
  [/Permission denied \(/, 'the SSH key was refused'],
  [/returned error: 403|access denied|HTTP Basic: Access denied/i, 'access was denied with the configured credentials'],
  [
    /Authentication failed|could not read (Username|Password)|terminal prompts disabled|returned error: 401|invalid credentials/i,
    'the credentials are missing or were refused',
  ],
]

const unreachable: readonly (readonly [RegExp, string])[] = [
  [/returned error: 30\d|unable to update url base from redirection/, 'the server redirects: write the final URL'],
  [
    /repository .* not found|does not appear to be a git repository|not a git repository|returned error: 404|is this a git repository|project you were looking for could not be found/i,
    'there is no Git repository, or it is not visible with these credentials',
  ],
  [/dubious ownership/, 'the repository belongs to another user'],
  [/transport '.*' not allowed/, 'the transport is not allowed'],
  [/Could not resolve host(name)?|Name or service not known|Temporary failure in name/i, 'the host name is not known'],
  [
    /Connection refused|Failed to connect|Couldn't connect|timed out|Connection reset|No route to host|Network is unreachable|Empty reply|hung up|Operation too slow|early EOF|SSL|certificate|HTTP2|gnutls|RPC failed|returned error: 5\d\d|Connection closed/i,
    'the host cannot be reached',
  ],
]

/** True when the other side or the way to it is at fault, so that making the mirror anew would not help. */
export function isRemoteFault(failure: GitFailure): boolean {
  return failure.timedOut || [...authentication, ...unreachable].some(([pattern]) => pattern.test(failure.message))
}

export function toSourceError(failure: GitFailure, location: string, secrets: readonly string[]): SourceError {
  const detail = redact(lastWords(failure.message), secrets)
  const refused = authentication.find(([pattern]) => pattern.test(failure.message))
  if (refused !== undefined) return new SourceError('AuthenticationFailed', `${location}: ${refused[1]} (${detail})`)
  if (failure.timedOut) return new SourceError('FetchFailed', `${location}: git was silent for too long and was ended`)
  const known = unreachable.find(([pattern]) => pattern.test(failure.message))
  return new SourceError('FetchFailed', `${location}: ${known?.[1] ?? 'git could not fetch'} (${detail})`)
}

export function redact(text: string, secrets: readonly string[]): string {
  return secrets
    .toSorted((a, b) => b.length - a.length)
    .reduce((shown, secret) => shown.replaceAll(secret, '***'), text)
    .replace(/:\/\/[^/@\s]+@/g, '://***@')
    .replace(/(authorization:\s*\S+\s+)\S+/gi, '$1***')
}

/** The line that says most: the last `fatal:` or `error:`, else the last line. */
function lastWords(printed: string): string {
  const lines = printed.split(/[\r\n]+/).filter((line) => line.trim() !== '')
  const told = lines.findLast((line) => /^(fatal|error|ERROR|remote|ssh):/.test(line)) ?? lines.at(-1) ?? ''
  return told.replace(/^fatal:\s*/, '').slice(0, 300)
}

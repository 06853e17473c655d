/** The queries of URLs as Go's `net/url` writes and reads them. Strings here have one unit for each byte. */
import { BuiltinError } from './values.ts'

const escaped = (char: string): string => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

export const escapeQuery = (bytes: string): string =>
  bytes.replace(/[^A-Za-z0-9\-_.~]/g, escaped).replaceAll('%20', '+')

export function unescapeQuery(text: string): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) throw new BuiltinError('invalid URL escape')
  const spaced = text.replaceAll('+', ' ')
  return spaced.replace(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

function cut(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
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

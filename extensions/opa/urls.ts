/** URLs and their queries, on bytes as Go's `net/url` has them. */
import { compareStrings } from '../compare.ts'
import type { PureExtension, RegoValue } from '../extension.ts'
import { escapeQuery, parseQuery, unescapeQuery } from './go-query.ts'
import { parseUrl } from './go-url.ts'
import { keyText } from '../print-json.ts'
import { arrayOf, boolean, objectOf, oneOf, pure, setOf, string } from './types.ts'
import { fromBytes, toBytes } from './utf8.ts'
import { asObject, asString, asStrings, objectFrom, objectOf as object } from './values.ts'

export const urls: readonly PureExtension[] = [
  pure('uri.parse', [string], objectOf(string, string), 'The parts that a URI has.', (args) =>
    parts(asString(args[0])),
  ),
  pure(
    'uri.is_valid',
    [string],
    boolean,
    'Whether a text is a URI or a reference to one, and not empty.',
    ([uri]) => typeof uri === 'string' && uri !== '' && isUrl(uri),
  ),
  pure('urlquery.encode', [string], string, 'A text escaped for a query.', (args) =>
    escapeQuery(toBytes(asString(args[0]))),
  ),
  pure('urlquery.decode', [string], string, 'A text unescaped from a query.', (args) =>
    fromBytes(unescapeQuery(toBytes(asString(args[0])))),
  ),
  pure(
    'urlquery.encode_object',
    [objectOf(string, oneOf(string, arrayOf(string), setOf(string)))],
    string,
    'A query with the members of an object, sorted by name.',
    (args) => encodeObject(args[0]),
  ),
  pure(
    'urlquery.decode_object',
    [string],
    objectOf(string, arrayOf(string)),
    'All values of a query by name.',
    (args) =>
      objectFrom(
        [...parseQuery(toBytes(asString(args[0])))].map(([key, values]) => [fromBytes(key), values.map(fromBytes)]),
      ),
  ),
]

function parts(text: string): RegoValue {
  const url = parseUrl(toBytes(text))
  const member = (bytes: string): string | undefined => (bytes === '' ? undefined : fromBytes(bytes))
  return object({
    scheme: member(url.scheme),
    hostname: member(url.hostname),
    port: member(url.port),
    path: member(url.path),
    raw_path: url.path === '' ? undefined : member(url.rawPath || url.path),
    raw_query: member(url.rawQuery),
    fragment: member(url.fragment),
  })
}

function isUrl(text: string): boolean {
  try {
    parseUrl(toBytes(text))
    return true
  } catch {
    return false
  }
}

function encodeObject(value: RegoValue | undefined): string {
  return asObject(value)
    .entries.map(([key, values]) => [keyText(key), typeof values === 'string' ? [values] : asStrings(values)] as const)
    .toSorted(([a], [b]) => compareStrings(a, b))
    .flatMap(([key, values]) => values.map((one) => `${escapeQuery(toBytes(key))}=${escapeQuery(toBytes(one))}`))
    .join('&')
}

/** JSON references: URLs as Go resolves them, whose fragment may be a JSON pointer. */
import { goQuote } from '../go-quote.ts'
import { parseUrl, urlText, type GoUrl } from '../go-url.ts'
import { fromBytes, toBytes } from '../utf8.ts'
import { isList, isObject, type Json } from './json.ts'
import { SchemaError } from './reading.ts'

export interface Reference {
  readonly url: GoUrl
  /** Put together again: the name of what it leads to. */
  readonly text: string
  /** Without the fragment. */
  readonly document: string
  /** Says by itself where its document is. */
  readonly isAbsolute: boolean
  readonly pointer: readonly string[]
}

/** @throws SchemaError */
export function readReference(text: string): Reference {
  const url = parsed(text)
  const fragment = fromBytes(url.fragment)
  return {
    url,
    text: fromBytes(url.text),
    document: fromBytes(urlText(url, url.escapedPath, '')),
    isAbsolute: url.scheme === 'file' ? url.path.startsWith('/') : url.scheme !== '' && url.host !== '',
    pointer: fragment.startsWith('/') ? fragment.slice(1).split('/') : [],
  }
}

function parsed(text: string): GoUrl {
  try {
    return parseUrl(toBytes(text))
  } catch (error) {
    const message = error instanceof Error ? error.message : ''
    throw new SchemaError(`parse ${goQuote(text.replace(/#.*/s, ''))}: ${message}`, { cause: error })
  }
}

/** What `reference` means inside of `base`. */
export const resolveReference = (base: Reference, reference: Reference): Reference =>
  readReference(fromBytes(resolveUrl(base.url, reference.url)))

/** RFC 3986, 5.2.2. */
function resolveUrl(base: GoUrl, url: GoUrl): string {
  const fragment = url.fragment === '' ? '' : url.text.slice(url.text.indexOf('#') + 1)
  const scheme = url.scheme || base.scheme
  if (url.scheme !== '' || url.host !== '' || url.user !== undefined) {
    return urlText({ ...url, scheme }, resolvePath(url.escapedPath, ''), fragment)
  }
  const inheritsQuery = url.path === '' && !url.forceQuery && url.rawQuery === ''
  const query = inheritsQuery ? base.rawQuery : url.rawQuery
  const known = { ...url, scheme, rawQuery: query }
  if (url.path === '' && base.opaque !== '') return urlText({ ...known, opaque: base.opaque }, '', fragment)
  const path = resolvePath(base.escapedPath, url.escapedPath)
  return urlText({ ...known, host: base.host, user: base.user }, path, fragment)
}

/** RFC 3986, 5.2.4; what is not empty begins with a slash. */
function resolvePath(base: string, path: string): string {
  const full = path === '' ? base : path.startsWith('/') ? path : base.slice(0, base.lastIndexOf('/') + 1) + path
  if (full === '') return ''
  const segments = full.replace(/^\//, '').split('/')
  const kept: string[] = []
  for (const segment of segments) {
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
  }
  const last = segments.at(-1)
  if (last === '.' || last === '..') kept.push('')
  return `/${kept.join('/')}`
}

/** @throws SchemaError when nothing is there */
export function followPointer(pointer: readonly string[], document: Json): Json {
  return pointer.reduce<Json>((node, token) => {
    if (isObject(node)) return memberOf(node.get(nameOf(token)), nameOf(token))
    if (isList(node)) return itemOf(node, token)
    throw new SchemaError(`Invalid token reference '${token}'`)
  }, document)
}

const nameOf = (token: string): string => token.replaceAll('~1', '/').replaceAll('~0', '~')

function memberOf(member: Json | undefined, name: string): Json {
  if (member !== undefined) return member
  throw new SchemaError(`Object has no key '${name}'`)
}

function itemOf(list: readonly Json[], token: string): Json {
  if (!/^[-+]?\d{1,15}$/.test(token)) throw new SchemaError(`Invalid array index '${token}'`)
  const item = list[Number(token)]
  if (item !== undefined) return item
  throw new SchemaError(`Out of bound array[0,${list.length}] index '${Number(token)}'`)
}

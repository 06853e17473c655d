/**
 * YAML as OPA reads it: the first document as JSON would have it. Scalars are resolved as go-yaml does, a key that
 * comes twice counts the last time, merge keys are merged, and keys that are no strings become strings.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseAllDocuments,
  type Pair,
  type Scalar,
  type YAMLMap,
} from 'yaml'
import { isNumber, numberText } from '../compare.ts'
import { RegoObject, type RegoValue } from '../extension.ts'
import { shortestDouble } from './number.ts'
import { fromUtf8 } from './utf8.ts'
import { BuiltinError } from './values.ts'
import { resolvePlain, resolveTagged, type YamlScalar } from './yaml-scalar.ts'

/** What a YAML stream may not hold at all. */
// oxlint-disable-next-line no-control-regex
const forbidden = /[\0-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]/

export function readYaml(text: string): RegoValue {
  if (forbidden.test(text)) throw new BuiltinError('control characters are not allowed')
  const lines = text.replace(/\r(?!\n)|[\u0085\u2028\u2029]/g, '\n')
  const documents = [...parseAllDocuments(lines, options)]
  const [first, ...others] = documents
  for (const { errors } of documents) if (errors[0] !== undefined) throw new BuiltinError(errors[0].message)
  if (others.some(startsUnmarked)) throw new BuiltinError(noStart)
  if (documents.some(hasOtherVersion)) throw new BuiltinError('found incompatible YAML document')
  if (first !== undefined) return createReader(lines)(first.contents)
  if (/^[ \t]*[^ \t\n\r#\ufeff]/m.test(lines)) throw new BuiltinError(noStart)
  return null
}

const startsUnmarked = ({ directives, contents }: Document): boolean =>
  directives?.docStart !== true && contents?.range?.[0] !== contents?.range?.[1]

const hasOtherVersion = ({ directives }: Document): boolean =>
  directives?.yaml.explicit === true && directives.yaml.version !== '1.1'

const noStart = 'did not find expected document start'

const options = { schema: 'failsafe', resolveKnownTags: false, uniqueKeys: false, logLevel: 'silent' } as const

/** A value behind an anchor, and how many nodes it has. */
interface Anchored {
  readonly value: RegoValue
  readonly nodes: number
}

const mostNodes = 1_000_000

type Reader = (node: unknown) => RegoValue

function createReader(text: string): Reader {
  const anchors = new Map<string, Anchored>()
  let nodes = 0

  function read(node: unknown): RegoValue {
    nodes++
    if (isAlias(node)) return aliased(node.source)
    const start = nodes
    const value = isMap(node)
      ? object(node)
      : isSeq(node)
        ? node.items.map(read)
        : isScalar(node)
          ? scalar(node, text)
          : null
    const anchor = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined
    if (anchor !== undefined) anchors.set(anchor, { value, nodes: nodes - start + 1 })
    return value
  }

  function aliased(name: string): RegoValue {
    const known = anchors.get(name)
    if (known === undefined) throw new BuiltinError(`unknown anchor '${name}' referenced`)
    nodes += known.nodes
    if (nodes > mostNodes) throw new BuiltinError('document contains excessive aliasing')
    return known.value
  }

  function object(map: YAMLMap): RegoObject {
    const members = new Map<string, RegoValue>()
    const merged: RegoObject[] = []
    for (const pair of map.items) {
      if (isMerge(pair)) merged.push(...mergedMaps(read(pair.value)))
      else members.set(keyOf(pair.key), read(pair.value))
    }
    for (const [key, value] of merged.flatMap(({ entries }) => entries)) {
      if (typeof key === 'string' && !members.has(key)) members.set(key, value)
    }
    return new RegoObject([...members])
  }

  function keyOf(node: unknown): string {
    const key = read(node)
    if (typeof key === 'string') return key
    if (typeof key === 'boolean') return String(key)
    if (isNumber(key)) return numberKey(numberText(key), textOf(node))
    throw new BuiltinError('unsupported map key')
  }

  return read
}

const textOf = (node: unknown): string => (isScalar(node) && typeof node.value === 'string' ? node.value : '')

const isMerge = ({ key }: Pair): boolean =>
  isScalar(key) && key.type === 'PLAIN' && key.value === '<<' && key.tag === undefined

function mergedMaps(value: RegoValue): readonly RegoObject[] {
  const maps = value instanceof RegoObject ? [value] : value
  if (!Array.isArray(maps) || !maps.every((map) => map instanceof RegoObject)) {
    throw new BuiltinError('map merge requires map or sequence of maps as the value')
  }
  return maps
}

/** Integers as they are, and what is written as a fraction with the digits of a single-precision number. */
function numberKey(digits: string, written: string): string {
  const isInteger = /^-?\d+$/.test(digits) && (/^[-+]?0[xX]/.test(written) || !/[.eE]/.test(written))
  return isInteger ? digits : shortestSingle(Math.fround(Number(digits)))
}

function shortestSingle(value: number): string {
  for (let precision = 1; precision < 9; precision++) {
    const short = Number(value.toPrecision(precision))
    if (Math.fround(short) === value) return shortestDouble(short)
  }
  return shortestDouble(Number(value.toPrecision(9)))
}

const tagPrefix = 'tag:yaml.org,2002:'
const resolvable = new Set(['str', 'bool', 'int', 'float', 'null', 'timestamp'])

/** Of the whole `stream`. */
function scalar(node: Scalar, stream: string): YamlScalar {
  const text = withoutAddedBreak(node, stream)
  const { tag, type } = node
  if (tag === undefined || tag === '!') return type === 'PLAIN' || type === undefined ? resolvePlain(text) : text
  const name = tag.startsWith(tagPrefix) ? tag.slice(tagPrefix.length) : ''
  if (name === 'binary') return fromBase64(text)
  return resolvable.has(name) ? resolveTagged(name, text) : text
}

/** A block that nothing ends has no line break at its end. */
function withoutAddedBreak(node: Scalar, stream: string): string {
  const text = textOf(node)
  const isLast = node.type?.startsWith('BLOCK') === true && node.range?.[1] === stream.length
  return isLast && !stream.endsWith('\n') ? text.replace(/\n$/, '') : text
}

function fromBase64(text: string): string {
  const bare = text.replace(/[\r\n]/g, '')
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(bare)) {
    throw new BuiltinError('!!binary value contains invalid base64 data')
  }
  return fromUtf8(Buffer.from(bare, 'base64'))
}

/**
 * JSON Patch (RFC 6902) over Rego values: in a set, an element is its own key, and a path may be an array of keys of
 * any kind. Each operation yields a new value; nothing is changed in place.
 */
import { isArray, isNumber, numberOf } from '../compare.ts'
import { RegoObject, RegoSet, type RegoValue } from '../extension.ts'
import { intOf } from './number.ts'
import { asObject, asString, BuiltinError, contains, defined, equal, lookup, objectFrom, setOf } from './values.ts'

type Path = readonly RegoValue[]

/** Undefined: the whole value was removed. */
type Document = RegoValue | undefined

export function patch(target: RegoValue, operations: readonly RegoValue[]): Document {
  let document: Document = target
  for (const operation of operations) document = apply(document, asObject(operation))
  return document
}

function apply(document: Document, operation: RegoObject): Document {
  const path = pathOf(attribute(operation, 'path'))
  switch (asString(attribute(operation, 'op'))) {
    case 'add':
      return insert(document, path, attribute(operation, 'value'))
    case 'remove':
      return remove(document, path)
    case 'replace':
      return insert(remove(document, path), path, attribute(operation, 'value'))
    case 'move': {
      const from = pathOf(attribute(operation, 'from'))
      return insert(remove(document, from), path, valueAt(document, from))
    }
    case 'copy':
      return insert(document, path, valueAt(document, pathOf(attribute(operation, 'from'))))
    case 'test':
      if (equal(valueAt(document, path), attribute(operation, 'value'))) return document
      throw new BuiltinError('the value is not the expected one')
    default:
      throw new BuiltinError('unrecognized op')
  }
}

const attribute = (operation: RegoObject, name: string): RegoValue =>
  defined(lookup(operation, name), `missing required attribute '${name}'`)

/** All slashes at the start of a text count as one; the empty text is the whole value. */
function pathOf(value: RegoValue): Path {
  if (isArray(value)) return value
  if (typeof value !== 'string') throw new BuiltinError('a path must be a string or an array')
  if (value === '') return []
  const segments = value.replace(/^\/+/, '').split('/')
  return segments.map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function present(document: Document): RegoValue {
  if (document === undefined) throw new BuiltinError('the value was removed')
  return document
}

function valueAt(document: Document, path: Path): RegoValue {
  return path.reduce<RegoValue>((value, key) => childOf(value, key), present(document))
}

function childOf(value: RegoValue, key: RegoValue): RegoValue {
  if (value instanceof RegoObject) return defined(lookup(value, key), 'no such key')
  if (isArray(value)) return defined(value[indexOf(value.length, key)], 'no such index')
  if (value instanceof RegoSet && contains(value, key)) return key
  throw new BuiltinError('no such element')
}

/** `-` is the place behind the last item; a text has no leading zeros. */
function indexOf(length: number, key: RegoValue): number {
  if (key === '-') return length
  if (typeof key === 'string') {
    if (!/^[-+]?[\d.]+$/.test(key) || (key !== '0' && key.startsWith('0'))) throw new BuiltinError('invalid index')
    return defined(intOf(numberOf(key)), 'invalid index')
  }
  if (isNumber(key)) return defined(intOf(key), 'invalid index')
  throw new BuiltinError('invalid type for indexing')
}

function insert(document: Document, path: Path, value: RegoValue): RegoValue {
  const key = path.at(-1)
  if (key === undefined) return value
  return update(present(document), path.slice(0, -1), (parent) => insertInto(parent, key, value))
}

function insertInto(parent: RegoValue, key: RegoValue, value: RegoValue): RegoValue {
  if (parent instanceof RegoObject) return objectFrom([...parent.entries, [key, value]])
  if (isArray(parent)) {
    const index = indexOf(parent.length, key)
    if (index < 0 || index > parent.length) throw new BuiltinError('index out of bounds')
    return parent.toSpliced(index, 0, value)
  }
  if (parent instanceof RegoSet && equal(key, value)) return setOf([...parent.items, value])
  throw new BuiltinError('nothing can be inserted there')
}

function remove(document: Document, path: Path): Document {
  const value = present(document)
  const key = path.at(-1)
  return key === undefined ? undefined : update(value, path.slice(0, -1), (parent) => removeFrom(parent, key))
}

function removeFrom(parent: RegoValue, key: RegoValue): RegoValue {
  const child = childOf(parent, key)
  if (parent instanceof RegoObject) return new RegoObject(parent.entries.filter(([own]) => !equal(own, key)))
  if (parent instanceof RegoSet) return new RegoSet(parent.items.filter((item) => !equal(item, child)))
  return isArray(parent) ? parent.toSpliced(indexOf(parent.length, key), 1) : parent
}

/** The value with what stands at `path` replaced by what `change` makes of it. */
function update(value: RegoValue, path: Path, change: (value: RegoValue) => RegoValue): RegoValue {
  const [key, ...rest] = path
  if (key === undefined) return change(value)
  const child = update(childOf(value, key), rest, change)
  if (value instanceof RegoObject) {
    return new RegoObject(value.entries.map(([own, old]) => [own, equal(own, key) ? child : old]))
  }
  if (isArray(value)) return value.with(indexOf(value.length, key), child)
  if (value instanceof RegoSet) return setOf([...value.items.filter((item) => !equal(item, key)), child])
  return value
}

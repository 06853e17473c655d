/** Rego values as plain JavaScript ones and back, for extensions that care for neither exact digits nor odd keys. */
import { isArray, isNumber, sortedItems } from './compare.ts'
import { RegoNumber, RegoObject, RegoSet, type RegoValue } from './extension.ts'

/** Sets become arrays in order, objects plain ones; numbers lose what a double cannot hold. */
export function toPlain(value: RegoValue): unknown {
  if (value instanceof RegoNumber) return Number(value.text)
  if (value instanceof RegoSet) return sortedItems(value).map(toPlain)
  if (value instanceof RegoObject)
    return Object.fromEntries(value.entries.map(([key, member]) => [keyOf(key), toPlain(member)]))
  return isArray(value) ? value.map(toPlain) : value
}

const keyOf = (key: RegoValue): string =>
  typeof key === 'string' ? key : isNumber(key) ? String(toPlain(key)) : JSON.stringify(toPlain(key))

/** `Set`, `Map` and `bigint` are understood, members that are undefined left out. Throws on what Rego has nothing for. */
export function fromPlain(value: unknown): RegoValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (typeof value === 'bigint') return new RegoNumber(String(value))
  if (value instanceof RegoNumber || value instanceof RegoSet || value instanceof RegoObject) return value
  if (Array.isArray(value)) return value.map(fromPlain)
  if (value instanceof Set) return new RegoSet([...value].map(fromPlain))
  if (value instanceof Map)
    return new RegoObject([...value].map(([key, member]) => [fromPlain(key), fromPlain(member)]))
  if (isRecord(value)) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    return new RegoObject(members.map(([key, member]) => [key, fromPlain(member)]))
  }
  throw new TypeError(`not a value that Rego has: ${typeof value}`)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/**
 * What the builtins share about Rego values: arguments of the type that OPA wants (anything else throws, which makes
 * the call undefined), and values built from plain data.
 */
import { compareValues, isArray } from '../compare.ts'
import { RegoObject, RegoSet, type RegoValue } from '../extension.ts'
import { bigIntOf, int64Of, intOf, isNumberValue, type NumberValue } from './number.ts'

/** An error of the builtin; the texts are for people, no one decides by them. */
export class BuiltinError extends Error {}

export function typeName(value: RegoValue | undefined): string {
  if (value === undefined || value === null) return 'null'
  if (isNumberValue(value)) return 'number'
  if (isArray(value)) return 'array'
  if (value instanceof RegoSet) return 'set'
  return value instanceof RegoObject ? 'object' : typeof value
}

export const wrongType = (value: RegoValue | undefined, wanted: string): BuiltinError =>
  new BuiltinError(`must be ${wanted} but got ${typeName(value)}`)

// ── Arguments ───────────────────────────────────────────────────────────────────────────────────────────────────────

export function asString(value: RegoValue | undefined): string {
  if (typeof value === 'string') return value
  throw wrongType(value, 'string')
}

export function asBoolean(value: RegoValue | undefined): boolean {
  if (typeof value === 'boolean') return value
  throw wrongType(value, 'boolean')
}

export function asNumber(value: RegoValue | undefined): NumberValue {
  if (isNumberValue(value)) return value
  throw wrongType(value, 'number')
}

/** Go's `IntOperand`, for counts and positions. */
export function asInt(value: RegoValue | undefined): number {
  return defined(intOf(asNumber(value)), 'must be integer number but got floating-point number')
}

/** Go's `IntOperand` with all of its 64 bits. */
export function asInt64(value: RegoValue | undefined): bigint {
  return defined(int64Of(asNumber(value)), 'must be integer number but got floating-point number')
}

/** Go's `BigIntOperand`: an integer of any size, in any notation. */
export function asBigInt(value: RegoValue | undefined): bigint {
  return defined(bigIntOf(asNumber(value)), 'must be integer number but got floating-point number')
}

export function asArray(value: RegoValue | undefined): readonly RegoValue[] {
  if (value !== undefined && isArray(value)) return value
  throw wrongType(value, 'array')
}

export function asObject(value: RegoValue | undefined): RegoObject {
  if (value instanceof RegoObject) return value
  throw wrongType(value, 'object')
}

/** The items of an array or, in OPA's order, of a set. */
export function asItems(value: RegoValue | undefined): readonly RegoValue[] {
  if (value instanceof RegoSet) return value.items.toSorted(compareValues)
  if (value !== undefined && isArray(value)) return value
  throw wrongType(value, 'one of {array, set}')
}

/** An array or a set of strings alone. */
export const asStrings = (value: RegoValue | undefined): readonly string[] => asItems(value).map(asString)

export function defined<T>(value: T | undefined, message: string): T {
  if (value === undefined) throw new BuiltinError(message)
  return value
}

// ── Objects and sets ────────────────────────────────────────────────────────────────────────────────────────────────

/** The member under `key`; keys are compared as Rego compares them (`1` and `1.0` are one). */
export function lookup(object: RegoObject, key: RegoValue): RegoValue | undefined {
  if (typeof key === 'string') return object.entries.find(([own]) => own === key)?.[1]
  return object.entries.find(([own]) => compareValues(own, key) === 0)?.[1]
}

export const contains = (set: RegoSet, item: RegoValue): boolean =>
  set.items.some((own) => compareValues(own, item) === 0)

export const equal = (a: RegoValue, b: RegoValue): boolean => compareValues(a, b) === 0

/** Members that are undefined are left out. */
export const objectOf = (members: Readonly<Record<string, RegoValue | undefined>>): RegoObject =>
  new RegoObject(Object.entries(members).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])))

/** Of several entries with the same key the last one counts. */
export function objectFrom(entries: Iterable<readonly [RegoValue, RegoValue]>): RegoObject {
  const sorted = [...entries].map((entry, i) => ({ entry, i }))
  sorted.sort((a, b) => compareValues(a.entry[0], b.entry[0]) || a.i - b.i)
  return new RegoObject(
    sorted.flatMap(({ entry }, i) => {
      const next = sorted[i + 1]
      return next !== undefined && equal(next.entry[0], entry[0]) ? [] : [entry]
    }),
  )
}

/** Sorted, each item once. */
export function setOf(items: Iterable<RegoValue>): RegoSet {
  const sorted = [...items].toSorted(compareValues)
  return new RegoSet(sorted.filter((item, i) => i === 0 || !equal(item, sorted[i - 1] ?? null)))
}

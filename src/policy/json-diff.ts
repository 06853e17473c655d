/**
 * The difference of two JSON texts as the operations of a JSON Patch (RFC 6902), except that a value is JSON text: no
 * digit is lost. Applied in order they lead from one to the other. A number that is written differently differs.
 */
import { jsonValue, type JsonValue } from './json-value.ts'

export type JsonOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: string }
  | { readonly op: 'remove'; readonly path: string }

/** Both must be valid JSON. */
export function jsonDiff(before: string, after: string): readonly JsonOperation[] {
  const operations: JsonOperation[] = []
  compare({ before: jsonValue(before), after: jsonValue(after), path: '', operations })
  return operations
}

interface Comparison {
  readonly before: JsonValue
  readonly after: JsonValue
  /** A JSON Pointer (RFC 6901). */
  readonly path: string
  readonly operations: JsonOperation[]
}

function compare({ before, after, path, operations }: Comparison): void {
  if (same(before, after)) return
  if (before.kind === 'object' && after.kind === 'object')
    return compareMembers(before.members, after.members, { path, operations })
  if (before.kind === 'array' && after.kind === 'array')
    return compareItems(before.items, after.items, { path, operations })
  operations.push({ op: 'replace', path, value: after.text })
}

type Place = Pick<Comparison, 'path' | 'operations'>

function compareMembers(
  before: ReadonlyMap<string, JsonValue>,
  after: ReadonlyMap<string, JsonValue>,
  { path, operations }: Place,
): void {
  for (const key of before.keys())
    if (!after.has(key)) operations.push({ op: 'remove', path: `${path}/${escape(key)}` })
  for (const [key, value] of after) {
    const old = before.get(key)
    const at = `${path}/${escape(key)}`
    if (old === undefined) operations.push({ op: 'add', path: at, value: value.text })
    else compare({ before: old, after: value, path: at, operations })
  }
}

/** What both begin and end with stays; the rest is compared item by item, then what is left is removed or added. */
function compareItems(before: readonly JsonValue[], after: readonly JsonValue[], { path, operations }: Place): void {
  const shorter = Math.min(before.length, after.length)
  let start = 0
  while (start < shorter && sameAt(before, after, start, start)) start++
  let tail = 0
  while (tail < shorter - start && sameAt(before, after, before.length - 1 - tail, after.length - 1 - tail)) tail++
  const [from, to] = [before.slice(start, before.length - tail), after.slice(start, after.length - tail)]
  for (const [index, value] of to.entries()) {
    const old = from[index]
    const at = `${path}/${start + index}`
    if (old === undefined) operations.push({ op: 'add', path: at, value: value.text })
    else compare({ before: old, after: value, path: at, operations })
  }
  for (let index = from.length - 1; index >= to.length; index--)
    operations.push({ op: 'remove', path: `${path}/${start + index}` })
}

function sameAt(before: readonly JsonValue[], after: readonly JsonValue[], a: number, b: number): boolean {
  const [old, value] = [before[a], after[b]]
  return old !== undefined && value !== undefined && same(old, value)
}

/** Whatever stands between the tokens, and in whatever order members and escapes are written. */
function same(a: JsonValue, b: JsonValue): boolean {
  if (a.text === b.text) return true
  if (a.kind === 'object')
    return b.kind === 'object' && a.members.size === b.members.size && [...a.members].every(memberIn(b.members))
  if (a.kind === 'array')
    return (
      b.kind === 'array' && a.items.length === b.items.length && a.items.every((_, i) => sameAt(a.items, b.items, i, i))
    )
  return (
    b.kind === 'scalar' && a.text.startsWith('"') && b.text.startsWith('"') && JSON.parse(a.text) === JSON.parse(b.text)
  )
}

function memberIn(members: ReadonlyMap<string, JsonValue>) {
  return ([key, value]: readonly [string, JsonValue]): boolean => {
    const other = members.get(key)
    return other !== undefined && same(value, other)
  }
}

function escape(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

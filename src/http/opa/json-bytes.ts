/**
 * Looking into JSON as bytes, and merging: no value is parsed, every digit stays. The JSON must be valid; sets and
 * duplicate keys do not occur in what the engine answers, and of duplicate keys in a request the last one counts.
 */
import { scanJsonValue } from '../../engine/json-scan.ts'

const openArray = 0x5b
const closeArray = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

const anyDepth = Number.POSITIVE_INFINITY

export const isObject = (json: Uint8Array): boolean => json[blank(json, 0)] === openBrace

/** The members of an object, by key, in their order; none of anything else. */
export function membersOf(json: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const members = new Map<string, Uint8Array>()
  const open = blank(json, 0)
  if (json[open] !== openBrace) return members
  for (let at = blank(json, open + 1); json[at] !== closeBrace;) {
    const keyEnd = endOf(json, at)
    const key = JSON.parse(Buffer.from(json.subarray(at, keyEnd)).toString()) as string
    const start = blank(json, keyEnd + 1)
    const end = endOf(json, start)
    members.set(key, json.subarray(start, end))
    at = json[end] === closeBrace ? end : blank(json, end + 1)
  }
  return members
}

/** What stands at `path`: members of objects, elements of arrays by number. Undefined where there is nothing. */
export function jsonAt(json: Uint8Array, path: readonly string[]): Uint8Array | undefined {
  let value: Uint8Array | undefined = json
  for (const key of path) {
    if (value === undefined) return undefined
    value = value[blank(value, 0)] === openArray ? elementAt(value, key) : membersOf(value).get(key)
  }
  return value
}

function elementAt(json: Uint8Array, key: string): Uint8Array | undefined {
  if (!/^(?:0|[1-9][0-9]{0,9})$/.test(key)) return undefined
  let left = Number(key)
  for (let at = blank(json, blank(json, 0) + 1); json[at] !== closeArray;) {
    const end = endOf(json, at)
    if (left-- === 0) return json.subarray(at, end)
    at = json[end] === closeArray ? end : blank(json, end + 1)
  }
  return undefined
}

/** One object of several, member by member and all the way down; where they disagree the earlier one counts. */
export function mergeJson(values: readonly [Uint8Array, ...Uint8Array[]]): Uint8Array {
  const [first, ...rest] = values
  if (rest.length === 0 || !isObject(first)) return first
  const members = new Map<string, Uint8Array[]>()
  for (const value of values)
    for (const [key, member] of membersOf(value)) members.set(key, [...(members.get(key) ?? []), member])
  return writeObject([...members].map(([key, [one, ...others]]) => [key, one ? mergeJson([one, ...others]) : first]))
}

export function writeObject(members: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (const [index, [key, value]] of members.entries())
    parts.push(Buffer.from(`${index === 0 ? '{' : ','}${JSON.stringify(key)}:`), value)
  return Buffer.concat([...(parts.length === 0 ? [Buffer.from('{')] : parts), Buffer.from('}')])
}

/** `value` inside objects, so that it stands at `path`. */
export function nest(path: readonly string[], value: Uint8Array): Uint8Array {
  return path.reduceRight((inner, key) => writeObject([[key, inner]]), value)
}

/** With white space for people, as `opa` prints it. */
export function prettyJson(json: Uint8Array, indent = ''): string {
  const inner = `${indent}  `
  const first = json[blank(json, 0)]
  if (first === openBrace) {
    const lines = [...membersOf(json)].map(
      ([key, value]) => `${inner}${JSON.stringify(key)}: ${prettyJson(value, inner)}`,
    )
    return lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n${indent}}`
  }
  if (first !== openArray) return Buffer.from(json).toString().trim()
  const lines = elementsOf(json).map((value) => `${inner}${prettyJson(value, inner)}`)
  return lines.length === 0 ? '[]' : `[\n${lines.join(',\n')}\n${indent}]`
}

function elementsOf(json: Uint8Array): readonly Uint8Array[] {
  const elements: Uint8Array[] = []
  for (let at = blank(json, blank(json, 0) + 1); json[at] !== closeArray;) {
    const end = endOf(json, at)
    elements.push(json.subarray(at, end))
    at = json[end] === closeArray ? end : blank(json, end + 1)
  }
  return elements
}

function endOf(json: Uint8Array, start: number): number {
  const scanned = scanJsonValue(json, start, anyDepth)
  if (typeof scanned === 'object' && 'end' in scanned) return scanned.end
  throw new SyntaxError(`not JSON at byte ${start}`)
}

function blank(json: Uint8Array, from: number): number {
  let at = from
  while (json[at] === 0x20 || json[at] === 0x0a || json[at] === 0x0d || json[at] === 0x09) at++
  return at
}

/** Valid JSON text as a tree that keeps every value as it was written, digit for digit. Parses each value once. */
export type JsonValue =
  | { readonly kind: 'object'; readonly text: string; readonly members: ReadonlyMap<string, JsonValue> }
  | { readonly kind: 'array'; readonly text: string; readonly items: readonly JsonValue[] }
  | { readonly kind: 'scalar'; readonly text: string }

/** What `scanJson` refuses must not come here. */
export function jsonValue(text: string): JsonValue {
  const reader = { text, at: 0 }
  skipSpace(reader)
  return read(reader)
}

interface Reader {
  readonly text: string
  at: number
}

function read(reader: Reader): JsonValue {
  const first = reader.text[reader.at]
  if (first === '{') return readObject(reader)
  if (first === '[') return readArray(reader)
  return { kind: 'scalar', text: readScalar(reader) }
}

function readObject(reader: Reader): JsonValue {
  const start = reader.at
  const members = new Map<string, JsonValue>()
  for (let more = enter(reader, '}'); more; more = goOn(reader)) {
    const key = String(JSON.parse(readScalar(reader)))
    skipSpace(reader)
    reader.at++
    skipSpace(reader)
    members.set(key, read(reader))
  }
  return { kind: 'object', text: reader.text.slice(start, reader.at), members }
}

function readArray(reader: Reader): JsonValue {
  const start = reader.at
  const items: JsonValue[] = []
  for (let more = enter(reader, ']'); more; more = goOn(reader)) items.push(read(reader))
  return { kind: 'array', text: reader.text.slice(start, reader.at), items }
}

/** Past the opening bracket; false when it is closed at once. */
function enter(reader: Reader, closer: string): boolean {
  reader.at++
  skipSpace(reader)
  if (reader.text[reader.at] !== closer) return true
  reader.at++
  return false
}

/** Past a comma, or past the closing bracket: then false. */
function goOn(reader: Reader): boolean {
  skipSpace(reader)
  const isComma = reader.text[reader.at] === ','
  reader.at++
  if (isComma) skipSpace(reader)
  return isComma
}

const scalar = /"(?:[^"\\]|\\.)*"|[^\s,\]}]+/y

function readScalar(reader: Reader): string {
  scalar.lastIndex = reader.at
  const found = scalar.exec(reader.text)?.[0] ?? ''
  reader.at += Math.max(1, found.length)
  return found
}

const space = /[ \n\r\t]*/y

function skipSpace(reader: Reader): void {
  space.lastIndex = reader.at
  space.exec(reader.text)
  reader.at = space.lastIndex
}

/**
 * From the text of a result, as WASM dumps it in the order of its hash tables, to JSON bytes as `opa eval` prints
 * them: compact, keys sorted, sets as sorted arrays, every digit kept. The fast path copies bytes and sorts members
 * in place; what it cannot decide byte by byte (sets and keys of anything but plain strings) goes through RegoValue.
 */
import { printJson } from '../../extensions/print-json.ts'
import { parseValue } from './value-text.ts'

const quote = 0x22
const point = 0x2e
const minus = 0x2d
const comma = 0x2c
const colon = 0x3a
const backslash = 0x5c
const openArray = 0x5b
const closeArray = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d
const letterS = 0x73

const empty = Buffer.alloc(0)

/** Reads `bytes` from `start` to `end`; the answer shares no memory with them. */
export type ResultWriter = (bytes: Buffer, start: number, end: number) => Buffer

/** A writer keeps its scratch space from one result to the next. */
export function createResultWriter(): ResultWriter {
  let text: Buffer = empty
  let out: Buffer = Buffer.allocUnsafe(4096)
  let at = 0
  let length = 0

  /** False: not decidable here. */
  function value(): boolean {
    switch (text[at]) {
      case quote:
        string()
        return true
      case openBrace:
        return braces()
      case openArray:
        return array()
      case letterS:
        emptySet()
        return true
      default:
        return word()
    }
  }

  /** Copies a string; true when it holds no escape, so that its bytes compare as its characters do. */
  function string(): boolean {
    const from = text
    const to = out
    let i = at
    let j = length
    let plain = true
    to[j++] = from[i++] ?? quote
    for (;;) {
      const byte = from[i++] ?? quote
      to[j++] = byte
      if (byte === quote) break
      if (byte === backslash) {
        plain = false
        to[j++] = from[i++] ?? 0
      }
    }
    at = i
    length = j
    return plain
  }

  /** False for `.5`, which Rego takes for a number and JSON does not. */
  function word(): boolean {
    const from = text
    const to = out
    let i = at
    if (from[i] === point || (from[i] === minus && from[i + 1] === point)) return false
    let j = length
    for (;;) {
      const byte = from[i] ?? comma
      if (byte === comma || byte === closeArray || byte === closeBrace || byte <= 0x20) break
      to[j++] = byte
      i++
    }
    at = i
    length = j
    return true
  }

  function space(): void {
    while (text[at] === 0x20) at++
  }

  function array(): boolean {
    out[length++] = openArray
    at++
    while (text[at] !== closeArray) {
      if (!value()) return false
      if (text[at] === comma) separator()
    }
    out[length++] = closeArray
    at++
    return true
  }

  function separator(): void {
    out[length++] = comma
    at++
    space()
  }

  function emptySet(): void {
    out[length++] = openArray
    out[length++] = closeArray
    at += 'set()'.length
  }

  /** An object, or a set of strings: what has no colons. */
  function braces(): boolean {
    const first = length + 1
    let previous: Member | undefined
    let members: Member[] | undefined
    let sorted = true
    let isSet = false
    out[length++] = openBrace
    at++
    while (text[at] !== closeBrace) {
      const start = length
      if (text[at] !== quote || !string()) return false
      const keyEnd = length - 1
      isSet = text[at] !== colon
      if (!isSet && !memberValue()) return false
      const member = { start, keyEnd, end: length }
      if (previous !== undefined) {
        members ??= [previous]
        members.push(member)
        sorted &&= compareKeys(previous, member) < 0
      }
      previous = member
      if (text[at] === comma) separator()
    }
    if (members !== undefined && !sorted) rearrange(first, members)
    if (isSet) out[first - 1] = openArray
    out[length++] = isSet ? closeArray : closeBrace
    at++
    return true
  }

  function memberValue(): boolean {
    out[length++] = colon
    at++
    space()
    return value()
  }

  const compareKeys = (a: Member, b: Member): number => out.compare(out, b.start + 1, b.keyEnd, a.start + 1, a.keyEnd)

  function rearrange(first: number, members: Member[]): void {
    members.sort(compareKeys)
    const copy = Buffer.from(out.subarray(first, length))
    let to = first
    for (const { start, end } of members) {
      if (to > first) out[to++] = comma
      copy.copy(out, to, start - first, end - first)
      to += end - start
    }
  }

  function written(): Buffer {
    const json = Buffer.allocUnsafe(length)
    if (length > 64) out.copy(json, 0, 0, length)
    else for (let i = 0; i < length; i++) json[i] = out[i] ?? 0
    return json
  }

  return (bytes, start, end) => {
    // The output is never longer than the text: spaces go, nothing comes.
    if (out.length < end - start) out = Buffer.allocUnsafe(2 * (end - start))
    text = bytes
    at = start
    length = 0
    const json = value() ? written() : Buffer.from(printJson(parseValue(bytes, start, end)))
    if (out.length > 1 << 20) out = Buffer.allocUnsafe(4096)
    text = empty
    return json
  }
}

interface Member {
  readonly start: number
  readonly keyEnd: number
  readonly end: number
}

/**
 * OPA's value text, the format of `opa_value_dump` and `opa_value_parse`: JSON, and besides sets (`{1, 2}`, `set()`)
 * and objects whose keys may be any value. Numbers keep their digits: a literal that a double would not print back
 * as it stands becomes a RegoNumber. The parser trusts its input, which WASM wrote; it is no validator.
 */
import { RegoNumber, RegoObject, RegoSet, type RegoValue } from '../../extensions/extension.ts'
import { compareStrings, isArray, numberText, sortedEntries, sortedItems } from './compare.ts'

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const backslash = 0x5c
const openArray = 0x5b
const closeArray = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** Reads the one value that stands in `bytes` from `start` to `end`. */
export function parseValue(bytes: Buffer, start = 0, end = bytes.length): RegoValue {
  let at = start

  function value(): RegoValue {
    skipSpace()
    switch (bytes[at]) {
      case quote:
        return string()
      case openArray:
        return array()
      case openBrace:
        return objectOrSet()
      default:
        return word()
    }
  }

  function skipSpace(): void {
    while ((bytes[at] ?? 0x21) <= 0x20) at++
  }

  /** Steps over `byte` when it is next. */
  function accept(byte: number): boolean {
    skipSpace()
    if (bytes[at] !== byte) return false
    at++
    return true
  }

  function expect(byte: number): void {
    if (!accept(byte)) throw new SyntaxError(`value text: expected ${String.fromCharCode(byte)} at ${at - start}`)
  }

  function string(): string {
    const open = at++
    let escaped = false
    while (at < end && bytes[at] !== quote) {
      if (bytes[at] === backslash) {
        escaped = true
        at++
      }
      at++
    }
    expect(quote)
    return escaped ? String(JSON.parse(bytes.toString('utf8', open, at))) : bytes.toString('utf8', open + 1, at - 1)
  }

  function array(): RegoValue[] {
    const items: RegoValue[] = []
    at++
    if (accept(closeArray)) return items
    do items.push(value())
    while (accept(comma))
    expect(closeArray)
    return items
  }

  function objectOrSet(): RegoObject | RegoSet {
    at++
    if (accept(closeBrace)) return new RegoObject([])
    const first = value()
    return accept(colon) ? object(first) : set(first)
  }

  function object(first: RegoValue): RegoObject {
    const entries: [RegoValue, RegoValue][] = [[first, value()]]
    while (accept(comma)) {
      const key = value()
      expect(colon)
      entries.push([key, value()])
    }
    expect(closeBrace)
    return new RegoObject(entries)
  }

  function set(first: RegoValue): RegoSet {
    const items = [first]
    while (accept(comma)) items.push(value())
    expect(closeBrace)
    return new RegoSet(items)
  }

  function word(): RegoValue {
    const from = at
    while (at < end && !isDelimiter(bytes[at])) at++
    return fromWord(bytes.toString('latin1', from, at))
  }

  const result = value()
  skipSpace()
  if (at < end) throw new SyntaxError(`value text: more than one value, at ${at - start}`)
  return result
}

/** For `opa_value_parse`. */
export function printValue(value: RegoValue): string {
  if (typeof value === 'string') return printString(value)
  if (typeof value === 'number' || value instanceof RegoNumber) return printNumber(value)
  if (value instanceof RegoSet) return value.items.length === 0 ? 'set()' : `{${value.items.map(printValue).join(',')}}`
  if (value instanceof RegoObject) {
    return `{${value.entries.map(([k, v]) => `${printValue(k)}:${printValue(v)}`).join(',')}}`
  }
  return isArray(value) ? `[${value.map(printValue).join(',')}]` : String(value)
}

/** JSON as `opa eval` prints it: sets as sorted arrays, keys as strings, in the order of their bytes. */
export function printJson(value: RegoValue): string {
  if (value instanceof RegoSet) return `[${sortedItems(value).map(printJson).join(',')}]`
  if (value instanceof RegoObject) return printJsonObject(value)
  return isArray(value) ? `[${value.map(printJson).join(',')}]` : printValue(value)
}

function printJsonObject(object: RegoObject): string {
  const members = new Map<string, RegoValue>()
  for (const [key, value] of sortedEntries(object)) members.set(keyText(key), value)
  const sorted = [...members].toSorted(([a], [b]) => compareStrings(a, b))
  return `{${sorted.map(([key, value]) => `${printString(key)}:${printJson(value)}`).join(',')}}`
}

/** A key that is no string becomes its JSON text, in which Go escapes what HTML would mind. */
function keyText(key: RegoValue): string {
  if (typeof key === 'string') return key
  return printJson(key).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

// A lone surrogate has no UTF-8; Go has U+FFFD in its place.
const printString = (text: string): string => JSON.stringify(text.replace(/\p{Surrogate}/gu, '\ufffd'))

function printNumber(value: number | RegoNumber): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError(`${value} is not a Rego number`)
  return numberText(value)
}

const isDelimiter = (byte: number | undefined): boolean =>
  byte === undefined || byte <= 0x20 || byte === comma || byte === colon || byte === closeArray || byte === closeBrace

function fromWord(word: string): RegoValue {
  switch (word) {
    case 'null':
      return null
    case 'true':
      return true
    case 'false':
      return false
    case 'set()':
      return new RegoSet([])
    default:
      return fromNumber(word)
  }
}

function fromNumber(text: string): number | RegoNumber {
  if (!/^-?\d/.test(text)) throw new SyntaxError(`value text: unexpected ${text}`)
  const number = Number(text)
  return `${number}` === text ? number : new RegoNumber(text)
}

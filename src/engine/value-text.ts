/**
 * OPA's value text, the format of `opa_value_dump` and `opa_value_parse`: JSON, and besides sets (`{1, 2}`, `set()`)
 * and objects whose keys may be any value. Numbers keep their digits: a literal that a double would not print back
 * as it stands becomes a RegoNumber. The parser trusts its input, which WASM wrote; it is no validator.
 */
import { isArray, numberOf } from '../../extensions/compare.ts'
import { RegoNumber, RegoObject, RegoSet, type RegoValue } from '../../extensions/extension.ts'
import { printNumber, printString } from '../../extensions/print-json.ts'

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
    while (at < end && (bytes[at] ?? 0x21) <= 0x20) at++
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
  if (!/^-?\.?\d/.test(text)) throw new SyntaxError(`value text: unexpected ${text}`)
  return numberOf(text)
}

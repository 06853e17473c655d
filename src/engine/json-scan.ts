/**
 * Is this JSON (RFC 8259), and how deep? One pass over the bytes, nothing allocated. It stands before OPA's own
 * parser, which takes more than JSON (sets, missing commas, anything after the value) and whose stack is small.
 */
import { isUtf8 } from 'node:buffer'
import { isPlainJson } from './plain-json.ts'

export interface JsonProblem {
  /** Offset of the offending byte. */
  readonly position: number
  readonly message: string
}

/** `lone_surrogate`: JSON, but a `\ud800` stands alone; OPA's Go reads U+FFFD there, its WASM parser gives up. */
export type ScanResult = 'ok' | 'lone_surrogate' | 'too_deep' | JsonProblem

const tab = 0x09
const space = 0x20
const quote = 0x22
const comma = 0x2c
const minus = 0x2d
const point = 0x2e
const zero = 0x30
const colon = 0x3a
const openArray = 0x5b
const backslash = 0x5c
const closeArray = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

const empty = new Uint8Array(0)

const scanner = createScanner()

/** Depth counts open brackets: `1` has 0, `[]` has 1. */
export const scanJson = (bytes: Uint8Array, maxDepth: number): ScanResult =>
  isPlainJson(bytes, maxDepth) ? 'ok' : scanner.scan(bytes, maxDepth)

/** Of a JSON value, with the white space behind it. */
export interface JsonEnd {
  readonly end: number
  /** As `lone_surrogate`. */
  readonly lone: boolean
}

/** Of the JSON value that begins at `start`. What follows is not looked at, nor whether all this is UTF-8. */
export const scanJsonValue: (bytes: Uint8Array, start: number, maxDepth: number) => JsonEnd | 'too_deep' | JsonProblem =
  scanner.scanValue

/** Its functions and their state are made once, for all scans. */
function createScanner() {
  let bytes: Uint8Array = empty
  let end = 0
  let at = 0
  let ascii = true
  let lone = false
  /** Per open bracket: is it an object? */
  const objects: boolean[] = []
  let inObject = false

  function scan(text: Uint8Array, maxDepth: number): ScanResult {
    bytes = text
    end = text.length
    at = 0
    ascii = true
    lone = false
    inObject = false
    const result = value(maxDepth) ?? ending()
    bytes = empty
    return result
  }

  function scanValue(text: Uint8Array, start: number, maxDepth: number): JsonEnd | 'too_deep' | JsonProblem {
    bytes = text
    end = text.length
    at = start
    lone = false
    inObject = false
    const problem = value(maxDepth)
    bytes = empty
    return problem ?? { end: at, lone }
  }

  function problem(message: string): JsonProblem {
    return at >= end
      ? { position: end, message: 'unexpected end of the JSON text' }
      : { position: at, message: `${message}, found ${describe(bytes[at] ?? 0)}` }
  }

  function skip(): void {
    let byte = bytes[at] ?? 0x21
    if (byte > space) return
    while (byte === space || byte === 0x0a || byte === 0x0d || byte === tab) byte = bytes[++at] ?? 0x21
  }

  /** From the opening quote to behind the closing one. The loop runs on locals: it sees most of the bytes. */
  function string(): boolean {
    if (bytes[at] !== quote) return false
    const text = bytes
    let i = at + 1
    let high = 0
    for (;;) {
      const byte = text[i] ?? 0
      if (byte === quote) break
      if (byte < space || byte === backslash) {
        at = i
        if (byte !== backslash || !escape()) return false
        i = at
      } else {
        high |= byte
        i++
      }
    }
    if (high >= 0x80) ascii = false
    at = i + 1
    return true
  }

  function escape(): boolean {
    const letter = bytes[++at] ?? 0
    if (letter !== 0x75) {
      if (!simpleEscapes.includes(letter)) return false
      at++
      return true
    }
    at++
    const unit = hex4(bytes, at)
    if (unit < 0) return false
    at += 4
    if (unit >= 0xd800 && unit < 0xe000) surrogate(unit)
    return true
  }

  function surrogate(unit: number): void {
    const low = bytes[at] === backslash && bytes[at + 1] === 0x75 ? hex4(bytes, at + 2) : -1
    if (unit < 0xdc00 && low >= 0xdc00 && low < 0xe000) at += 6
    else lone = true
  }

  function digits(): boolean {
    const from = at
    let i = from
    while (isDigit(bytes[i])) i++
    at = i
    return i > from
  }

  function number(): boolean {
    if (bytes[at] === minus) at++
    if (bytes[at] === zero) at++
    else if (!digits()) return false
    if (bytes[at] === point) {
      at++
      if (!digits()) return false
    }
    if (((bytes[at] ?? 0) | 0x20) !== 0x65) return true
    at++
    if (bytes[at] === minus || bytes[at] === 0x2b) at++
    return digits()
  }

  function word(letters: string): boolean {
    for (let i = 0; i < letters.length; i++, at++) if (bytes[at] !== letters.charCodeAt(i)) return false
    return true
  }

  function scalar(): boolean {
    switch (bytes[at]) {
      case quote:
        return string()
      case 0x74:
        return word('true')
      case 0x66:
        return word('false')
      case 0x6e:
        return word('null')
      default:
        return number()
    }
  }

  /** A key and its colon. */
  function key(): boolean {
    if (!string()) return false
    skip()
    if (bytes[at] !== colon) return false
    at++
    skip()
    return true
  }

  /** A value and the white space around it; undefined when it is one. */
  function value(maxDepth: number): 'too_deep' | JsonProblem | undefined {
    let depth = 0
    skip()
    for (;;) {
      const byte = bytes[at] ?? 0
      if (byte === openBrace || byte === openArray) {
        if (depth === maxDepth) return 'too_deep'
        objects[depth++] = inObject = byte === openBrace
        at++
        skip()
        const close = inObject ? closeBrace : closeArray
        if (bytes[at] !== close) {
          if (inObject && !key()) return problem('expected a key and a colon')
          continue
        }
      } else {
        if (!scalar()) return problem('expected a JSON value')
        skip()
      }
      // A value has ended here, or an empty bracket stands before its end: close what ends, then go on.
      while (depth > 0 && bytes[at] === (inObject ? closeBrace : closeArray)) {
        at++
        inObject = objects[--depth - 1] ?? false
        skip()
      }
      if (depth === 0) return undefined
      if (bytes[at] !== comma) return problem(`expected a comma or ${inObject ? '}' : ']'}`)
      at++
      skip()
      if (inObject && !key()) return problem('expected a key and a colon')
    }
  }

  function ending(): ScanResult {
    if (at < end) return problem('expected the end of the JSON text')
    if (!ascii && !isUtf8(bytes)) return { position: 0, message: 'the JSON text is not UTF-8' }
    return lone ? 'lone_surrogate' : 'ok'
  }

  return { scan, scanValue }
}

/** A copy in which each escape of a lone surrogate reads `\ufffd`. For text that the scan found to hold one. */
export function replaceLoneSurrogates(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  const replaced = text.replace(
    /\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|[^])/g,
    (escape, pair: string | undefined) =>
      pair !== undefined || !/^\\u[dD][89a-fA-F]/.test(escape) ? escape : '\\ufffd',
  )
  return Buffer.from(replaced, 'latin1')
}

const simpleEscapes: readonly number[] = Array.from('"\\/bfnrt', (c) => c.charCodeAt(0))

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= zero && byte <= 0x39

function hex4(bytes: Uint8Array, at: number): number {
  let unit = 0
  for (let i = at; i < at + 4; i++) {
    const byte = bytes[i] ?? 0
    const letter = byte | 0x20
    if (isDigit(byte)) unit = unit * 16 + byte - zero
    else if (letter >= 0x61 && letter <= 0x66) unit = unit * 16 + letter - 0x57
    else return -1
  }
  return unit
}

const describe = (byte: number): string =>
  byte > space && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte 0x${byte.toString(16).padStart(2, '0')}`

/**
 * JSON as text, so that no digit is lost: a validating scanner (RFC 8259, plus: no key twice in an object, bounded
 * depth) that says where the members of the outermost object stand. Linear in the length of the text.
 */
export interface JsonProblem {
  readonly code: 'invalid_json' | 'duplicate_key' | 'json_too_deep'
  readonly message: string
  readonly line: number
  readonly column: number
}

/** Offsets into the scanned text: `keyStart` at the opening quote, the value in `[start, end)`. */
export interface JsonMember {
  readonly key: string
  readonly keyStart: number
  readonly start: number
  readonly end: number
}

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null'

export type JsonScan =
  | { readonly ok: true; readonly kind: JsonKind; readonly members: readonly JsonMember[] }
  | { readonly ok: false; readonly problem: JsonProblem }

const quote = 34
const backslash = 92
const openBrace = 123
const closeBrace = 125
const openBracket = 91
const closeBracket = 93
const comma = 44
const colon = 58

class Failure {
  readonly at: number
  readonly message: string
  readonly code: JsonProblem['code']
  constructor(at: number, message: string, code: JsonProblem['code'] = 'invalid_json') {
    this.at = at
    this.message = message
    this.code = code
  }
}

export function scanJson(text: string, { maxDepth = 500 }: { readonly maxDepth?: number } = {}): JsonScan {
  try {
    return { ok: true, ...scan(text, maxDepth) }
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    return { ok: false, problem: { code: thrown.code, message: thrown.message, ...position(text, thrown.at) } }
  }
}

function scan(text: string, maxDepth: number): { readonly kind: JsonKind; readonly members: readonly JsonMember[] } {
  const members: JsonMember[] = []
  const keys: Keys[] = []
  const closers: number[] = []
  let at = skipSpace(text, 0)
  const kind = kindAt(text, at)
  let pending: { readonly key: string; readonly keyStart: number; readonly start: number } | undefined

  const readKey = (): void => {
    const keyStart = at
    if (text.charCodeAt(at) !== quote) throw unexpected(text, at, 'a key in double quotes')
    at = skipString(text, at)
    const key = keyText(text, keyStart, at)
    const depth = closers.length - 1
    if (keys[depth]?.add(key) === false)
      throw new Failure(keyStart, `the key ${JSON.stringify(key)} stands twice`, 'duplicate_key')
    at = skipSpace(text, at)
    if (text.charCodeAt(at) !== colon) throw unexpected(text, at, '":"')
    at = skipSpace(text, at + 1)
    if (depth === 0) pending = { key, keyStart, start: at }
  }

  for (;;) {
    const code = text.charCodeAt(at)
    if (code === openBrace || code === openBracket) {
      if (closers.length >= maxDepth) throw new Failure(at, `nested deeper than ${maxDepth} levels`, 'json_too_deep')
      const closer = code === openBrace ? closeBrace : closeBracket
      closers.push(closer)
      at = skipSpace(text, at + 1)
      if (text.charCodeAt(at) !== closer) {
        if (closer === closeBrace) {
          const depth = closers.length - 1
          const known = keys[depth]
          if (known === undefined) keys[depth] = new Keys()
          else known.clear()
          readKey()
        }
        continue
      }
    } else at = skipScalar(text, at)

    // A value has ended, or an empty container stands before its closer: close what ends here, then go on.
    for (;;) {
      const closer = closers.at(-1)
      if (closer === undefined) {
        at = skipSpace(text, at)
        if (at < text.length) throw unexpected(text, at, 'the end of the text')
        return { kind, members }
      }
      const before = at
      at = skipSpace(text, at)
      const next = text.charCodeAt(at)
      if (closers.length === 1 && pending !== undefined && (next === comma || next === closer)) {
        members.push({ ...pending, end: before })
        pending = undefined
      }
      if (next === closer) {
        closers.pop()
        at++
        continue
      }
      if (next !== comma) throw unexpected(text, at, closer === closeBrace ? '"," or "}"' : '"," or "]"')
      at = skipSpace(text, at + 1)
      if (closer === closeBrace) readKey()
      break
    }
  }
}

/** The keys of one object: a short list first, a set once it grows. */
class Keys {
  readonly #few: string[] = []
  #many: Set<string> | undefined

  add(key: string): boolean {
    if (this.#many !== undefined) {
      const size = this.#many.size
      return this.#many.add(key).size > size
    }
    if (this.#few.includes(key)) return false
    this.#few.push(key)
    if (this.#few.length > 12) this.#many = new Set(this.#few)
    return true
  }

  clear(): void {
    this.#few.length = 0
    this.#many = undefined
  }
}

function skipSpace(text: string, from: number): number {
  let at = from
  for (;;) {
    const code = text.charCodeAt(at)
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return at
    at++
  }
}

function skipScalar(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code === quote) return skipString(text, at)
  if (code === 45 || isDigit(code)) return skipNumber(text, at)
  for (const word of ['true', 'false', 'null']) if (text.startsWith(word, at)) return at + word.length
  throw unexpected(text, at, 'a value')
}

function skipString(text: string, from: number): number {
  let at = from + 1
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === quote) return at + 1
    if (code === backslash) at = skipEscape(text, at)
    else if (code >= 32) at++
    else if (at >= text.length) throw new Failure(from, 'the string does not end')
    else throw new Failure(at, 'a control character inside a string')
  }
}

function skipEscape(text: string, at: number): number {
  const code = text.charCodeAt(at + 1)
  if (code !== 117) {
    if ('"\\/bfnrt'.includes(text.charAt(at + 1)) && !Number.isNaN(code)) return at + 2
    throw new Failure(at, 'an unknown escape inside a string')
  }
  for (let index = at + 2; index < at + 6; index++) {
    if (!isHex(text.charCodeAt(index))) throw new Failure(at, '"\\u" needs four hexadecimal digits')
  }
  return at + 6
}

function skipNumber(text: string, from: number): number {
  let at = text.charCodeAt(from) === 45 ? from + 1 : from
  if (text.charCodeAt(at) === 48) at++
  else at = skipDigits(text, at)
  if (text.charCodeAt(at) === 46) at = skipDigits(text, at + 1)
  const exponent = text.charCodeAt(at)
  if (exponent === 101 || exponent === 69) {
    const sign = text.charCodeAt(at + 1)
    at = skipDigits(text, sign === 43 || sign === 45 ? at + 2 : at + 1)
  }
  return at
}

function skipDigits(text: string, from: number): number {
  let at = from
  while (isDigit(text.charCodeAt(at))) at++
  if (at === from) throw unexpected(text, at, 'a digit')
  return at
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function isHex(code: number): boolean {
  return isDigit(code) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102)
}

function keyText(text: string, start: number, end: number): string {
  const inside = text.slice(start + 1, end - 1)
  return inside.includes('\\') ? String(JSON.parse(text.slice(start, end))) : inside
}

function kindAt(text: string, at: number): JsonKind {
  const code = text.charCodeAt(at)
  if (code === openBrace) return 'object'
  if (code === openBracket) return 'array'
  if (code === quote) return 'string'
  if (code === 116 || code === 102) return 'boolean'
  return code === 110 ? 'null' : 'number'
}

function unexpected(text: string, at: number, wanted: string): Failure {
  if (at >= text.length) return new Failure(at, `the text ends where ${wanted} is expected`)
  if (text.charCodeAt(at) === 0xfeff) return new Failure(at, 'a byte order mark stands before the JSON')
  return new Failure(
    at,
    `${JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0))} stands where ${wanted} is expected`,
  )
}

function position(text: string, at: number): { readonly line: number; readonly column: number } {
  let line = 1
  let start = 0
  for (let next = text.indexOf('\n'); next !== -1 && next < at; next = text.indexOf('\n', start)) {
    line++
    start = next + 1
  }
  return { line, column: at - start + 1 }
}

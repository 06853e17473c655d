/**
 * `{ "inputs": [ … ] }` taken apart into the texts of its inputs: scanned, none of them parsed, every digit as it came.
 * What is not such a body throws `invalid_json`, `input_too_deep` or `invalid_request` and says where.
 */
import { isUtf8 } from 'node:buffer'
import { replaceLoneSurrogates, scanJsonValue, type JsonEnd, type JsonProblem } from '../../engine/json-scan.ts'
import { EdictError } from '../../errors.ts'

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openArray = 0x5b
const closeArray = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/**
 * A generator, so that a long body can be read in several steps: yields how many inputs there are so far, and returns
 * them. `maxDepth` holds for each of them.
 */
export function* inputsOf(body: Buffer, maxDepth: number): Generator<number, Iterable<Uint8Array>, undefined> {
  const spans: number[] = []
  const replaced = new Map<number, Uint8Array>()
  let at = blank(0)
  let seen = false
  if (!isUtf8(body)) throw new EdictError('invalid_json', 'the body is not JSON: it is not UTF-8')
  expectByte(openBrace, 'the body must be { "inputs": [ … ] }')
  readKey()
  expectByte(openArray, 'inputs must be a list')
  if (body[at] === closeArray) at = blank(at + 1)
  else
    for (let index = 0; ; index++) {
      const start = at
      const { end, lone } = checked(scanJsonValue(body, at, maxDepth), index)
      spans.push(start, end)
      if (lone) replaced.set(start, replaceLoneSurrogates(body.subarray(start, end)))
      at = end
      yield index + 1
      const byte = body[at]
      at = blank(at + 1)
      if (byte === closeArray) break
      if (byte !== comma) throw notJson('the body', at - 1, 'expected a comma or ]')
    }
  if (body[at] === comma) {
    at = blank(at + 1)
    readKey()
  }
  expectByte(closeBrace, 'the body is not JSON: expected }')
  if (at < body.length) throw notJson('the body', at, 'expected the end of the JSON text')
  return { [Symbol.iterator]: texts }

  /** One after the other: a batch would otherwise hold a thousand small objects for long. */
  function* texts(): Generator<Uint8Array, void, undefined> {
    for (let i = 0; i < spans.length; i += 2) {
      const start = spans[i] ?? 0
      const length = (spans[i + 1] ?? 0) - start
      yield replaced.get(start) ?? new Uint8Array(body.buffer, body.byteOffset + start, length)
    }
  }

  function blank(from: number): number {
    let i = from
    while (body[i] === 0x20 || body[i] === 0x0a || body[i] === 0x0d || body[i] === 0x09) i++
    return i
  }

  function expectByte(byte: number, message: string): void {
    if (body[at] !== byte) throw new EdictError('invalid_request', `${message}, at byte ${at}`)
    at = blank(at + 1)
  }

  function readKey(): void {
    if (body[at] !== quote)
      throw new EdictError('invalid_request', `the body must be { "inputs": [ … ] }, at byte ${at}`)
    const start = at
    at = checked(scanJsonValue(body, at, 0)).end
    const name: unknown = JSON.parse(body.toString('utf8', start, at))
    if (name !== 'inputs' || seen) {
      const what = seen ? 'nothing but one "inputs"' : '"inputs"'
      throw new EdictError('invalid_request', `the body has ${what}, not ${JSON.stringify(name)}, at byte ${start}`)
    }
    seen = true
    expectByte(colon, 'the body is not JSON: expected a colon')
  }

  function checked(scanned: JsonEnd | 'too_deep' | JsonProblem, index?: number): JsonEnd {
    if (typeof scanned === 'object' && 'end' in scanned) return scanned
    const what = index === undefined ? 'the body' : `inputs[${index}]`
    if (scanned === 'too_deep') throw new EdictError('input_too_deep', `${what} nests deeper than ${maxDepth}`)
    throw notJson(what, scanned.position, scanned.message)
  }
}

const notJson = (what: string, position: number, message: string): EdictError =>
  new EdictError('invalid_json', `${what} is not JSON: ${message} at byte ${position}`)

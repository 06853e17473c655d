/**
 * YAML as OPA writes it, which is as go-yaml does with an indentation of two: block style, the keys in natural order,
 * plain scalars where they cannot be misread. What JSON cannot hold does not occur.
 */
import { isArray, isNumber, numberText } from '../compare.ts'
import { RegoObject, type RegoValue } from '../extension.ts'
import { keyText, printJson } from '../print-json.ts'
import { naturalOrder } from './natural-order.ts'
import { shortestDouble } from './number.ts'
import { codePoints } from './utf8.ts'
import { BuiltinError } from './values.ts'
import { resolvePlain } from './yaml-scalar.ts'

/** Of arrays, objects with keys that are strings, and scalars. */
export function writeYaml(value: RegoValue): string {
  const body = isInline(value) ? inline(value, 0) : block(value, 0)
  return body.endsWith('\n') ? body : `${body}\n`
}

const indentOf = (depth: number): string => '  '.repeat(depth)

const isInline = (value: RegoValue): boolean =>
  isArray(value) ? value.length === 0 : !(value instanceof RegoObject) || value.entries.length === 0

/** Lines of a collection that is not empty; the first one without its indentation. */
function block(value: RegoValue, depth: number): string {
  const items = isArray(value)
    ? value.map((item) => `- ${nested(item, depth + 1)}`)
    : members(value).map(([key, item]) => member(key, item, depth))
  return items.map((item) => (item.endsWith('\n') ? item : `${item}\n`)).join(indentOf(depth))
}

/** On the line of the indicator before it. */
const nested = (value: RegoValue, depth: number): string =>
  isInline(value) ? inline(value, depth) : block(value, depth)

function member(key: string, value: RegoValue, depth: number): string {
  if (key.includes('\u0085')) throw new BuiltinError('a key must stand on one line')
  if (key.includes('\n') || hasOtherBreaks(key) || Buffer.byteLength(key) > 128) {
    const shown = inline(key, depth + 1)
    return `? ${shown}${shown.endsWith('\n') ? '' : '\n'}${indentOf(depth)}: ${nested(value, depth + 1)}`
  }
  const name = scalar(key)
  if (isInline(value)) return `${name}: ${inline(value, depth + 1)}`
  return `${name}:\n${indentOf(depth + 1)}${block(value, depth + 1)}`
}

const members = (value: RegoValue): readonly (readonly [string, RegoValue])[] =>
  value instanceof RegoObject
    ? value.entries.map(([key, item]) => [keyText(key), item] as const).toSorted(([a], [b]) => naturalOrder(a, b))
    : []

/** `depth` is where the lines of a literal stand. */
function inline(value: RegoValue, depth: number): string {
  if (typeof value === 'string') return writeText(value, depth)
  if (isNumber(value)) return writeNumber(numberText(value))
  if (isArray(value)) return '[]'
  return value instanceof RegoObject ? '{}' : printJson(value)
}

function writeText(value: string, depth: number): string {
  const text = value.replace(/[ \t]*\u0085+[ \t]*/g, fold)
  return text.includes('\n') ? multiline(text, Math.max(depth, 1)) : scalar(text)
}

/** In the JSON that go-yaml reads, U+0085 breaks a line. */
const fold = (breaks: string): string => '\n'.repeat(breaks.trim().length - 1) || ' '

/** Through the eyes of go-yaml, which reads its JSON as YAML first. */
function writeNumber(text: string): string {
  const value = resolvePlain(text)
  if (!isNumber(value)) return scalar(text)
  const digits = numberText(value)
  const isExact = /^-?\d+$/.test(text) && /^-?\d+$/.test(digits) && BigInt(digits) === BigInt(text)
  return isExact ? digits : shortestDouble(Number(digits))
}

// ── Scalars ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const oldBoolean = /^(?:[yYnN]|yes|Yes|YES|on|On|ON|no|No|NO|off|Off|OFF)$/
const base60 = /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/
const indicatorFirst = /^(?:[#,[\]{}&*!|>'"%@`]|[?:-](?:[ \t]|$)|---|\.\.\.)/
const indicatorInside = /:(?:[ \t]|$)|[ \t\r\n\u0085\u2028\u2029]#/
// oxlint-disable-next-line no-control-regex
const special = /[\0-\u0009\u000b-\u001f\u007f-\u009f\ufeff\ufffe\uffff\u{10000}-\u{10ffff}]/u

const hasOtherBreaks = (text: string): boolean => /[\r\u2028\u2029]/.test(text)

function scalar(text: string): string {
  if (!isPlainString(text) || oldBoolean.test(text) || base60.test(text)) return doubleQuoted(text)
  if (special.test(text)) return doubleQuoted(text)
  const isAmbiguous = indicatorFirst.test(text) || indicatorInside.test(text.slice(1)) || /^ | $/.test(text)
  return isAmbiguous || hasOtherBreaks(text) ? `'${text.replaceAll("'", "''")}'` : text
}

function isPlainString(text: string): boolean {
  try {
    return typeof resolvePlain(text) === 'string' && !timestamp.test(text)
  } catch {
    return false
  }
}

/** Close enough: what looks like a date and time to go-yaml. */
const timestamp = new RegExp(
  [
    '^\\d{4}-\\d{1,2}-\\d{1,2}',
    '(?:[Tt]\\d{1,2}:\\d{1,2}:\\d{1,2}(?:\\.\\d+)?(?:Z|[-+]\\d\\d:\\d\\d)',
    '| \\d{1,2}:\\d{1,2}:\\d{1,2}(?:\\.\\d+)?)?$',
  ].join(''),
)

/** A literal, unless the value has spaces or characters that one cannot hold. */
function multiline(text: string, depth: number): string {
  const isLiteral =
    !text.endsWith(' ') && !/ [\r\n\u0085\u2028\u2029]/.test(text) && !special.test(text.replaceAll('\t', ''))
  if (!isLiteral) return doubleQuoted(text)
  const lines = text.split('\n').map((line) => (line === '' ? '' : indentOf(depth) + line))
  const hint = /^[ \n\r\u0085\u2028\u2029]/.test(text) ? '2' : ''
  const chomp = text.endsWith('\n') ? (text === '\n' || text.endsWith('\n\n') ? '+' : '') : '-'
  const body = lines.join('\n')
  return `|${hint}${chomp}\n${text.endsWith('\n') ? body : `${body}\n`}`
}

const escapes: Readonly<Record<string, string>> = {
  '\0': '0',
  '\u0007': 'a',
  '\b': 'b',
  '\t': 't',
  '\n': 'n',
  '\v': 'v',
  '\f': 'f',
  '\r': 'r',
  '\u001b': 'e',
  '"': '"',
  '\\': '\\',
  '\u0085': 'N',
  '\u2028': 'L',
  '\u2029': 'P',
}

function doubleQuoted(text: string): string {
  return `"${codePoints(text)
    .map((char) => (escapes[char] === undefined && !special.test(char) ? char : `\\${escapes[char] ?? hex(char)}`))
    .join('')}"`
}

function hex(char: string): string {
  const code = char.codePointAt(0) ?? 0
  const digits = code.toString(16).toUpperCase()
  if (code <= 0xff) return `x${digits.padStart(2, '0')}`
  return code <= 0xffff ? `u${digits.padStart(4, '0')}` : `U${digits.padStart(8, '0')}`
}

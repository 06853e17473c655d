/** The functions of Go's `text/template`, but for `and`, `or` and `call`: those are not called like others. */
import { numberText } from '../compare.ts'
import { RegoObject } from '../extension.ts'
import { sprintf } from './go-fmt.ts'
import { escapeQuery } from './go-query.ts'
import { isPrintable } from './go-quote.ts'
import {
  dataOf,
  fmtArgumentOf,
  GoFloat,
  GoInt,
  isJsonNumber,
  isList,
  isTrue,
  lengthOf,
  printTemplateValue,
  type TemplateValue,
} from './template-values.ts'
import { toBytes } from './utf8.ts'
import { BuiltinError, lookup } from './values.ts'

type TemplateFunction = (args: readonly TemplateValue[]) => TemplateValue

export const functions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ['not', (args) => !isTrue(only(args))],
  ['len', (args) => new GoInt(BigInt(lengthOf(only(args))))],
  ['index', ([item, ...keys]) => keys.reduce<TemplateValue>(element, item)],
  ['slice', ([item, ...bounds]) => sliceOf(item, bounds.map(integer))],
  ['print', print],
  ['println', (args) => `${args.map(printTemplateValue).join(' ')}\n`],
  ['printf', ([format, ...args]) => sprintf(text(format), args.map(fmtArgumentOf))],
  ['html', (args) => shown(args).replace(/[\0"'&<>]/g, (char) => htmlEscapes[char] ?? char)],
  // oxlint-disable-next-line no-control-regex
  ['js', (args) => shown(args).replace(/[\\'"<>&=\0-\u001f\u0080-\uffff]|[\u{10000}-\u{10ffff}]/gu, escapeJs)],
  ['urlquery', (args) => escapeQuery(toBytes(shown(args)))],
  ['eq', ([first, ...others]) => areEqual(first, others)],
  ['ne', (args) => !areEqual(args[0], [only(args.slice(1))])],
  ['lt', (args) => order(args) < 0],
  ['le', (args) => order(args) <= 0],
  ['gt', (args) => order(args) > 0],
  ['ge', (args) => order(args) >= 0],
])

function only(args: readonly TemplateValue[]): TemplateValue {
  if (args.length !== 1) throw new BuiltinError('wrong number of args')
  return args[0]
}

function text(value: TemplateValue): string {
  if (typeof value !== 'string') throw new BuiltinError('wrong type: expected a string')
  return value
}

function integer(value: TemplateValue): number {
  if (!(value instanceof GoInt)) throw new BuiltinError('wrong type: expected an integer')
  return Number(value.value)
}

/** Spaces only between two operands neither of which is a string. */
function print(args: readonly TemplateValue[]): string {
  return args
    .map((arg, i) => (i > 0 && !isText(arg) && !isText(args[i - 1]) ? ' ' : '') + printTemplateValue(arg))
    .join('')
}

const shown = (args: readonly TemplateValue[]): string => print(args.map((arg) => arg ?? '<no value>'))

const isText = (value: TemplateValue): boolean => typeof value === 'string' || isJsonNumber(value)

function element(item: TemplateValue, key: TemplateValue): TemplateValue {
  if (item instanceof RegoObject) return dataOf(lookup(item, text(key)))
  const index = integer(key)
  const length = lengthOf(item)
  if (index < 0 || index >= length) throw new BuiltinError('index out of range')
  if (isList(item)) return dataOf(item[index])
  // The bytes of a string.
  return new GoInt(BigInt(Buffer.from(isJsonNumber(item) ? numberText(item) : text(item)).readUInt8(index)))
}

function sliceOf(item: TemplateValue, [from = 0, to = lengthOf(item), ...rest]: readonly number[]): TemplateValue {
  if (rest.length > 0 || from < 0 || to < from || to > lengthOf(item)) throw new BuiltinError('index out of range')
  if (isList(item)) return item.slice(from, to)
  return Buffer.from(text(item)).subarray(from, to).toString()
}

const htmlEscapes: Readonly<Record<string, string>> = {
  '\0': '\ufffd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
}

const jsEscapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
}

function escapeJs(char: string): string {
  const code = char.codePointAt(0) ?? 0
  const known = jsEscapes[char]
  if (known !== undefined) return known
  return code >= 0x80 && isPrintable(char) ? char : `\\u${code.toString(16).toUpperCase().padStart(4, '0')}`
}

// ── Comparisons ─────────────────────────────────────────────────────────────────────────────────────────────────────

type Basic = bigint | number | string | boolean

function basicOf(value: TemplateValue): Basic | undefined {
  if (value instanceof GoInt || value instanceof GoFloat) return value.value
  if (isJsonNumber(value)) return numberText(value)
  return typeof value === 'string' || typeof value === 'boolean' ? value : undefined
}

function areEqual(first: TemplateValue, others: readonly TemplateValue[]): boolean {
  if (others.length === 0) throw new BuiltinError('missing argument for comparison')
  return others.some((other) => isSame(first, other))
}

function isSame(a: TemplateValue, b: TemplateValue): boolean {
  const [x, y] = [basicOf(a), basicOf(b)]
  const [noA, noB] = [a === undefined || a === null, b === undefined || b === null]
  if (noA || noB) return noA && noB
  if (typeof x !== typeof y) throw new BuiltinError('incompatible types for comparison')
  if (x === undefined) throw new BuiltinError('non-comparable types')
  return x === y
}

function order(args: readonly TemplateValue[]): number {
  if (args.length !== 2) throw new BuiltinError('wrong number of args')
  const [x, y] = args.map(basicOf)
  if (x === undefined || y === undefined || typeof x === 'boolean')
    throw new BuiltinError('invalid type for comparison')
  if (typeof x !== typeof y) throw new BuiltinError('incompatible types for comparison')
  if (x === y) return 0
  return x < y ? -1 : 1
}

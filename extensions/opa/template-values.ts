/**
 * The values of Go's `text/template` over JSON. A number of the data is a `json.Number`, a string to Go: `if` takes
 * `0` for true, and it compares with no number of the template.
 */
import { compareStrings, isArray, isNumber, numberText } from '../compare.ts'
import { RegoObject, type RegoSet, type RegoValue } from '../extension.ts'
import type { FmtArgument } from './go-fmt.ts'
import { formatFloat } from './go-float.ts'
import { BuiltinError } from './values.ts'

/** An `int` of the template itself; data has none. */
export class GoInt {
  readonly value: bigint
  constructor(value: bigint) {
    this.value = value
  }
}

export class GoFloat {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** Undefined: no value, as of a missing key. Null counts as none where it is printed or tested. */
export type TemplateValue = Exclude<RegoValue, RegoSet> | GoInt | GoFloat | undefined

export function isTrue(value: TemplateValue): boolean {
  if (value === undefined || value === null || value === false) return false
  if (value === true || isJsonNumber(value)) return true
  if (value instanceof GoInt) return value.value !== 0n
  if (value instanceof GoFloat) return value.value !== 0
  return lengthOf(value) > 0
}

export function lengthOf(value: TemplateValue): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (value instanceof RegoObject) return value.entries.length
  if (isList(value)) return value.length
  if (isJsonNumber(value)) return numberText(value).length
  throw new BuiltinError('len of what has no length')
}

export const isJsonNumber = (value: TemplateValue): value is Extract<TemplateValue, number> =>
  value !== undefined && !(value instanceof GoInt) && !(value instanceof GoFloat) && isNumber(value)

export const isList = (value: TemplateValue): value is readonly RegoValue[] =>
  value !== undefined && !(value instanceof GoInt) && !(value instanceof GoFloat) && isArray(value)

/** As `fmt.Sprint` prints one value. */
export function printTemplateValue(value: TemplateValue): string {
  if (value === undefined || value === null) return '<nil>'
  if (typeof value === 'string' || typeof value === 'boolean') return String(value)
  if (value instanceof GoInt) return `${value.value}`
  if (value instanceof GoFloat) return formatFloat(value.value, 'g')
  if (isJsonNumber(value)) return numberText(value)
  if (isList(value)) return `[${value.map((item) => printTemplateValue(dataOf(item))).join(' ')}]`
  return value instanceof RegoObject ? `map[${sortedMembers(value).map(printMember).join(' ')}]` : ''
}

const printMember = ([key, value]: readonly [string, TemplateValue]): string => `${key}:${printTemplateValue(value)}`

export const sortedMembers = (object: RegoObject): readonly (readonly [string, TemplateValue])[] =>
  object.entries
    .map(([key, value]) => [typeof key === 'string' ? key : '', dataOf(value)] as const)
    .toSorted(([a], [b]) => compareStrings(a, b))

/** JSON has no sets. */
export const dataOf = (value: RegoValue | undefined): TemplateValue => value as TemplateValue

export function fmtArgumentOf(value: TemplateValue): FmtArgument {
  if (value instanceof GoInt) return { kind: 'int64', type: 'int', value: value.value }
  if (value instanceof GoFloat) return { kind: 'float64', value: value.value }
  const type = isJsonNumber(value) ? 'json.Number' : 'string'
  return { kind: 'string', type, value: printTemplateValue(value) }
}

/** JSON as the validator reads it: members in the order of their names, numbers with every digit. */
import { compareStrings, isArray, isNumber, numberText } from '../../compare.ts'
import { RegoObject, RegoSet, type RegoValue } from '../../extension.ts'
import { parseJson } from '../../parse-json.ts'
import { keyText, printString } from '../../print-json.ts'
import { escapeHtml } from '../go-json.ts'
import type { NumberValue } from '../number.ts'
import { BuiltinError, setOf } from '../values.ts'

export type Json = null | boolean | string | NumberValue | readonly Json[] | JsonObject
export type JsonObject = ReadonlyMap<string, Json>

export const isObject = (value: Json | undefined): value is JsonObject => value instanceof Map
export const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value)
export const isNumeric = (value: Json | undefined): value is NumberValue =>
  value !== undefined && isNumber(value as RegoValue)

/** What the builtins take as a document or schema: JSON text, or an object or array itself. */
export function readOperand(value: RegoValue | undefined): Json {
  if (typeof value === 'string') return toJson(parsed(value))
  if (value instanceof RegoObject || (value !== undefined && isArray(value))) return toJson(value)
  throw new BuiltinError('wrong type, expected string or object')
}

function parsed(text: string): RegoValue {
  try {
    return parseJson(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw new BuiltinError('invalid JSON string', { cause: error })
    throw error
  }
}

export function toJson(value: RegoValue): Json {
  if (value instanceof RegoSet) return setOf(value.items).items.map(toJson)
  if (value instanceof RegoObject) {
    const members = value.entries.map(([key, member]) => [keyText(key), toJson(member)] as const)
    return new Map(members.toSorted(([a], [b]) => compareStrings(a, b)))
  }
  return isArray(value) ? value.map(toJson) : value
}

/** The text by which Go tells values apart: numbers as doubles, whatever their digits. */
export const canonicalText = (value: Json): string => escapeHtml(print(value))

function print(value: Json): string {
  if (isObject(value)) return `{${[...value].map(([key, one]) => `${printString(key)}:${print(one)}`).join(',')}}`
  if (isList(value)) return `[${value.map(print).join(',')}]`
  if (isNumeric(value)) return printDouble(numberText(value))
  return typeof value === 'string' ? printString(value) : String(value)
}

function printDouble(text: string): string {
  const number = Number(text)
  if (!Number.isFinite(number)) {
    throw new BuiltinError(`json: cannot unmarshal number ${text} into Go value of type float64`)
  }
  return Object.is(number, -0) ? '-0' : `${number}`
}

/** What a plain YAML scalar stands for, as go-yaml v3 resolves it: YAML 1.2, but with octals and binaries of 1.1. */
import { numberOf } from '../compare.ts'
import type { NumberValue } from './number.ts'
import { BuiltinError } from './values.ts'

export type YamlScalar = null | boolean | NumberValue | string

const words: ReadonlyMap<string, null | boolean> = new Map([
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
])

const floatPattern = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/

/** Without a tag. `.inf` and `.nan` have no JSON: they throw. */
export function resolvePlain(text: string): YamlScalar {
  const word = words.get(text)
  if (word !== undefined) return word
  if (/^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/.test(text)) throw new BuiltinError('no JSON number')
  if (text.startsWith('.')) return floatOf(text) ?? text
  if (!/^[-+\d]/.test(text)) return text
  const digits = text.replaceAll('_', '')
  return integerOf(digits) ?? floatOf(digits) ?? text
}

/** With one of the tags that are resolved at all. */
export function resolveTagged(tag: string, text: string): YamlScalar {
  if (tag === 'str') return text
  const value = resolvePlain(text)
  if (kinds(value).includes(tag)) return value
  throw new BuiltinError(`cannot decode ${text} as !!${tag}`)
}

function kinds(value: YamlScalar): readonly string[] {
  if (value === null) return ['null']
  if (typeof value === 'boolean') return ['bool']
  if (typeof value === 'string') return ['str', 'timestamp']
  return ['float', 'int']
}

function integerOf(text: string): NumberValue | undefined {
  const [, sign = '', prefix = '', digits = ''] = /^([-+]?)(0[xX]|0[bB]|0[oO]|0(?=\d))?([\da-fA-F]+)$/.exec(text) ?? []
  if (digits === '' || !validDigits(prefix, digits)) return undefined
  const literal = prefix === '0' ? `0o${digits}` : prefix.toLowerCase() + digits
  const value = sign === '-' ? -BigInt(literal) : BigInt(literal)
  if (value < -(1n << 63n) || value >= 1n << 64n || (sign === '+' && value >= 1n << 63n)) return undefined
  return numberOf(`${value}`)
}

function validDigits(prefix: string, digits: string): boolean {
  switch (prefix.toLowerCase()) {
    case '0x':
      return true
    case '0b':
      return /^[01]+$/.test(digits)
    case '':
      return /^\d+$/.test(digits)
    default:
      return /^[0-7]+$/.test(digits)
  }
}

/** As Go prints a double in JSON, which is as JavaScript does. */
function floatOf(text: string): NumberValue | undefined {
  if (!floatPattern.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) ? (Object.is(value, -0) ? numberOf('-0') : value) : undefined
}

/** Rego values as JSON text: every digit, sets as sorted arrays, the members of objects in the order of their keys' bytes. */
import { compareStrings, isArray, isNumber, numberText, sortedEntries, sortedItems } from './compare.ts'
import { type RegoNumber, RegoObject, RegoSet, type RegoValue } from './extension.ts'

/** As `opa eval` prints it; keys that are no strings become strings. */
export function printJson(value: RegoValue): string {
  if (value instanceof RegoSet) return `[${sortedItems(value).map(printJson).join(',')}]`
  if (value instanceof RegoObject) return printJsonObject(value)
  if (typeof value === 'string') return printString(value)
  if (isNumber(value)) return printNumber(value)
  return isArray(value) ? `[${value.map(printJson).join(',')}]` : String(value)
}

function printJsonObject(object: RegoObject): string {
  const members = new Map<string, RegoValue>()
  for (const [key, value] of sortedEntries(object)) members.set(keyText(key), value)
  const sorted = [...members].toSorted(([a], [b]) => compareStrings(a, b))
  return `{${sorted.map(([key, value]) => `${printString(key)}:${printJson(value)}`).join(',')}}`
}

/** A key that is no string becomes its JSON text, in which Go escapes what HTML would mind. */
export function keyText(key: RegoValue): string {
  if (typeof key === 'string') return key
  return printJson(key).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

// A lone surrogate has no UTF-8; Go has U+FFFD in its place.
export const printString = (text: string): string => JSON.stringify(text.replace(/\p{Surrogate}/gu, '\ufffd'))

export function printNumber(value: number | RegoNumber): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError(`${value} is not a Rego number`)
  return numberText(value).replace(/^(-?)\./, (_, sign: string) => `${sign}0.`)
}

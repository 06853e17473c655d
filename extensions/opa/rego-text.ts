/** A value as OPA prints it in Rego: `{"a": [1, 2]}`, `{1, "x"}`, `set()`; sets and objects in order. */
import { isArray, isNumber, numberText, sortedEntries, sortedItems } from '../compare.ts'
import { RegoObject, RegoSet, type RegoValue } from '../extension.ts'
import { goQuote } from './go-quote.ts'

export function regoText(value: RegoValue): string {
  if (typeof value === 'string') return goQuote(value)
  if (isNumber(value)) return numberText(value)
  if (isArray(value)) return `[${value.map(regoText).join(', ')}]`
  if (value instanceof RegoSet) return value.items.length === 0 ? 'set()' : `{${list(sortedItems(value))}}`
  if (value instanceof RegoObject) return `{${sortedEntries(value).map(member).join(', ')}}`
  return String(value)
}

const list = (items: readonly RegoValue[]): string => items.map(regoText).join(', ')

const member = ([key, value]: readonly [RegoValue, RegoValue]): string => `${regoText(key)}: ${regoText(value)}`

/** JSON of plain JavaScript values in which numbers that a double cannot hold are a `RegoNumber`: every digit is kept. */
import { isArray, sortedItems } from '../../extensions/compare.ts'
import { RegoNumber, RegoObject, RegoSet, type RegoValue } from '../../extensions/extension.ts'
import { parseJson } from '../../extensions/parse-json.ts'
import { keyText, printNumber } from '../../extensions/print-json.ts'

/** Sets become arrays in order, objects plain ones. */
export function toExact(value: RegoValue): unknown {
  if (value instanceof RegoSet) return sortedItems(value).map(toExact)
  if (value instanceof RegoObject)
    return Object.fromEntries(value.entries.map(([key, member]) => [keyText(key), toExact(member)]))
  return isArray(value) ? value.map(toExact) : value
}

/** Throws a SyntaxError. */
export const readExact = (json: string): unknown => toExact(parseJson(json))

/** As `JSON.stringify` prints it. */
export function printExact(value: unknown, indent = 0): string {
  const write = (item: unknown, margin: string): string => {
    if (item instanceof RegoNumber) return printNumber(item)
    return typeof item === 'object' && item !== null ? writeAll(item, margin) : (JSON.stringify(item) ?? 'null')
  }
  const writeAll = (item: object, margin: string): string => {
    const inner = margin + ' '.repeat(indent)
    const [open, close] = Array.isArray(item) ? '[]' : '{}'
    const colon = indent === 0 ? ':' : ': '
    const parts = Array.isArray(item)
      ? item.map((one: unknown) => write(one, inner))
      : Object.entries(item).flatMap(([key, member]) =>
          member === undefined ? [] : [`${JSON.stringify(key)}${colon}${write(member, inner)}`],
        )
    if (parts.length === 0) return `${open}${close}`
    return indent === 0
      ? `${open}${parts.join(',')}${close}`
      : `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${margin}${close}`
  }
  return write(value, '')
}

/** Text with regular expressions between two delimiters, as one expression over the whole text. */
import { BuiltinError } from '../values.ts'
import { compilePattern, quoteMeta } from './patterns.ts'

export function templatePattern(template: string, open: string, close: string): string {
  let pattern = '^'
  let end = 0
  for (const [from, to] of delimited(template, open, close)) {
    const inner = template.slice(from + 1, to)
    compilePattern(`^${inner}$`)
    pattern += `${quoteMeta(template.slice(end, from))}(${inner})`
    end = to + 1
  }
  return `${pattern}${quoteMeta(template.slice(end))}$`
}

/** Where the outermost delimiters stand. */
function delimited(template: string, open: string, close: string): readonly (readonly [number, number])[] {
  const places: [number, number][] = []
  let level = 0
  let start = 0
  for (let i = 0; i < template.length; i++) {
    if (template[i] === open) {
      if (++level === 1) start = i
    } else if (template[i] === close) {
      if (--level === 0) places.push([start, i])
      if (level < 0) throw unbalanced
    }
  }
  if (level !== 0) throw unbalanced
  return places
}

const unbalanced = new BuiltinError('unbalanced delimiters')

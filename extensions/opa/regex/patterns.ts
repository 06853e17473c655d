/** Go's `regexp` on RE2JS: which matches there are, and what a replacement is expanded to. Linear in the text. */
import { RE2JS, type Matcher } from 're2js'

const kept = 100
const compiled = new Map<string, RE2JS>()

/** Throws when `pattern` is not RE2 syntax. */
export function compilePattern(pattern: string): RE2JS {
  const known = compiled.get(pattern)
  if (known !== undefined) return known
  const fresh = RE2JS.compile(pattern)
  const [oldest] = compiled.keys()
  if (compiled.size >= kept && oldest !== undefined) compiled.delete(oldest)
  compiled.set(pattern, fresh)
  return fresh
}

export interface Match {
  readonly start: number
  readonly end: number
  /** Of the group with this number; `""` for one that took no part, or does not exist. */
  readonly group: (index: number) => string
}

/** At most `limit` matches from left to right; an empty one right after another does not count. */
export function* matches(pattern: RE2JS, text: string, limit = Number.POSITIVE_INFINITY): Generator<Match> {
  const matcher = pattern.matcher(text)
  const groups = matcher.groupCount()
  let previousEnd = -1
  let found = 0
  for (let at = 0; found < limit && at <= text.length && matcher.find(at);) {
    const match = { start: matcher.start(), end: matcher.end(), group: groupReader(matcher, groups) }
    const counts = match.end !== at || match.start !== previousEnd
    at = match.end === at ? at + codePointLength(text, at) : match.end
    previousEnd = match.end
    if (!counts) continue
    found++
    yield match
  }
}

const groupReader =
  (matcher: Matcher, count: number): Match['group'] =>
  (index) =>
    index > count ? '' : (matcher.group(index) ?? '')

const codePointLength = (text: string, at: number): number => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1)

export function replaceAll(pattern: RE2JS, text: string, template: string): string {
  const parts: string[] = []
  let end = 0
  for (const match of matches(pattern, text)) {
    parts.push(text.slice(end, match.start), expand(pattern, match, template))
    end = match.end
  }
  return parts.join('') + text.slice(end)
}

const reference = /\$(?:(\$)|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu

/** `$1`, `$name`, `${name}`, `$$`; the longest name counts, and a `$` that begins none stands for itself. */
function expand(pattern: RE2JS, match: Match, template: string): string {
  return template.replace(reference, (_, dollar?: string, braced?: string, bare?: string) => {
    if (dollar !== undefined) return '$'
    const name = braced ?? bare ?? ''
    const index = /^(?:0|[1-9]\d{0,8})$/.test(name) ? Number(name) : pattern.namedGroups()[name]
    return index === undefined ? '' : match.group(index)
  })
}

export const quoteMeta = (text: string): string => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')

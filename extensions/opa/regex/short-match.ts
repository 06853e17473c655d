/**
 * `regex.match` of a pattern that is compiled once and kept by who asks for it, as far as one call is little work: host
 * code is not metered.
 */
import { RE2JS } from 're2js'

/** Undefined: the text is too long for this pattern. */
export type TextMatcher = (text: string) => boolean | undefined

/** Instructions of the pattern times characters of the text. */
const mostSteps = 8_192
const largestProgram = 512

/** Repetitions multiply a pattern: a number beyond 9 does, and one repetition within another. */
const mayBeLarge = /\{\d[^]*\{\d|\{[\d,]{3,}/

/** What RE2 in C++ does not know, or not all of: one answer has to stand for a few calls and for many. */
const isForeign = /\(\?<|\\[pP]\{\^?\w{3}/

/** Undefined when the pattern is large, or none. */
export function textMatcher(pattern: string): TextMatcher | undefined {
  const compiled = mayBeLarge.test(pattern) || isForeign.test(pattern) ? undefined : compile(pattern)
  const size = compiled?.programSize() ?? 0
  if (compiled === undefined || size > largestProgram) return undefined
  return (text) => (size * text.length > mostSteps ? undefined : compiled.matcher(text).find())
}

function compile(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(pattern)
  } catch {
    return undefined
  }
}

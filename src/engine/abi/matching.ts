/**
 * Regular expressions of a policy or of its data, matched by the host: compiled once, and not in every evaluation as the
 * module does it. What would be much work, or is asked again and again in one evaluation, is left to the module, and so
 * is every pattern that comes from an input. Which is which depends on nothing that was evaluated before.
 */
import { textMatcher, type TextMatcher } from '../../../extensions/opa/regex/short-match.ts'
import type { Space } from './space.ts'

/** What lies between the two is the same in all evaluations. */
export interface FixedMemory {
  /** The stack ends here, and static memory begins. */
  readonly start: number
  /** The data ends here. */
  readonly end: number
}

export interface Matching {
  /** An evaluation begins. */
  readonly begin: (memory: FixedMemory) => void
  /** Of two strings by their addresses; undefined leaves it to the module. */
  readonly match: (pattern: number, text: number) => boolean | undefined
}

interface Pattern {
  readonly length: number
  /** Undefined: not one for the host. */
  readonly matches: TextMatcher | undefined
  /** The last evaluation that asked for it, and how often it did. */
  evaluation: number
  asked: number
}

/** In one evaluation, for one pattern: from then on, the module is quicker, and the host wants no more of them. */
const mostCalls = 3
/** In one evaluation. */
const mostAnswers = 32
/** Kept from one evaluation to the next: more than one evaluation can ask for. */
const mostPatterns = 64
const longestPattern = 128
const longestText = 1024

/** As `value.h` of OPA's runtime has it: a byte, and two words, at any address. */
const types = { string: 4, internedString: 8 } as const
const stringAt = { length: 4, text: 8 } as const

export function createMatching(
  { view, numbers }: Pick<Space, 'view' | 'numbers'>,
  offer: (wanted: boolean) => void,
): Matching {
  /** By the address of their text. */
  const patterns = new Map<number, Pattern>()
  let evaluation = 0
  let answers = 0
  let offers = true
  let start = 0
  let end = 0

  function match(pattern: number, text: number): boolean | undefined {
    const fields = numbers()
    const at = fields.getUint32(pattern + stringAt.text, true)
    const known = patterns.get(at)
    if (!isString(pattern) || !isString(text)) return undefined
    const length = fields.getUint32(pattern + stringAt.length, true)
    const textLength = fields.getUint32(text + stringAt.length, true)
    if (at < start || at + length > end || textLength > longestText) return undefined
    const own = known?.length === length ? known : remember(at, length)
    if (own.evaluation !== evaluation) begin(own, at)
    if (own.asked++ === mostCalls || answers++ === mostAnswers) {
      offer((offers = false))
      return undefined
    }
    const from = fields.getUint32(text + stringAt.text, true)
    return own.matches?.(view().toString('utf8', from, from + textLength))
  }

  /** What this evaluation has asked for is not the oldest that is kept, or its count would be lost. */
  function begin(pattern: Pattern, at: number): void {
    pattern.evaluation = evaluation
    pattern.asked = 0
    if (patterns.size < mostPatterns) return
    patterns.delete(at)
    patterns.set(at, pattern)
  }

  function remember(at: number, length: number): Pattern {
    const text = length > longestPattern ? undefined : view().toString('utf8', at, at + length)
    const pattern = { length, matches: text === undefined ? undefined : textMatcher(text), evaluation, asked: 0 }
    const [oldest] = patterns.keys()
    if (patterns.size >= mostPatterns && oldest !== undefined) patterns.delete(oldest)
    patterns.set(at, pattern)
    return pattern
  }

  function isString(at: number): boolean {
    const type = view()[at]
    return type === types.string || type === types.internedString
  }

  return {
    begin: (memory) => {
      evaluation++
      answers = 0
      if (!offers) offer((offers = true))
      ;({ start, end } = memory)
    },
    match,
  }
}

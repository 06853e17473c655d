/** The context of one decision: what is fixed in it for all calls of builtins, replayed or not. */
import type { DecisionContext, Outbound, RegoValue, RequestContext } from '../../extensions/extension.ts'
import { callingRule, type RuleNames } from './rule-names.ts'
import type { EngineLimits } from './limits.ts'
import { createAnswers, type AnswerLimits, type Answers } from './answers.ts'

/** What all decisions of an engine share. */
export interface DecisionOptions {
  readonly labels: Readonly<Record<string, string>>
  /** Nanoseconds since the epoch. */
  readonly clock: () => bigint
}

/** A line of `print`, and the rule that it stands in: `data.shop.discount.rate`. */
export interface PrintedLine {
  readonly text: string
  readonly rule: string | undefined
}

/** What one policy may do beyond evaluating, and take for it. */
export interface PolicySettings {
  /** A failing builtin ends the evaluation instead of being undefined. */
  readonly strict: boolean
  readonly outbound: Outbound
  /** Where `print` writes; absent: nowhere. */
  readonly print?: ((line: PrintedLine) => void) | undefined
  /** Instead of the engine's own. */
  readonly limits?: Pick<EngineLimits, 'budget' | 'memory'> | undefined
}

export const defaultSettings: PolicySettings = { strict: false, outbound: { rules: [], secret: () => undefined } }

export interface Decision {
  readonly context: DecisionContext
  readonly answers: Answers
  /** The last round is over: hands over what it printed, and what `trace` said in it. */
  readonly finish: () => readonly string[]
  /** A round begins: the evaluation runs from its start. */
  readonly begin: () => void
  /** Nobody waits any more. */
  readonly end: () => void
}

export const wallClock = (): bigint => BigInt(Date.now()) * 1_000_000n

export interface NewDecision extends DecisionOptions, Omit<PolicySettings, 'limits'> {
  readonly ruleNames: RuleNames
  readonly limits: AnswerLimits
}

// Made once: it has a stack that nobody reads.
const over = new Error('the decision is over')

export function createDecision(request: RequestContext, options: NewDecision): Decision {
  const { labels, clock, outbound, strict, limits, ruleNames, print } = options
  const made = new Map<string, RegoValue>()
  let now: bigint | undefined
  let notes: string[] = []
  let printed: PrintedLine[] = []
  let ending: AbortController | undefined

  function once<T extends RegoValue>(key: string, make: () => T): T {
    // Under one key there is only ever what the one builtin made that the key is named after.
    const known = made.get(key) as T | undefined
    if (known !== undefined) return known
    const value = make()
    made.set(key, value)
    return value
  }

  const context: DecisionContext = {
    header: (name) => request.header(name),
    now: () => (now ??= clock()),
    once,
    labels,
    outbound,
    get signal() {
      return (ending ??= new AbortController()).signal
    },
    note: (text) => void notes.push(text),
    print: (text) => void (print !== undefined && printed.push({ text, rule: callingRule(ruleNames) })),
  }
  const answers = createAnswers({ context, strict, limits })
  return {
    context,
    answers,
    finish: () => {
      for (const line of printed) print?.(line)
      return notes
    },
    begin: () => {
      notes = []
      printed = []
      answers.begin()
    },
    end: () => ending?.abort(over),
  }
}

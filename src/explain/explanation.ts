/** Outcomes of clauses → an explanation: per rule its value, what made it, and for a denial what was missing. Pure. */
import { toPlain } from '../../extensions/plain.ts'
import type { RegoValue } from '../../extensions/extension.ts'
import type { Outcome } from '../engine/outcome.ts'
import { pathKey, showPath, startsWith } from '../policy/paths.ts'
import type { Clause, Condition, RulePath } from './clauses.ts'
import type { ClauseOutcome, Failure } from './findings.ts'
import type { Mask } from './mask.ts'
import type { Program } from './program.ts'
import type { AttemptView, ClauseView, ConditionView, Explanation, RuleExplanation, SeenView } from './view.ts'

export interface Findings {
  readonly program: Program
  /** The package whose rules go by their short names. */
  readonly home: RulePath
  /** Rules that were asked for. */
  readonly asked: readonly RulePath[]
  readonly decided: Outcome
  readonly decision: Explanation['decision']
  readonly outcomes: ReadonlyMap<number, ClauseOutcome>
  /** By `pathKey`. */
  readonly values: ReadonlyMap<string, RegoValue>
  readonly unavailable: ReadonlySet<string>
  readonly notes: readonly string[]
  readonly mask: Mask
}

export function explanationOf(findings: Findings): Explanation {
  const { decided, decision, unavailable, notes, mask } = findings
  const rules = inOrderOfNeed(findings).map((path) => ruleView(path, findings))
  const failed = decided.kind === 'error' || decided.kind === 'invalid_input' ? decided : undefined
  const location = failed?.kind === 'error' ? failed.location : undefined
  return {
    decision: decision === null || !('value' in decision) ? decision : { value: mask.value(decision.value) },
    ...(failed === undefined
      ? {}
      : {
          error: {
            code: failed.code,
            message: mask.text(failed.message),
            ...(location === undefined ? {} : { location }),
          },
        }),
    asked: findings.asked.map((path) => ruleTitle(path, findings.home)),
    rules,
    unavailable: [...unavailable].toSorted(),
    notes,
  }
}

/** `allow`; whole for a rule of another package; `_` for the one that goes by no name. */
export function ruleTitle(path: RulePath, home: RulePath): string {
  if (!startsWith(path, home)) return showPath(path)
  const steps = path.slice(home.length)
  return steps.length === 1 && steps[0]?.startsWith('$') === true ? '_' : steps.join('.')
}

/** Those that were asked for, and then what matters for them. */
function inOrderOfNeed(findings: Findings): readonly RulePath[] {
  const { asked, program } = findings
  const found = new Map(asked.map((path) => [pathKey(path), path]))
  for (const path of found.values()) {
    const needed = attemptsOf(path, findings).flatMap(({ clause, outcome }) =>
      outcome.held
        ? clause.conditions.flatMap((condition) => rulesOf(condition, program))
        : outcome.missing.flatMap(({ condition }) => rulesOf(clause.conditions[condition], program)),
    )
    for (const rule of needed) if (!found.has(pathKey(rule))) found.set(pathKey(rule), rule)
  }
  return [...found.values()].slice(0, mostRules)
}

const mostRules = 100

/** The rules with a value that a condition may mean. */
function rulesOf(condition: Condition | undefined, { rules }: Program): readonly RulePath[] {
  const refs = condition?.refs ?? []
  return rules.filter((rule) => refs.some((ref) => startsWith(ref, rule)))
}

const unique = (paths: readonly RulePath[], home: RulePath): readonly string[] => [
  ...new Set(paths.map((path) => ruleTitle(path, home))),
]

interface Attempt {
  readonly clause: Clause
  readonly outcome: ClauseOutcome
}

function attemptsOf(path: RulePath, { program, outcomes }: Findings): readonly Attempt[] {
  const key = pathKey(path)
  return program.clauses.flatMap((clause) => {
    const outcome = outcomes.get(clause.id)
    return outcome === undefined || pathKey(clause.rule) !== key ? [] : [{ clause, outcome }]
  })
}

function ruleView(path: RulePath, findings: Findings): RuleExplanation {
  const { program, values, mask } = findings
  const key = pathKey(path)
  const attempts = attemptsOf(path, findings)
  const value = values.get(key)
  const held = firstOfChains(attempts.filter(({ outcome }) => outcome.held))
  const fallback = program.clauses.find(({ kind, rule }) => kind === 'default' && pathKey(rule) === key)
  const isDefault = held.length === 0 && value !== undefined && fallback !== undefined
  const failed = attempts.filter(({ outcome }) => !outcome.held)
  const by = held.map(({ clause, outcome }): ClauseView => {
    const saw = outcome.saw.flatMap((failure) => seenView(clause, failure, mask))
    const rules = unique(
      clause.conditions.flatMap((condition) => rulesOf(condition, program)),
      findings.home,
    )
    return { ...placeOf(clause), ...(saw.length === 0 ? {} : { saw }), ...(rules.length === 0 ? {} : { rules }) }
  })
  return {
    rule: ruleTitle(path, findings.home),
    ...(value === undefined ? {} : { value: briefly(mask.value(toPlain(value))) }),
    by: isDefault ? [placeOf(fallback)] : by,
    missing: isDenial(value) ? failed.toSorted(byNeed).map((attempt) => attemptView(attempt, findings)) : [],
  }
}

const placeOf = ({ file, line, text }: Clause): Pick<ClauseView, 'file' | 'line' | 'text'> => ({ file, line, text })

/** In a chain of `else` the first that holds decides. */
function firstOfChains(held: readonly Attempt[]): readonly Attempt[] {
  return held.filter(({ clause }, index) => held.findIndex((other) => other.clause.chain === clause.chain) === index)
}

const isDenial = (value: RegoValue | undefined): boolean => {
  if (value === undefined || value === false) return true
  const plain = toPlain(value)
  return typeof plain === 'object' && plain !== null && Object.keys(plain).length === 0
}

const byNeed = (a: Attempt, b: Attempt): number =>
  a.outcome.missing.length - b.outcome.missing.length || a.outcome.unasked - b.outcome.unasked

function attemptView({ clause, outcome }: Attempt, { program, home, mask }: Findings): AttemptView {
  const conditions = outcome.missing.flatMap((failure): ConditionView[] => {
    const condition = clause.conditions[failure.condition]
    if (condition === undefined) return []
    const { file, line, text } = condition
    const rules = unique(rulesOf(condition, program), home)
    return [{ file, line, text, saw: seenView(clause, failure, mask), ...(rules.length === 0 ? {} : { rules }) }]
  })
  return { ...placeOf(clause), conditions, ...(outcome.unasked === 0 ? {} : { unasked: outcome.unasked }) }
}

function seenView(clause: Clause, { condition, saw }: Failure, mask: Mask): readonly SeenView[] {
  const shown = clause.conditions[condition]?.shown ?? []
  const seen = shown.map((expression, index) => ({
    expression,
    values: (saw[index] ?? []).slice(0, mostValues).map(toPlain),
  }))
  return mask.shown(seen).map(({ expression, values }) => ({ expression, values: values.map(briefly) }))
}

const mostValues = 5
const longText = 400

/** Itself, or how large it is. */
function briefly(value: unknown): unknown {
  const text = JSON.stringify(value)
  if (text.length <= longText) return value
  if (typeof value === 'string') return `${value.slice(0, longText)}…`
  if (Array.isArray(value)) return `<array of ${value.length}>`
  return `<object of ${Object.keys(value ?? {}).length}>`
}

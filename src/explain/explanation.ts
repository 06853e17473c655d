/** Outcomes of clauses → an explanation: per rule its value, what made it, and for a denial what was missing. Pure. */
import { RegoNumber, type RegoValue } from '../../extensions/extension.ts'
import type { Outcome } from '../engine/outcome.ts'
import { pathKey, showPath, startsWith } from '../policy/paths.ts'
import type { Clause, Condition, RulePath } from './clause.ts'
import { printExact, toExact } from './exact-json.ts'
import { itemsOf } from './host.ts'
import { visitKey, type ClauseOutcome, type Collected, type Failure } from './findings.ts'
import type { Mask } from './mask.ts'
import type { Program } from './program.ts'
import type { AttemptView, ClauseView, ConditionView, Explanation, RuleExplanation, SeenView } from './view.ts'

export interface Findings extends Collected {
  readonly program: Program
  /** The package whose rules go by their short names. */
  readonly home: RulePath
  /** Rules that were asked for. */
  readonly asked: readonly RulePath[]
  readonly decided: Outcome
  readonly decision: Explanation['decision']
  /** By `pathKey`. */
  readonly values: ReadonlyMap<string, RegoValue>
  readonly unavailable: ReadonlySet<string>
  readonly notes: readonly string[]
  readonly mask: Mask
}

export function explanationOf(findings: Findings): Explanation {
  const { decided, decision, unavailable, notes, mask } = findings
  const rules = inOrderOfNeed(findings).map((target) => ruleView(target, findings))
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

/** A rule, or a function with the arguments that it was called with. */
interface Target {
  readonly path: RulePath
  readonly args: readonly RegoValue[] | undefined
  readonly title: string
}

const ruleTarget = (path: RulePath, home: RulePath): Target => ({ path, args: undefined, title: ruleTitle(path, home) })

/** Those that were asked for, and then what matters for them. */
function inOrderOfNeed(findings: Findings): readonly Target[] {
  const { asked, home } = findings
  const found = new Map(asked.map((path) => [ruleTitle(path, home), ruleTarget(path, home)]))
  for (const target of found.values()) {
    if (found.size > mostRules) break
    for (const { clause, outcome } of attemptsOf(target, findings)) {
      const failures = outcome.held ? outcome.saw : outcome.missing
      const rules = outcome.held ? clause.conditions.flatMap((condition) => rulesOf(condition, findings)) : []
      for (const needed of [...rules, ...failures.flatMap((failure) => targetsOf(clause, failure, findings))])
        if (!found.has(needed.title)) found.set(needed.title, needed)
    }
  }
  return [...found.values()]
}

const mostRules = 100
const mostCalls = 3

/** What a failed condition rests on: rules with a value, and calls. */
function targetsOf(clause: Clause, { condition: index, calls }: Failure, findings: Findings): readonly Target[] {
  const condition = clause.conditions[index]
  if (condition === undefined) return []
  const { home, mask, program } = findings
  const called = condition.calls.flatMap(({ function: path, args: expressions }, call): Target[] =>
    program.functions.has(pathKey(path))
      ? (calls[call] ?? []).slice(0, mostCalls).map((args) => {
          const seen = itemsOf(args).map((value, at) => ({
            expression: expressions[at] ?? '',
            values: [toExact(value)],
          }))
          const shown = mask.shown(seen).map(({ values }) => printExact(briefly(values[0])))
          return { path, args: itemsOf(args), title: `${ruleTitle(path, home)}(${shown.join(', ')})` }
        })
      : [],
  )
  return [...rulesOf(condition, findings), ...called]
}

/** The rules with a value that a condition may mean. */
function rulesOf(condition: Condition, { program, home }: Findings): readonly Target[] {
  return program.rules
    .filter((rule) => condition.refs.some((ref) => startsWith(ref, rule)))
    .map((path) => ruleTarget(path, home))
}

const titlesOf = (targets: readonly Target[]): { rules?: readonly string[] } =>
  targets.length === 0 ? {} : { rules: [...new Set(targets.map(({ title }) => title))] }

interface Attempt {
  readonly clause: Clause
  readonly outcome: ClauseOutcome
}

function attemptsOf({ path, args = [] }: Target, { program, outcomes }: Findings): readonly Attempt[] {
  return (program.byRule.get(pathKey(path)) ?? []).flatMap((clause) => {
    const outcome = outcomes.get(visitKey(clause.id, args))
    return outcome === undefined ? [] : [{ clause, outcome }]
  })
}

function valueOf({ path, args }: Target, { program, values, answers }: Findings): RegoValue | undefined {
  const key = pathKey(path)
  if (args === undefined) return values.get(key)
  return answers.get(visitKey(-1 - (program.functions.get(key)?.number ?? 0), args))?.[0]
}

function ruleView(target: Target, findings: Findings): RuleExplanation {
  const { program, mask } = findings
  const key = pathKey(target.path)
  const attempts = attemptsOf(target, findings)
  const value = valueOf(target, findings)
  const held = firstOfChains(attempts.filter(({ outcome }) => outcome.held))
  const fallback = program.byRule.get(key)?.find(({ kind }) => kind === 'default')
  const isDefault = held.length === 0 && value !== undefined && fallback !== undefined
  const failed = attempts.filter(({ outcome }) => !outcome.held)
  const by = held.map(({ clause, outcome }): ClauseView => {
    const saw = outcome.saw.flatMap((failure) => seenView(clause, failure, mask))
    const needed = [
      ...clause.conditions.flatMap((condition) => rulesOf(condition, findings)),
      ...outcome.saw.flatMap((failure) => targetsOf(clause, failure, findings)),
    ]
    return { ...placeOf(clause), ...(saw.length === 0 ? {} : { saw }), ...titlesOf(needed) }
  })
  return {
    rule: target.title,
    ...(value === undefined ? {} : { value: briefly(mask.value(toExact(value))) }),
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
  const plain = toExact(value)
  return (
    typeof plain === 'object' && plain !== null && !(plain instanceof RegoNumber) && Object.keys(plain).length === 0
  )
}

const byNeed = (a: Attempt, b: Attempt): number =>
  a.outcome.missing.length - b.outcome.missing.length || a.outcome.unasked - b.outcome.unasked

function attemptView({ clause, outcome }: Attempt, findings: Findings): AttemptView {
  const conditions = outcome.missing.flatMap((failure): ConditionView[] => {
    const condition = clause.conditions[failure.condition]
    if (condition === undefined) return []
    const { file, line, text } = condition
    const saw = seenView(clause, failure, findings.mask)
    return [{ file, line, text, saw, ...titlesOf(targetsOf(clause, failure, findings)) }]
  })
  return { ...placeOf(clause), conditions, ...(outcome.unasked === 0 ? {} : { unasked: outcome.unasked }) }
}

function seenView(clause: Clause, { condition, saw }: Failure, mask: Mask): readonly SeenView[] {
  const shown = clause.conditions[condition]?.shown ?? []
  const seen = shown.map((expression, index) => ({
    expression,
    values: (saw[index] ?? []).slice(0, mostValues).map(toExact),
  }))
  return mask.shown(seen).map(({ expression, values }) => ({ expression, values: values.map(briefly) }))
}

const mostValues = 5
const longText = 400

/** Itself, or how large it is. */
function briefly(value: unknown): unknown {
  const text = printExact(value)
  if (text.length <= longText) return value
  if (typeof value === 'string') return `${value.slice(0, longText)}…`
  if (Array.isArray(value)) return `<array of ${value.length}>`
  return `<object of ${Object.keys(value ?? {}).length}>`
}

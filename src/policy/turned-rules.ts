/** From the rules of today back to those of an earlier day: what is written for it, and what the audit log says. Pure. */
import { effectOf, type Effect } from './api-effect.ts'
import type { RuleStep } from './api-draft.ts'
import { ruleKey, type Rule } from './rules.ts'

export interface TurnedRules {
  /** By `ruleKey`: those that stand as they are keep who changed them and when. */
  readonly rules: ReadonlyMap<string, Rule>
  readonly writes: { readonly put: readonly Rule[]; readonly remove: readonly string[] }
  /** null: they say what they said then. */
  readonly effect: Effect | null
}

export interface TurnOptions {
  /** By `ruleKey`. */
  readonly now: ReadonlyMap<string, Rule>
  readonly past: readonly Rule[]
  readonly actor: string
  readonly at: Date
}

export function turnRules({ now, past, actor, at }: TurnOptions): TurnedRules {
  const left = new Map([...now.values()].map((rule) => [rule._id, rule]))
  const rules = new Map<string, Rule>()
  const put: Rule[] = []
  const steps: RuleStep[] = []
  for (const rule of past) {
    const before = left.get(rule._id)
    left.delete(rule._id)
    if (before !== undefined && isSame(before, rule)) rules.set(ruleKey(before), before)
    else {
      const after = { ...rule, updated_at: at, updated_by: actor, revision: 0 }
      rules.set(ruleKey(after), after)
      put.push(after)
      steps.push({ kind: 'rule', before, after })
    }
  }
  for (const before of left.values()) steps.push({ kind: 'rule', before, after: undefined })
  const effect = steps.length === 0 ? null : effectOf({ kind: 'rules', put: [], patch: [], remove: [] }, steps)
  return { rules, writes: { put, remove: [...left.keys()] }, effect }
}

function isSame(a: Rule, b: Rule): boolean {
  return a.is_active === b.is_active && ruleKey(a) === ruleKey(b)
}

/** What the audit log says of a change made through the API: which modules and rules, before and after. */
import { compareText } from './analysis.ts'
import type { ApiChange } from './api-change.ts'
import type { RuleStep, Step } from './api-draft.ts'
import { sha256 } from './digest.ts'
import type { TextChange } from './schema.ts'
import { generatedModule, ruleKey, type Rule } from './rules.ts'

export interface Effect {
  readonly action: string
  readonly resource: string
  readonly details: Readonly<Record<string, unknown>>
  readonly changes: readonly TextChange[]
  /** Rules that it creates, updates, removes. */
  readonly counts: Counts
}

interface Counts {
  readonly created: number
  readonly updated: number
  readonly removed: number
}

/** Rules named in one audit entry; the digests cover all. */
const mostNamed = 50

export function effectOf(change: ApiChange, steps: readonly Step[]): Effect {
  const modules = steps.flatMap((step) => (step.kind === 'module' ? [step] : []))
  const rules = steps.flatMap((step) => (step.kind === 'rule' ? [step] : []))
  const [first] = modules
  const counts = countsOf(rules)
  const details = {
    ...(rules.length > 0 && { rules: { ...counts, ...ruleDetails(rules) } }),
  }
  const changes = modules.map(({ id, before, after }) => {
    return { key: `module:${id}`, before: before?.digest ?? null, after: after?.digest ?? null }
  })
  if (change.kind === 'modules') {
    const action = modules.some(({ after }) => after !== undefined) ? 'module.upload' : 'module.delete'
    return {
      action,
      resource: first !== undefined && modules.length === 1 ? first.id : (change.remove[0] ?? 'modules'),
      details,
      changes,
      counts,
    }
  }
  const service = new Set(rules.map(({ before, after }) => (after ?? before)?.service_name ?? ''))
  const [only = ''] = service
  return {
    action: 'rules.change',
    resource: service.size === 1 ? generatedModule(only) : 'rules',
    details,
    changes,
    counts,
  }
}

function countsOf(steps: readonly RuleStep[]): Counts {
  const created = steps.filter(({ before }) => before === undefined).length
  const removed = steps.filter(({ after }) => after === undefined).length
  return { created, updated: steps.length - created - removed, removed }
}

function ruleDetails(steps: readonly RuleStep[]): Readonly<Record<string, unknown>> {
  const named = steps.slice(0, mostNamed).map(({ before, after }) => ({ before: shown(before), after: shown(after) }))
  return {
    before: rulesDigest(steps.flatMap(({ before }) => before ?? [])),
    after: rulesDigest(steps.flatMap(({ after }) => after ?? [])),
    ...(steps.length <= mostNamed && { changes: named }),
  }
}

function shown(rule: Rule | undefined): object | null {
  if (rule === undefined) return null
  const { _id: id, service_name, resource_type, role, action, is_active } = rule
  return { id, service_name, resource_type, role, action, is_active }
}

function rulesDigest(rules: readonly Rule[]): string | null {
  if (rules.length === 0) return null
  return sha256(
    rules
      .map((rule) => `${ruleKey(rule)}${rule.is_active}`)
      .sort(compareText)
      .join('\n'),
  )
}

/** Content of the API that is being changed: copied when it first is, able to go back, and it knows what was done. */
import { ruleKey, type Rule } from './rules.ts'
import type { SourceFile } from './schema.ts'

/** What is in force through the API. */
export interface ApiContent {
  /** By id. */
  readonly modules: ReadonlyMap<string, SourceFile>
  /** By `ruleKey`. */
  readonly rules: ReadonlyMap<string, Rule>
}

export interface RuleStep {
  readonly kind: 'rule'
  readonly before: Rule | undefined
  readonly after: Rule | undefined
}

interface ModuleStep {
  readonly kind: 'module'
  readonly id: string
  readonly before: SourceFile | undefined
  readonly after: SourceFile | undefined
}

export type Step = RuleStep | ModuleStep

export function createDraft(content: ApiContent) {
  const steps: Step[] = []
  let modules: Map<string, SourceFile> | undefined
  let rules: Map<string, Rule> | undefined
  let ids: Map<string, Rule> | undefined
  let services: Map<string, number> | undefined
  const originals = new Map<string, Rule | undefined>()
  const allRules = () => rules ?? content.rules
  const byId = () => (ids ??= new Map([...allRules().values()].map((rule) => [rule._id, rule])))
  const counts = () => (services ??= countServices(allRules().values()))

  const write = (step: Step): void => {
    if (step.kind === 'rule') return writeRule(step)
    modules ??= new Map(content.modules)
    if (step.after === undefined) modules.delete(step.id)
    else modules.set(step.id, step.after)
  }
  const writeRule = ({ before, after }: RuleStep): void => {
    byId()
    counts()
    rules ??= new Map(content.rules)
    for (const rule of [before, after]) {
      if (rule !== undefined && !originals.has(rule._id)) originals.set(rule._id, before)
    }
    if (before !== undefined) {
      rules.delete(ruleKey(before))
      byId().delete(before._id)
      count(counts(), before.service_name, -1)
    }
    if (after === undefined) return
    rules.set(ruleKey(after), after)
    byId().set(after._id, after)
    count(counts(), after.service_name, 1)
  }
  return {
    steps,
    modules: () => modules ?? content.modules,
    rules: allRules,
    rule: (id: string) => byId().get(id),
    ownsService: (service: string) => (counts().get(service) ?? 0) > 0,
    take: (step: Step): void => {
      write(step)
      steps.push(step)
    },
    undo: (to: number): void => {
      for (const step of steps.splice(to).toReversed())
        write({ ...step, before: step.after, after: step.before } as Step)
    },
    content: (): ApiContent => ({ modules: modules ?? content.modules, rules: allRules() }),
    written: () => {
      const changed = [...originals].filter(([id, original]) => byId().get(id) !== original)
      return {
        put: changed.flatMap(([id]) => byId().get(id) ?? []),
        remove: changed.flatMap(([id]) => (byId().has(id) ? [] : [id])),
      }
    },
  }
}

export type Draft = ReturnType<typeof createDraft>

export function countServices(rules: Iterable<Rule>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { service_name } of rules) count(counts, service_name, 1)
  return counts
}

function count(counts: Map<string, number>, key: string, by: number): void {
  const next = (counts.get(key) ?? 0) + by
  if (next === 0) counts.delete(key)
  else counts.set(key, next)
}

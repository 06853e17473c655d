/**
 * What callers of the API want changed, and what comes of it: content in force + changes → next content, with the effect
 * of each change for the audit log, or why it cannot be. Pure; whether the Rego holds is for the build to say.
 */
import { z } from 'zod'
import { createDraft, type ApiContent, type Draft } from './api-draft.ts'
import { effectOf, type Effect } from './api-effect.ts'
import { sha256 } from './digest.ts'
import { coreModule, generatedModule, moduleIdProblem, ruleKey, ruleKeySchema, serviceOf, type Rule } from './rules.ts'

const moduleChange = z.object({
  kind: z.literal('modules'),
  put: z.array(z.object({ id: z.string(), rego: z.string() })),
  /** A generated module goes with the rules that own it. */
  remove: z.array(z.string()),
  /** Only what is there already may be put. */
  existing: z.boolean().optional(),
})

const rulePut = ruleKeySchema.extend({ id: z.string(), is_active: z.boolean() })

const ruleChange = z.object({
  kind: z.literal('rules'),
  /** `id` counts only when the rule is new; one of the same service, type, role and action keeps its own. */
  put: z.array(rulePut),
  patch: z.array(rulePut.partial().required({ id: true })).default([]),
  remove: z.array(z.string()).default([]),
  /** The active rules that `put` takes the place of. */
  replaceOf: ruleKeySchema.pick({ service_name: true, resource_type: true }).optional(),
  /** What is put may not be there yet. */
  fresh: z.boolean().optional(),
})

export const apiChangeSchema = z.discriminatedUnion('kind', [moduleChange, ruleChange])
export type ApiChange = z.infer<typeof apiChangeSchema>

export type Refusal = { readonly code: 'conflict' | 'not_found' | 'invalid'; readonly message: string }

export interface Wish {
  readonly change: ApiChange
  readonly actor: string
}

export interface Folded<T extends Wish> {
  readonly content: ApiContent
  readonly effects: ReadonlyMap<T, Effect>
  readonly refused: ReadonlyMap<T, Refusal>
  /** What differs from the content before. */
  readonly rules: { readonly put: readonly Rule[]; readonly remove: readonly string[] }
}

/** One after another, in order; a change that cannot be leaves nothing behind. A change without an effect has no entry. */
export function withChanges<T extends Wish>(content: ApiContent, wishes: readonly T[], now: Date): Folded<T> {
  const draft = createDraft(content)
  const effects = new Map<T, Effect>()
  const refused = new Map<T, Refusal>()
  for (const wish of wishes) {
    const { change, actor } = wish
    const begun = draft.steps.length
    const refusal =
      change.kind === 'modules' ? changeModules(draft, change) : changeRules(draft, change, { actor, now })
    if (refusal !== undefined) {
      draft.undo(begun)
      refused.set(wish, refusal)
    } else if (draft.steps.length > begun) effects.set(wish, effectOf(change, draft.steps.slice(begun)))
  }
  return { content: draft.content(), effects, refused, rules: draft.written() }
}

type ModuleChange = Extract<ApiChange, { kind: 'modules' }>
type RuleChange = Extract<ApiChange, { kind: 'rules' }>

function changeModules(draft: Draft, change: ModuleChange): Refusal | undefined {
  for (const { id, rego } of change.put) {
    const refusal = refuseModule(draft, id, change.existing === true)
    if (refusal !== undefined) return refusal
    const before = draft.modules().get(id)
    const after = { path: `${id}.rego`, digest: sha256(rego), text: rego }
    if (before?.digest !== after.digest) draft.take({ kind: 'module', id, before, after })
  }
  for (const id of change.remove) {
    const service = serviceOf(id)
    const before = draft.modules().get(id)
    if (before !== undefined) draft.take({ kind: 'module', id, before, after: undefined })
    else if (service !== undefined && draft.ownsService(service)) removeService(draft, service)
    else return { code: 'not_found', message: 'Policy not found' }
  }
  return undefined
}

function refuseModule(draft: Draft, id: string, existing: boolean): Refusal | undefined {
  const problem = moduleIdProblem(id)
  if (problem !== undefined) return { code: 'invalid', message: `${JSON.stringify(id)} is no module name: ${problem}` }
  if (id.startsWith('edict/')) return { code: 'conflict', message: `${id} belongs to Edict` }
  const service = serviceOf(id)
  if (service !== undefined && draft.ownsService(service))
    return {
      code: 'conflict',
      message: `${id} is generated from the rules of ${service}; change its rules, or delete it first`,
    }
  return existing && !draft.modules().has(id) ? { code: 'not_found', message: 'Policy not found' } : undefined
}

function removeService(draft: Draft, service: string): void {
  const own = [...draft.rules().values()].filter(({ service_name }) => service_name === service)
  for (const before of own) draft.take({ kind: 'rule', before, after: undefined })
}

interface Stamp {
  readonly actor: string
  readonly now: Date
}

function changeRules(draft: Draft, change: RuleChange, stamp: Stamp): Refusal | undefined {
  for (const id of change.remove) {
    const before = draft.rule(id)
    if (before === undefined) return { code: 'not_found', message: `no rule ${id}` }
    draft.take({ kind: 'rule', before, after: undefined })
  }
  const put = new Map(change.put.map((rule) => [ruleKey(rule), rule]))
  for (const before of change.replaceOf === undefined ? [] : activeOf(draft, change.replaceOf))
    if (!put.has(ruleKey(before))) draft.take({ kind: 'rule', before, after: undefined })
  for (const rule of put.values()) {
    const refusal = putRule(draft, rule, { ...stamp, fresh: change.fresh === true })
    if (refusal !== undefined) return refusal
  }
  for (const patch of change.patch) {
    const refusal = patchRule(draft, patch, stamp)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

function putRule(
  draft: Draft,
  { id, ...fields }: RuleChange['put'][number],
  { actor, now, fresh }: Stamp & { readonly fresh: boolean },
): Refusal | undefined {
  const before = draft.rules().get(ruleKey(fields))
  if (before !== undefined && fresh) return taken(before)
  if (before?.is_active === fields.is_active) return undefined
  const created = before ?? { _id: id, created_at: now, created_by: actor }
  const after = { ...created, ...fields, updated_at: now, updated_by: actor, revision: 0 }
  return takeRule(draft, before, after)
}

function patchRule(
  draft: Draft,
  { id, ...fields }: RuleChange['patch'][number],
  { actor, now }: Stamp,
): Refusal | undefined {
  const before = draft.rule(id)
  if (before === undefined) return { code: 'not_found', message: `no rule ${id}` }
  const after = { ...before, ...defined(fields), updated_at: now, updated_by: actor, revision: 0 }
  const other = draft.rules().get(ruleKey(after))
  if (other !== undefined && other._id !== id) return taken(other)
  if (other !== undefined && other.is_active === after.is_active) return undefined
  return takeRule(draft, before, after)
}

function takeRule(draft: Draft, before: Rule | undefined, after: Rule): Refusal | undefined {
  const id = generatedModule(after.service_name)
  if (id === coreModule) return { code: 'conflict', message: `${id} is the core; no service can have its name` }
  if (draft.modules().has(id))
    return { code: 'conflict', message: `${id} is a module that was uploaded; rules cannot own it until it is deleted` }
  draft.take({ kind: 'rule', before, after })
  return undefined
}

function taken({ _id, service_name, resource_type, role, action }: Rule): Refusal {
  const shown = [service_name, resource_type, role, action].map((text) => JSON.stringify(text)).join(', ')
  return { code: 'conflict', message: `there is a rule of ${shown} already: ${_id}` }
}

function activeOf(
  draft: Draft,
  of: { readonly service_name: string; readonly resource_type: string },
): readonly Rule[] {
  return [...draft.rules().values()].filter(
    (rule) => rule.is_active && rule.service_name === of.service_name && rule.resource_type === of.resource_type,
  )
}

function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}

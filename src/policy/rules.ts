/**
 * Rules as data: who with which role may do what to which type of resource, by service. Names are any text; they become
 * keys of one table, `data.edict.rules[resource_type][role][action]`, and never code. Pure.
 */
import { z } from 'zod'
import { compareText } from './analysis.ts'
import { place } from './layout.ts'

/** Any text but the empty one; half a surrogate pair has no UTF-8. */
const name = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => !/\p{Surrogate}/u.test(text), 'is not well-formed text')

/** It ends the id of a module, `rbac/<service_name>`, and so is made as those are. */
const serviceName = name.refine((text) => !text.includes('/') && moduleIdProblem(generatedModule(text)) === undefined, {
  error: 'names a module: letters, digits, ".", "_" and "-", and neither "policy" nor "…_test"',
})

export const ruleKeySchema = z.object({ service_name: serviceName, resource_type: name, role: name, action: name })

/** What a rule says; unique in its deployment. */
export type RuleKey = z.infer<typeof ruleKeySchema>

/** Collection `rules`. `_id` is the rule's id. */
export const ruleSchema = ruleKeySchema.extend({
  _id: z.string().min(1).max(64),
  is_active: z.boolean(),
  created_at: z.date(),
  created_by: z.string(),
  updated_at: z.date(),
  updated_by: z.string(),
  /** The revision that last wrote it. */
  revision: z.number().int(),
})
export type Rule = z.infer<typeof ruleSchema>

/** A page of the rules that have all of these; absent: any. */
export interface RuleQuery {
  readonly service_name?: string | undefined
  readonly resource_type?: string | undefined
  readonly role?: string | undefined
  readonly action?: string | undefined
  readonly is_active?: boolean | undefined
  /** Part of one of the names, in any case. */
  readonly q?: string | undefined
  readonly limit: number
  readonly skip: number
}

/** Rules that one change puts, changes or takes away: one transaction holds them. */
export const mostRules = 20_000

/** Shipped, until a fragment declares it. */
export const coreModule = 'rbac/core'

/** The table's place among shared data, and its file in an export. */
export const rulesDataId = 'edict/rules'
export const rulesDataPath = `${rulesDataId}/data.json`

/** The module that the rules of a service own. */
export function generatedModule(service: string): string {
  return `rbac/${service}`
}

/** The service of a generated module's id. */
export function serviceOf(moduleId: string): string | undefined {
  return /^rbac\/([^/]+)$/.exec(moduleId)?.[1]
}

/** Why no shared module may have this id; undefined when one may. */
export function moduleIdProblem(id: string): string | undefined {
  const placed = place([`${id}.rego`]).get(`${id}.rego`)
  if (placed?.kind === 'refused') return placed.message
  if (placed?.kind === 'module-test') return 'a module whose id ends in "_test" is a test'
  return placed?.kind === 'module' ? undefined : 'no folder or file of it may begin with a dot'
}

/** Same text, same rule. */
export function ruleKey({ service_name, resource_type, role, action }: RuleKey): string {
  return JSON.stringify([service_name, resource_type, role, action])
}

type Roles = Map<string, Set<string>>

/** Resource types, their roles, the actions of each: of the active rules alone. */
export function groupRules(rules: Iterable<RuleKey & Pick<Rule, 'is_active'>>): ReadonlyMap<string, Roles> {
  const types = new Map<string, Roles>()
  for (const { resource_type, role, action, is_active } of rules) {
    if (!is_active) continue
    let roles = types.get(resource_type)
    if (roles === undefined) types.set(resource_type, (roles = new Map()))
    const actions = roles.get(role)
    if (actions === undefined) roles.set(role, new Set([action]))
    else actions.add(action)
  }
  return types
}

/** The table as canonical JSON: the same rules are the same text. */
export function ruleTable(rules: Iterable<RuleKey & Pick<Rule, 'is_active'>>): string {
  return object(groupRules(rules), (roles) => object(roles, (actions) => object(new Map(flags(actions)), String)))
}

function* flags(actions: Iterable<string>): Iterable<[string, true]> {
  for (const action of actions) yield [action, true]
}

/** Written by hand: in an object of JavaScript `__proto__` is no key like others, and numbers come first. */
function object<T>(entries: ReadonlyMap<string, T>, write: (value: T) => string): string {
  const members = [...entries].sort(([a], [b]) => compareText(a, b))
  return `{${members.map(([key, value]) => `${JSON.stringify(key)}:${write(value)}`).join(',')}}`
}

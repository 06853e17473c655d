/**
 * Who has an action, rule by rule, and what of the things asked about lies outside each rule's scope. Each rule is put to
 * the policy that decides, alone: nothing is decided here. What two rules cover only together, neither covers whole.
 */
import type { Action, Resource } from './actions.ts'
import type { Question, Verdict } from './authz.ts'
import type { Rules } from './rules.ts'

export interface Holder {
  readonly rule: string
  readonly actors: readonly string[]
  readonly roles: readonly string[]
  readonly groups: readonly string[]
  /** Only what is of the actor's own groups: these are the groups. */
  readonly ownGroups: readonly string[] | null
  /** Keys of what lies outside its scope. */
  readonly uncovered: readonly string[]
}

export interface HoldersOptions {
  readonly rules: Rules
  readonly action: Action
  readonly resources: readonly Resource[]
  /** How these rules alone decide. */
  readonly deciderOf: (rules: Rules) => (question: Question) => Verdict
}

export function holdersOf({ rules, action, resources, deciderOf }: HoldersOptions): readonly Holder[] {
  const ownGroups = [...new Set(resources.flatMap(({ group }) => group ?? []))].sort()
  return rules.rules
    .filter(({ actions }) => actions.includes(action))
    .map((rule) => {
      const isOwn = isOwnGroups(rule.scope ?? rule.target_scope)
      const groups = [...rule.groups, ...(isOwn ? ownGroups : [])]
      const actor = { id: rule.actors[0] ?? 'edict', kind: 'token' as const, roles: rule.roles, groups }
      const { uncovered } = deciderOf({ groups: {}, emails: {}, rules: [rule], four_eyes: [] })({
        actor,
        action,
        resources,
      })
      const { id, actors, roles } = rule
      return { rule: id, actors, roles, groups: rule.groups, ownGroups: isOwn ? ownGroups : null, uncovered }
    })
}

/** Who made these, where another must let them through. */
export function makersOf(resources: readonly Resource[], decide: (question: Question) => Verdict): readonly string[] {
  const makers = [...new Set(resources.flatMap(({ by = [] }) => by))]
  return makers.filter((id) => {
    const actor = { id, kind: 'token' as const, roles: [], groups: [] }
    return decide({ actor, action: 'approve', resources }).rules.includes('edict:four-eyes')
  })
}

type Scope = Rules['rules'][number]['scope']

const isOwnGroups = (scope: Scope): boolean => typeof scope === 'object' && scope.own_groups

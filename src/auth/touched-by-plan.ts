/** What a plan touches, as the gate is asked for it. Pure. */
import type { PlanSummary } from '../policy/plan-document.ts'
import { policyResource, storedModuleResource, type Resource } from './actions.ts'

export interface Planned {
  readonly changes: { readonly policies: Names; readonly modules: Names }
  /** Whose wishes it contains: they made it. */
  readonly requests: readonly { readonly actor: string }[]
  /** Who wrote or committed it. */
  readonly authors?: readonly string[]
}

type Names = Pick<PlanSummary['changes']['policies'], 'create' | 'replace' | 'remove'>

/** null, or with no changes: the plan itself, so that something is asked for. */
export function touchedByPlan(id: string, plan: Planned | null): readonly Resource[] {
  const by = [...(plan?.requests ?? []).map(({ actor }) => actor), ...(plan?.authors ?? [])]
  const policies = namesOf(plan?.changes.policies).map((key) => policyResource(key, by))
  const modules = namesOf(plan?.changes.modules).map((key) => storedModuleResource(key, by))
  const touched = [...policies, ...modules]
  return touched.length > 0 ? touched : [{ kind: 'plan', key: id, by }]
}

export const namesOf = (change: Names | undefined): readonly string[] =>
  change === undefined ? [] : [...change.create, ...change.replace, ...change.remove]

/** Something is asked for, whatever it is that changes. */
export const orPlan = (key: string, touched: readonly Resource[]): readonly Resource[] =>
  touched.length > 0 ? touched : [{ kind: 'plan', key }]

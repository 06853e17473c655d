/** What a change would touch, as the gate is asked for it. */
import type { Db } from 'mongodb'
import {
  moduleResource,
  policyResource,
  ruleResource,
  sourceResource,
  storedModuleResource,
  type Action,
  type Resource,
} from '../auth/actions.ts'
import { namesOf, orPlan, touchedByPlan } from '../auth/touched-by-plan.ts'
import type { ApiChange } from '../policy/api-change.ts'
import type { CycleRequest } from '../policy/schema.ts'
import { collectionsOf } from './collections.ts'

type Wish = Pick<CycleRequest, 'reason' | 'source' | 'plan' | 'revision' | 'change'>

/** All that was changed since. */
export async function touchedSince(db: Db, revision: number): Promise<readonly Resource[]> {
  const applied = { revision: { $gt: revision } }
  const plans = await collectionsOf(db)
    .plans.find(applied, { projection: { changes: 1 } })
    .toArray()
  const names = (kind: 'policies' | 'modules') => new Set(plans.flatMap(({ changes }) => namesOf(changes[kind])))
  const touched = [
    ...[...names('policies')].map((key) => policyResource(key)),
    ...[...names('modules')].map((id) => storedModuleResource(id)),
  ]
  return orPlan(`revision ${revision}`, touched)
}

/** What has to be allowed before a wish is written down. */
export async function askedBy(db: Db, wish: Wish): Promise<readonly [Action, readonly Resource[]]> {
  const { reason, source, plan = null, revision = null, change } = wish
  if (reason === 'approve' && plan !== null)
    return ['approve', touchedByPlan(plan, await collectionsOf(db).plans.findOne({ _id: plan }))]
  if (reason === 'rollback') return ['rollback', await touchedSince(db, revision ?? 0)]
  if (change !== undefined) return ['change', await touchedByChange(db, change)]
  return [reason === 'confirm' ? 'approve' : 'source', [sourceResource(source)]]
}

async function touchedByChange(db: Db, change: ApiChange): Promise<readonly Resource[]> {
  if (change.kind === 'modules') {
    const ids = new Set([...change.put.map(({ id }) => id), ...change.remove])
    return [...ids].map((id) => moduleResource(id))
  }
  const ids = [...change.remove, ...change.patch.map(({ id }) => id)]
  const known = await collectionsOf(db)
    .rules.find({ _id: { $in: ids } }, { projection: { service_name: 1 } })
    .toArray()
  const named = [
    ...known,
    ...change.put,
    ...change.patch,
    ...(change.replaceOf === undefined ? [] : [change.replaceOf]),
  ]
  const services = new Set(named.flatMap(({ service_name }) => service_name ?? []))
  // Rules that are not there: whoever may change none is told so, all others that they are not there.
  return services.size > 0 ? [...services].map(ruleResource) : [{ kind: 'rule', key: '*' }]
}

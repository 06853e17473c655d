/**
 * `edict policy explain --actor`: who may do what by the configured rules. What is not given is looked up in the store: roles
 * and groups are those of the actor's tokens, what a plan touches and who made it, who locked a policy.
 */
import { relative } from 'node:path'
import type { Action, Resource } from '../auth/actions.ts'
import type { Actor } from '../auth/actor.ts'
import { defaultRules } from '../auth/default-rules.ts'
import { touchedByPlan } from '../auth/touched-by-plan.ts'
import type { Config } from '../config.ts'
import { EdictError } from '../errors.ts'
import { explainAuthorization, type AuthorizationOptions } from '../explain/authorization.ts'
import type { Explanation } from '../explain/view.ts'
import type { PolicyKey } from '../policy/schema.ts'
import type { Store } from '../store/store.ts'
import { actorOf } from './acting.ts'
import type { RunOptions } from './deployment.ts'
import { parseRules, rulesText } from './rules-text.ts'
import { withStore } from './with-store.ts'

export interface ExplainAuthzOptions extends RunOptions {
  readonly cwd: string
  readonly actor: string
  /** null: look them up. */
  readonly belongs: Pick<Actor, 'roles' | 'groups'> | null
  /** Besides those of the rules file. */
  readonly emails: readonly string[]
  readonly action: Action
  /** A plan stands for what it touches. */
  readonly resource: Resource
}

export const explainAuthorizationHere = async (options: ExplainAuthzOptions): Promise<Explanation> => {
  const { config, cwd, actor: id, belongs, emails, action, resource } = options
  const asked =
    belongs === null || resource.kind === 'plan'
      ? await withStore(options, (store) => lookedUp(store, options))
      : { belongs, resources: [resource] }
  const actor: Actor = { id, kind: 'token', roles: asked.belongs.roles, groups: asked.belongs.groups, emails }
  const question = { actor, action, resources: asked.resources }
  return explainAuthorization({ ...rulesOf(config, cwd), protectedKeys: config.protected, question })
}

const rulesOf = ({ policy }: Config, cwd: string): Pick<AuthorizationOptions, 'rules' | 'placeOf'> => {
  const { file } = policy
  if (file === null)
    return { rules: defaultRules, placeOf: ([, index]) => ({ file: 'shipped rules', line: index + 1 }) }
  const { rules, placeOf } = parseRules(rulesText(file), file)
  return { rules, placeOf: (path) => ({ file: relative(cwd, file), line: placeOf(path).line }) }
}

const lookedUp = async (store: Store, { actor, belongs, ...asked }: ExplainAuthzOptions) => {
  const known = belongs ?? (await actorOf(store, { as: actor, breakGlass: null, command: '' }))
  return { belongs: known ?? { roles: [], groups: [] }, resources: await resourcesOf(store, asked) }
}

const resourcesOf = async (
  store: Store,
  { action, resource }: Pick<ExplainAuthzOptions, 'action' | 'resource'>,
): Promise<readonly Resource[]> => {
  const { kind, key, by } = resource
  if (kind === 'plan') {
    const plan = await store.plans.get(key)
    if (plan === null) throw new EdictError('plan_not_found', `there is no plan ${key}`)
    return touchedByPlan(key, plan)
  }
  if (kind !== 'policy' || action !== 'unlock' || by !== undefined) return [resource]
  const lock = await store.locks.get(key as PolicyKey)
  return [{ ...resource, by: lock === null ? [] : [lock.actor] }]
}

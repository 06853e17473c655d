/**
 * The question at the head of each operation that changes something or shows source text: may this actor do it? Answers
 * the actor that may; rejects with `unauthenticated` when there must be one and is none, or with `forbidden`.
 */
import { EdictError } from '../errors.ts'
import { localActor, type Actor } from './actor.ts'
import type { AuthMode } from './mode.ts'

export type Action =
  | 'policy.evaluate'
  | 'policy.read'
  | 'policy.lock'
  | 'policy.unlock'
  | 'audit.read'
  | 'module.read'
  | 'module.check'
  | 'module.write'
  | 'module.delete'
  | 'rule.read'
  | 'rule.write'
  | 'source.sync'
  | 'source.confirm'
  | 'source.release'
  | 'source.webhook'
  | 'plan.read'
  | 'plan.approve'
  | 'plan.reject'
  | 'revision.rollback'
  | 'token.read'
  | 'token.create'
  | 'token.revoke'

export type Enforce = (actor: Actor | null, action: Action, resource: string) => Promise<Actor>

/** What any actor may. */
const reading: ReadonlySet<Action> = new Set<Action>([
  'policy.evaluate',
  'policy.read',
  'module.read',
  'rule.read',
  'plan.read',
  'audit.read',
])

/** In open mode everything is allowed; else who has the role `superuser` may do everything, and others may read. */
export const createEnforce =
  ({ mode }: { readonly mode: () => AuthMode }): Enforce =>
  async (actor, action, resource) => {
    if (mode() === 'open') return actor ?? localActor
    const known = actor ?? nobody(mode())
    if (mayDo(known, action)) return known
    throw new EdictError('forbidden', `${known.id} may not do ${action} on ${resource}`)
  }

const nobody = (mode: AuthMode): never => {
  if (mode === 'unknown')
    throw new EdictError('store_unavailable', 'it is not known who may do what: the store has not answered')
  throw new EdictError('unauthenticated', 'this needs a credential: Authorization: Bearer …')
}

const mayDo = ({ kind, roles }: Actor, action: Action): boolean => {
  if (kind === 'bootstrap') return action === 'token.create'
  if (kind === 'webhook') return action === 'source.webhook'
  return roles.includes('superuser') || reading.has(action)
}

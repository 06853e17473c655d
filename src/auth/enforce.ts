/**
 * The question at the head of each operation that changes something or shows source text: may this actor do it?
 * Throws `unauthenticated` or `forbidden`. In open mode everything is allowed.
 */
import type { Actor } from './actor.ts'

export type Action =
  | 'policy.read'
  | 'policy.lock'
  | 'policy.unlock'
  | 'audit.read'
  | 'source.sync'
  | 'source.confirm'
  | 'source.release'
  | 'source.webhook'
  | 'plan.read'
  | 'plan.approve'
  | 'plan.reject'
  | 'revision.rollback'

export type Enforce = (actor: Actor, action: Action, resource: string) => void | Promise<void>

export const enforceOpen: Enforce = () => undefined

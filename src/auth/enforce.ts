/**
 * The question at the head of each operation that changes something or shows source text: may this actor do it? Answers
 * the actor that may; rejects with `unauthenticated` when there must be one and is none, or with `forbidden`.
 */
import { localActor, type Actor } from './actor.ts'

export type Action =
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

export type Enforce = (actor: Actor | null, action: Action, resource: string) => Promise<Actor>

/** Open mode: everything is allowed. */
export const enforceOpen: Enforce = async (actor) => actor ?? localActor

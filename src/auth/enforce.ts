/**
 * The question at the head of each operation that changes something or shows source text: may this actor do it, to each
 * of these? Answers the actor that may; rejects with `unauthenticated` when there must be one and is none, or with
 * `forbidden`.
 */
import { EdictError } from '../errors.ts'
import type { Action, Resource } from './actions.ts'
import { localActor, type Actor } from './actor.ts'

export type Enforce = (actor: Actor | null, action: Action, resource: Resource | readonly Resource[]) => Promise<Actor>

/** Open mode: everything is allowed. */
export const enforceOpen: Enforce = async (actor) => actor ?? localActor

/** For a store that was opened without rules: nobody may do anything. */
export const enforceNothing: Enforce = async () => {
  throw new EdictError('forbidden', 'the store was opened without saying who may do what')
}

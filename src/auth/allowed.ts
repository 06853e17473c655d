/** What the gate would answer, for who shows it beforehand. */
import { EdictError } from '../errors.ts'
import type { Action, Resource } from './actions.ts'
import type { Actor } from './actor.ts'
import type { Enforce } from './enforce.ts'

export interface Allowed {
  readonly allowed: boolean
  /** Why not. */
  readonly because: string | null
}

/** Rejects with what is no refusal: `store_unavailable`. */
export async function isAllowed(
  enforce: Enforce,
  actor: Actor | null,
  action: Action,
  resources: Resource | readonly Resource[],
): Promise<Allowed> {
  try {
    await enforce(actor, action, resources)
    return { allowed: true, because: null }
  } catch (error) {
    const isRefusal = error instanceof EdictError && (error.status === 403 || error.status === 401)
    if (isRefusal) return { allowed: false, because: error.message }
    throw error
  }
}

/**
 * What the registry knows of one policy. Types only.
 */
import type { RequestContext } from '../../extensions/extension.ts'
import type { Outcome } from '../engine/outcome.ts'
import type { LockDocument, PolicyKey, PolicyMeta } from '../policy/schema.ts'

/** A policy as the registry holds it; `meta` is replaced when the policy is. */
export interface PolicyEntry {
  readonly key: PolicyKey
  readonly meta: PolicyMeta
  /** The lock in force now. */
  readonly lock: LockDocument | undefined
}

/** What answers for a policy now. `meta` is what it was made from: the last good one while a newer cannot be loaded. */
export interface Instance {
  readonly meta: PolicyMeta
  /** As `LoadedPolicy.evaluate`. */
  readonly evaluate: (
    input: Uint8Array | undefined,
    context: RequestContext,
    mayStart?: () => void,
  ) => Outcome | Promise<Outcome>
}

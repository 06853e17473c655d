/**
 * What the registry knows of one policy. Types only.
 */
import type { RequestContext } from '../../extensions/extension.ts'
import type { Outcome } from '../engine/outcome.ts'
import type { EvaluateOptions } from '../engine/policy.ts'
import type { LockDocument, PackageDocument, PolicyKey, PolicyMeta } from '../policy/schema.ts'

/** What every thing that answers has in common. */
export type EntryMeta = Pick<
  PolicyMeta | PackageDocument,
  '_id' | 'repository' | 'digest' | 'artifact' | 'commit' | 'status' | 'revision'
>

/** A policy or a shared package as the registry holds it; `meta` is replaced when it is. */
export interface Entry {
  /** The policy's key; `data.…` for a shared package. */
  readonly key: string
  readonly meta: EntryMeta
  /** The lock in force now. */
  readonly lock: LockDocument | undefined
}

export interface PolicyEntry extends Entry {
  readonly key: PolicyKey
  readonly meta: PolicyMeta
}

/** What answers for a policy now. `meta` is what it was made from: the last good one while a newer cannot be loaded. */
export interface Instance {
  readonly meta: EntryMeta
  /** As `LoadedPolicy.evaluate`. */
  readonly evaluate: (
    input: Uint8Array | undefined,
    context: RequestContext,
    options?: EvaluateOptions,
  ) => Outcome | Promise<Outcome>
}

/** What a replica holds of the store, and how far it has come: enough to notice what no event told of. */
import type { PolicyMeta } from '../policy/schema.ts'
import type { StoreChange } from './events.ts'
import type { Snapshot } from './snapshot.ts'

export interface View {
  readonly sequence: () => number
  readonly held: () => { readonly keys: readonly string[]; readonly revision: number }
  /** The snapshot as the replica shall have it: a document that does not fit stands as it last did. */
  readonly replace: (snapshot: Snapshot) => Snapshot
  readonly advance: (change: StoreChange) => void
  /** The same revision (or an older one) with fewer policies: somebody took them away. */
  readonly lacksPolicies: (snapshot: Snapshot) => boolean
}

export function createView(): View {
  const policies = new Map<string, PolicyMeta>()
  let position = { sequence: -1, revision: -1 }
  return {
    sequence: () => position.sequence,
    held: () => ({ keys: [...policies.keys()], revision: position.revision }),
    replace: (snapshot) => {
      const lastGood = snapshot.problems.flatMap(({ id }) => policies.get(id) ?? [])
      const all = [...snapshot.policies, ...lastGood]
      policies.clear()
      for (const policy of all) policies.set(policy._id, policy)
      position = { sequence: snapshot.sequence, revision: snapshot.revision }
      return { ...snapshot, policies: all }
    },
    advance: (change) => {
      for (const policy of change.policies) policies.set(policy._id, policy)
      for (const key of change.removed) policies.delete(key)
      position = { sequence: change.sequence, revision: change.revision }
    },
    lacksPolicies: (snapshot) => {
      if (snapshot.revision > position.revision) return false
      const present = new Set([...snapshot.policies.map(({ _id }) => _id), ...snapshot.problems.map(({ id }) => id)])
      return [...policies.keys()].some((key) => !present.has(key))
    },
  }
}

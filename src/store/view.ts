/** What a replica holds of the store, and how far it has come: enough to notice what no event told of. */
import type { PackageDocument, PolicyMeta } from '../policy/schema.ts'
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
  const packages = new Map<string, PackageDocument>()
  let position = { sequence: -1, revision: -1 }
  return {
    sequence: () => position.sequence,
    held: () => ({ keys: [...policies.keys()], revision: position.revision }),
    replace: (snapshot) => {
      const all = renew(policies, snapshot.policies, snapshot.problems)
      const allPackages = renew(packages, snapshot.packages, snapshot.problems)
      position = { sequence: snapshot.sequence, revision: snapshot.revision }
      return { ...snapshot, policies: all, packages: allPackages }
    },
    advance: (change) => {
      for (const policy of change.policies) policies.set(policy._id, policy)
      for (const key of change.removed) policies.delete(key)
      for (const found of change.packages.set) packages.set(found._id, found)
      for (const key of change.packages.removed) packages.delete(key)
      position = { sequence: change.sequence, revision: change.revision }
    },
    lacksPolicies: (snapshot) => {
      if (snapshot.revision > position.revision) return false
      const present = new Set([...snapshot.policies.map(({ _id }) => _id), ...snapshot.problems.map(({ id }) => id)])
      return [...policies.keys()].some((key) => !present.has(key))
    },
  }
}

/** What the snapshot has, and of what does not fit the last good one. */
function renew<T extends { readonly _id: string }>(
  held: Map<string, T>,
  found: readonly T[],
  problems: Snapshot['problems'],
): readonly T[] {
  const all = [...found, ...problems.flatMap(({ id }) => held.get(id) ?? [])]
  held.clear()
  for (const item of all) held.set(item._id, item)
  return all
}

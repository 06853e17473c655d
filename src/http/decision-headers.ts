/** The headers that say who was asked and what decided: name, value, name, value. */
import type { Instance } from '../registry/policy-entry.ts'
import type { RegistryState } from '../registry/registry.ts'

export const decisionHeaders = ({
  id,
  cost,
  instance,
  state,
  now,
}: {
  readonly id: string
  /** Units of work, when it was evaluated. */
  readonly cost: number | undefined
  readonly instance: Instance | undefined
  readonly state: Pick<RegistryState, 'staleSince'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}): string[] => {
  const headers = ['x-evaluation-id', id, 'cache-control', 'no-store', 'x-content-type-options', 'nosniff']
  if (instance !== undefined) {
    const { digest, commit, revision } = instance.meta
    headers.push('x-policy-digest', digest, 'x-policy-commit', commit, 'x-policy-revision', String(revision))
  }
  if (cost !== undefined) headers.push('x-evaluation-cost', String(cost))
  const { staleSince } = state
  if (staleSince !== null) headers.push('x-edict-stale', String(Math.max(0, Math.floor((now() - staleSince) / 1000))))
  return headers
}

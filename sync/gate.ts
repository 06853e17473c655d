/** Which sources' newest content is not taken now, and why. What is in force of them stands in. Pure. */
import type { HoldDocument } from '../src/policy/revision-document.ts'
import type { Seen } from './sources/source-status.ts'

export type Gate =
  /** Its commit, or what the API is asked for, goes into a plan that waits to be approved. */
  | { readonly kind: 'waits'; readonly requests?: number }
  /** Somebody rejected this commit, or turned the source back. */
  | { readonly kind: 'held'; readonly hold: HoldDocument }

export interface GateOptions {
  readonly seen: readonly Seen[]
  readonly holds: readonly HoldDocument[]
  /** Sources whose changes are approved before they are applied. */
  readonly approval: ReadonlySet<string>
  /** By source: the commit that somebody let through. */
  readonly through: ReadonlyMap<string, string>
}

export function gatesOf({ seen, holds, approval, through }: GateOptions): ReadonlyMap<string, Gate> {
  const byName = new Map(holds.map((hold) => [hold._id, hold]))
  const gates = new Map<string, Gate>()
  for (const { source, before, fragment } of seen) {
    if (fragment === null || through.get(source.name) === fragment.commit) continue
    const hold = byName.get(source.name)
    const isHeld = hold !== undefined && (hold.kind === 'rollback' || hold.commit === fragment.commit)
    if (isHeld) gates.set(source.name, { kind: 'held', hold })
    // What the API holds is in force; what it is asked for waits by itself.
    else if (source.kind !== 'api' && approval.has(source.name) && before?.commit !== fragment.commit)
      gates.set(source.name, { kind: 'waits' })
  }
  return gates
}

/** For people: why a source stands still. */
export function holdMessage({ kind, commit, revision, actor, reason }: HoldDocument): string {
  const why = reason === null ? '' : `: ${reason}`
  return kind === 'rollback'
    ? `turned back to revision ${revision} by ${actor}${why}; nothing newer is applied until it is released`
    : `commit ${commit} was rejected by ${actor}${why}; the next commit is looked at again`
}

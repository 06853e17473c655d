/** What going back does, told from what later revisions did: the first of them says what was there, the last what is. */
import type { Revision } from '../api/types.ts'

export interface NetChange {
  /** In force now, and not then. */
  readonly removes: readonly string[]
  readonly bringsBack: readonly string[]
  readonly turnsBack: readonly string[]
}

type Changed = Pick<Revision, 'created' | 'replaced' | 'removed'>

/** `later`: the newest first. */
export const netChange = (later: readonly Changed[]): NetChange => {
  const then = new Map<string, boolean>()
  const now = new Map<string, boolean>()
  for (const { created, replaced, removed } of later.toReversed()) {
    for (const key of created) {
      if (!then.has(key)) then.set(key, false)
      now.set(key, true)
    }
    for (const key of [...replaced, ...removed]) if (!then.has(key)) then.set(key, true)
    for (const key of replaced) now.set(key, true)
    for (const key of removed) now.set(key, false)
  }
  const keys = [...then.keys()].sort()
  return {
    removes: keys.filter((key) => now.get(key) === true && then.get(key) === false),
    bringsBack: keys.filter((key) => now.get(key) === false && then.get(key) === true),
    turnsBack: keys.filter((key) => now.get(key) === true && then.get(key) === true),
  }
}

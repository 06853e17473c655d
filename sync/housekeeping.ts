/** What is thrown away after cycles: revisions beyond their bounds, blobs that nothing names. Never fails a cycle. */
import type { Logger } from 'pino'
import type { RevisionBounds } from '../src/store/revisions.ts'
import type { Store } from '../src/store/store.ts'

export interface HousekeepingDeps {
  readonly store: Pick<Store, 'blobs' | 'revisions'>
  readonly log: Logger
  readonly clock: () => Date
  /** How many revisions are kept, and how long. */
  readonly keep: RevisionBounds
}

const garbageEveryMs = 60 * 60_000

/** To be called after each cycle. */
export function createHousekeeping({ store, log, clock, keep }: HousekeepingDeps) {
  let collected = clock().getTime()
  let pruned = -1

  async function prune(revision: number): Promise<void> {
    if (revision === pruned) return
    pruned = revision
    const { removed } = await store.revisions.prune(keep)
    if (removed > 0) log.debug({ removed }, 'old revisions forgotten')
  }

  async function collect(): Promise<void> {
    if (clock().getTime() - collected < garbageEveryMs) return
    collected = clock().getTime()
    pruned = -1
    const { removed } = await store.blobs.collectGarbage()
    log.debug({ removed }, 'blobs collected')
  }

  return async (revision: number): Promise<void> => {
    await prune(revision)
      .then(collect)
      .catch((error: unknown) => log.warn({ err: error }, 'what is not needed any more could not be removed'))
  }
}

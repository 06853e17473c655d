/** `edict status`. */
import type { Status } from '../status-text.ts'
import type { RunOptions } from './deployment.ts'
import { withStore } from './with-store.ts'

export const readStatus = (options: RunOptions): Promise<Status> =>
  withStore(options, async (store) => {
    const [{ revision }, sources, policies, locks] = await Promise.all([
      store.head(),
      store.sources.list(),
      store.policies.stored(),
      store.locks.list(),
    ])
    const quarantined = policies.items.filter(({ status }) => status.phase === 'Quarantined')
    return { revision, sources: sources.items, policies: policies.items.length, quarantined, locks }
  })

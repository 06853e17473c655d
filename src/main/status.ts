/** `edict status`. */
import { createLog } from '../log.ts'
import type { Status } from '../status-text.ts'
import { openDeployment, type RunOptions } from './deployment.ts'

export const readStatus = async (options: RunOptions): Promise<Status> => {
  const { store, close } = await openDeployment(options, createLog(options.config))
  try {
    const [{ revision }, sources, policies, locks] = await Promise.all([
      store.head(),
      store.sources.list(),
      store.policies.stored(),
      store.locks.list(),
    ])
    const quarantined = policies.items.filter(({ status }) => status.phase === 'Quarantined')
    return { revision, sources: sources.items, policies: policies.items.length, quarantined, locks }
  } finally {
    await close()
  }
}

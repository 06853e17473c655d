/** Work on this deployment's store, which is opened before and closed after it. */
import { createLog } from '../log.ts'
import type { Store } from '../store/store.ts'
import { openDeployment, type RunOptions } from './deployment.ts'

export const withStore = async <T>(options: RunOptions, work: (store: Store) => Promise<T>): Promise<T> => {
  const { store, close } = await openDeployment(options, createLog(options.config))
  try {
    return await work(store)
  } finally {
    await close()
  }
}

/** Configured once, required for good: written down when a server starts that knows of OIDC or of a bootstrap secret. */
import type { Config } from '../config.ts'
import type { Store } from '../store/store.ts'
import { backoffMs, sleep } from '../store/wait.ts'
import { commandLine } from './acting.ts'

export interface RequireOptions {
  readonly config: Pick<Config, 'auth'>
  readonly store: Pick<Store, 'tokens' | 'ensureCollections'>
  readonly signal: AbortSignal
}

/** Returns when the store has it, or when the signal is aborted; never rejects. */
export const requireForGood = async ({ config: { auth }, store, signal }: RequireOptions): Promise<void> => {
  const because = auth.oidc !== null ? 'auth.oidc' : auth.bootstrap !== null ? 'auth.bootstrap' : null
  if (because === null) return
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      // oxlint-disable-next-line no-await-in-loop
      await store.ensureCollections()
      // oxlint-disable-next-line no-await-in-loop
      return await store.tokens.require({ because, from: commandLine() })
    } catch {
      // oxlint-disable-next-line no-await-in-loop
      await sleep(backoffMs(attempt), signal)
    }
  }
}

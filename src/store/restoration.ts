/** Waiting until a cycle has put back what somebody dropped. Until then a replica keeps what it has. */
import { systemActor } from '../auth/actor.ts'
import { collectionsOf, missingCollections } from './collections.ts'
import type { Connection, StoreLog } from './connection.ts'
import type { Requests } from './requests.ts'
import { backoffMs, sleep } from './wait.ts'

export interface RestorationDeps {
  readonly connection: Connection
  readonly requests: Requests
  readonly log: StoreLog
  readonly signal: AbortSignal
}

/** What the replica holds. */
export interface Held {
  readonly keys: readonly string[]
  readonly revision: number
}

/**
 * Asks for a cycle and returns when it succeeded, or when another one has visibly restored everything. Asks again
 * when the request was lost with its collection or the cycle failed; rejects when the store is away.
 */
export async function awaitRestoration(deps: RestorationDeps, held: Held): Promise<void> {
  const { connection, requests, log, signal } = deps
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const id = await requests.submit({ reason: 'restore', source: null, commit: null, actor: systemActor })
    log.warn({ request: id }, 'asked for a cycle that restores the store')
    for (;;) {
      if (signal.aborted) return
      const request = await requests.find(id)
      if (request === null) break
      if (request.outcome?.ok === true && (await missingCollections(connection.db)).length === 0) return
      if (await isBack(connection, held)) return
      if (request.outcome !== null) break
      await sleep(50, signal)
    }
    await sleep(backoffMs(attempt), signal)
  }
}

/** A newer revision in which nothing is missing that the replica holds. */
const isBack = (connection: Connection, { keys, revision }: Held): Promise<boolean> =>
  connection.run(async (db) => {
    const { head, policies } = collectionsOf(db)
    const now = await head.findOne({ _id: 'head' })
    if (now === null || now.revision <= revision || (await missingCollections(db)).length > 0) return false
    return (await policies.countDocuments({ _id: { $in: [...keys] } })) === keys.length
  })

/**
 * Which servers there are and how far each has come, by the database's clock. Live: heard within 5 s. A replica's own
 * writes go out one after the other, always with its newest sequence, so that none overtakes another.
 */
import { hostname } from 'node:os'
import type { ReplicaDocument, ReplicaRules } from '../policy/schema.ts'
import { collectionsOf } from './collections.ts'
import type { Connection } from './connection.ts'
import { sleep } from './wait.ts'

const liveMs = 5000

export interface Confirmation {
  /** Replicas that have come as far as the sequence. */
  readonly confirmed: readonly string[]
  /** Known, but not heard for 5 s when the wait began. */
  readonly silent: readonly string[]
  /** Live when the wait began or since, and still behind when the time was up. */
  readonly pending: readonly string[]
}

export interface ReplicaStatus extends ReplicaDocument {
  readonly live: boolean
}

export interface Replicas {
  readonly id: string
  /** Says that this replica lives and how far it is; also the heartbeat. Resolves when the store has it. */
  readonly beat: (sequence: number) => Promise<void>
  /** What is said of its rules with each beat. */
  readonly tells: (rules: () => ReplicaRules) => void
  readonly remove: () => Promise<void>
  /** Takes another off the list that is known to be dead: nothing waits for it any more. */
  readonly forget: (id: string) => Promise<void>
  readonly list: () => Promise<readonly ReplicaStatus[]>
  /** Waits until all live replicas have come as far as `sequence`. */
  readonly confirm: (sequence: number, options?: ConfirmOptions) => Promise<Confirmation>
}

export interface ConfirmOptions {
  /** 5 s. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export function createReplicas(connection: Connection, id: string): Replicas {
  let newest = 0
  let rules: (() => ReplicaRules) | undefined
  let state: 'new' | 'known' | 'removed' = 'new'
  let writing: Promise<void> | null = null
  let waiting: Promise<void> | null = null

  const about = () => ({ host: hostname(), pid: process.pid, ...(rules && { authz: rules() }) })

  // Not majority: a confirmation that is rolled back with a failed primary is sent again within a second.
  const write = () =>
    connection.run(async (db) => {
      await collectionsOf(db).replicas.updateOne(
        { _id: id },
        { $set: { ...about(), sequence: newest }, $currentDate: { at: true } },
        { upsert: true, writeConcern: { w: 1 } },
      )
    })
  const start = (): Promise<void> => {
    writing = write().finally(() => {
      writing = null
    })
    return writing
  }
  const beat = (sequence: number): Promise<void> => {
    if (state === 'removed') return Promise.resolve()
    state = 'known'
    newest = sequence
    if (writing === null) return start()
    waiting ??= writing
      .catch(() => undefined)
      .then(() => {
        waiting = null
        return start()
      })
    return waiting
  }

  const forget = async (gone: string): Promise<void> => {
    await connection.run((db) => collectionsOf(db).replicas.deleteOne({ _id: gone }))
  }

  const list = () =>
    connection.run((db) =>
      collectionsOf(db)
        .replicas.aggregate<ReplicaStatus>(
          [{ $set: { live: { $lt: [{ $subtract: ['$$NOW', '$at'] }, liveMs] } } }, { $sort: { _id: 1 } }],
          { readConcern: { level: 'local' } },
        )
        .toArray(),
    )

  return {
    id,
    beat,
    tells: (told) => {
      rules = told
    },
    remove: async () => {
      const wasKnown = state === 'known'
      state = 'removed'
      if (!wasKnown) return
      await waiting?.catch(() => undefined)
      await writing?.catch(() => undefined)
      await forget(id)
    },
    forget,
    list,
    confirm: async (sequence, { timeoutMs = 5000, signal } = {}) => {
      const begin = performance.now()
      // One that was live when it was asked and falls silent meanwhile may still be answering: it is named, not passed over.
      const expected = new Set<string>()
      for (;;) {
        const replicas = await list()
        for (const { _id, live } of replicas) if (live) expected.add(_id)
        const state = confirmationOf(replicas, { sequence, expected })
        const waited = performance.now() - begin
        if (state.pending.length === 0 || waited >= timeoutMs || signal?.aborted === true) return state
        await sleep(waited < 100 ? 3 : 20, signal)
      }
    },
  }
}

function confirmationOf(
  replicas: readonly ReplicaStatus[],
  { sequence, expected }: { readonly sequence: number; readonly expected: ReadonlySet<string> },
): Confirmation {
  const ids = (wanted: (replica: ReplicaStatus) => boolean) => replicas.filter(wanted).map(({ _id }) => _id)
  return {
    confirmed: ids((replica) => replica.sequence >= sequence),
    silent: ids((replica) => replica.sequence < sequence && !expected.has(replica._id)),
    pending: ids((replica) => replica.sequence < sequence && expected.has(replica._id)),
  }
}

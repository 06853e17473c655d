/** Somebody wants a cycle: a document that a worker, in this or another process, takes and answers. */
import { randomUUID } from 'node:crypto'
import { type CycleOutcome, type CycleRequest, cycleRequestSchema } from '../policy/schema.ts'
import { collectionsOf } from './collections.ts'
import type { Connection, StoreLog } from './connection.ts'
import { readable } from './readable.ts'
import { sleep } from './wait.ts'

export type NewRequest = Pick<CycleRequest, 'reason' | 'source' | 'commit'>

export interface Requests {
  /** Answers its id. */
  readonly submit: (request: NewRequest) => Promise<string>
  readonly find: (id: string) => Promise<CycleRequest | null>
  /** `pending` when the time is up, the signal is aborted, or the request is gone. */
  readonly waitFor: (id: string, options: WaitOptions) => Promise<CycleOutcome | 'pending'>
  /** The requests without an outcome, oldest first. */
  readonly take: () => Promise<readonly CycleRequest[]>
  readonly complete: (ids: readonly string[], outcome: CycleOutcome) => Promise<void>
  /** Calls `onWake` when there may be something to take, until the signal is aborted. */
  readonly watch: (onWake: () => void, signal: AbortSignal) => Promise<void>
}

export interface WaitOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

export function createRequests({ connection, log }: { connection: Connection; log: StoreLog }): Requests {
  const find = (id: string) => connection.run((db) => collectionsOf(db).requests.findOne({ _id: id }))
  const take = () =>
    connection.run(async (db) => {
      const found = await collectionsOf(db).requests.find({ outcome: null }).sort({ at: 1 }).toArray()
      const { items, problems } = readable(cycleRequestSchema, 'requests', found)
      for (const { id, message } of problems) {
        log.error({ request: id }, message)
        await collectionsOf(db).requests.deleteOne({ _id: id })
      }
      return items
    })
  return {
    submit: ({ reason, source, commit }) =>
      connection.run(async (db) => {
        const _id = randomUUID()
        await collectionsOf(db).requests.insertOne({ _id, at: new Date(), reason, source, commit, outcome: null })
        return _id
      }),
    find,
    waitFor: async (id, { timeoutMs, signal }) => {
      const begin = performance.now()
      for (;;) {
        const request = await find(id)
        if (request === null) return 'pending'
        if (request.outcome !== null) return request.outcome
        const waited = performance.now() - begin
        if (waited >= timeoutMs || signal?.aborted === true) return 'pending'
        await sleep(waited < 2000 ? 8 : 20, signal)
      }
    },
    take,
    complete: (ids, outcome) =>
      connection.run(async (db) => {
        await collectionsOf(db).requests.updateMany({ _id: { $in: [...ids] } }, { $set: { outcome } })
      }),
    watch: async (onWake, signal) => {
      await Promise.all([follow(connection, onWake, signal), poll(take, onWake, signal)])
    },
  }
}

/** At once, by the change stream; opened again for as long as it takes. */
async function follow(connection: Connection, onWake: () => void, signal: AbortSignal): Promise<void> {
  const inserted = [{ $match: { operationType: 'insert' } }, { $project: { operationType: 1 } }]
  while (!signal.aborted) {
    try {
      await connection.run(async (db) => {
        const stream = collectionsOf(db).requests.watch(inserted)
        const close = () => void stream.close().catch(() => undefined)
        signal.addEventListener('abort', close, { once: true })
        try {
          for await (const _ of stream) onWake()
        } finally {
          signal.removeEventListener('abort', close)
          close()
        }
      })
    } catch {
      // The poll below goes on meanwhile.
    }
    await sleep(500, signal)
  }
}

/** What the stream has missed. */
async function poll(take: Requests['take'], onWake: () => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const pending = await take().catch(() => [])
    if (pending.length > 0 && !signal.aborted) onWake()
    await sleep(1000, signal)
  }
}

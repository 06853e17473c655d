/** Somebody wants a cycle: a document that a worker, in this or another process, takes and answers. */
import { randomUUID } from 'node:crypto'
import type { Actor } from '../auth/actor.ts'
import type { Enforce } from '../auth/enforce.ts'
import { type CycleOutcome, type CycleRequest, cycleRequestSchema } from '../policy/schema.ts'
import { collectionsOf } from './collections.ts'
import type { Connection, StoreLog } from './connection.ts'
import { readable } from './readable.ts'
import { createOutcomes, type WaitFor } from './outcomes.ts'
import { askedBy } from './touched.ts'
import { sleep } from './wait.ts'

export interface NewRequest extends Omit<CycleRequest, '_id' | 'at' | 'outcome' | 'actor'> {
  /** Who asks. */
  readonly actor?: Actor | null
}

export interface Requests {
  /** Answers its id. Rejects with `unauthenticated`, `forbidden`: what is written down is done. */
  readonly submit: (request: NewRequest) => Promise<string>
  readonly find: (id: string) => Promise<CycleRequest | null>
  readonly waitFor: WaitFor
  /** When a forge last told of a push, by source; requests are kept for a day. */
  readonly lastWebhooks: () => Promise<ReadonlyMap<string, Date>>
  /** The requests without an outcome, oldest first, without what a change is about; not those that a plan waits with. */
  readonly take: () => Promise<readonly CycleRequest[]>
  /** All without an outcome that want a change, whole; those, too, that a plan waits with. */
  readonly changes: () => Promise<readonly CycleRequest[]>
  /** Takes a request back; false when it was answered already, or waits in a plan. Nothing is done for it any more. */
  readonly withdraw: (id: string) => Promise<boolean>
  readonly complete: (ids: readonly string[], outcome: CycleOutcome) => Promise<void>
  /** Calls `onWake` when there may be something to take, until the signal is aborted. */
  readonly watch: (onWake: () => void, signal: AbortSignal) => Promise<void>
}

export function createRequests({
  connection,
  log,
  enforce,
}: {
  readonly connection: Connection
  readonly log: StoreLog
  readonly enforce: Enforce
}): Requests {
  const find = (id: string) => connection.run((db) => collectionsOf(db).requests.findOne({ _id: id }))
  const pending = (projection: Record<string, 0>, only: { reason?: 'change'; waits?: null }) =>
    connection.run(async (db) => {
      const { requests } = collectionsOf(db)
      const found = await requests
        .find({ ...only, outcome: null }, { projection })
        .sort({ at: 1, _id: 1 })
        .toArray()
      const { items, problems } = readable(cycleRequestSchema, 'requests', found)
      for (const { id, message } of problems) {
        log.error({ request: id }, message)
        await requests.deleteOne({ _id: id })
      }
      return items
    })
  const take = () => pending({ change: 0 }, { waits: null })
  const outcomes = createOutcomes(connection)
  return {
    submit: ({ actor: asking = null, ...request }) =>
      connection.run(async (db) => {
        const { id: actor } = await enforce(asking, ...(await askedBy(db, request)))
        const _id = randomUUID()
        await collectionsOf(db).requests.insertOne({ _id, at: new Date(), ...request, actor, outcome: null })
        return _id
      }),
    find,
    lastWebhooks: () =>
      connection.run(async (db) => {
        const newest = [{ $match: { reason: 'webhook' } }, { $group: { _id: '$source', at: { $max: '$at' } } }]
        const found = await collectionsOf(db).requests.aggregate<{ _id: string; at: Date }>(newest).toArray()
        return new Map(found.map(({ _id, at }) => [_id, at]))
      }),
    waitFor: outcomes.waitFor,
    take,
    changes: () => pending({}, { reason: 'change' }),
    withdraw: (id) =>
      connection.run(async (db) => {
        const { deletedCount } = await collectionsOf(db).requests.deleteOne({ _id: id, outcome: null, waits: null })
        return deletedCount === 1
      }),
    complete: (ids, outcome) =>
      connection.run(async (db) => {
        const open = { _id: { $in: [...ids] }, outcome: null }
        await collectionsOf(db).requests.updateMany(open, { $set: { outcome, waits: null } })
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

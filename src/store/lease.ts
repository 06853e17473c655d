/** Who may apply. The token rises with every holder, and apply writes it: who wakes up late cannot write. */
import { MongoServerError } from 'mongodb'
import { endAbandoned } from './abandoned.ts'
import { collectionsOf } from './collections.ts'
import type { Connection } from './connection.ts'
import { restoreLease } from './head.ts'

export interface Lease {
  readonly holder: string
  readonly token: number
}

export interface Leases {
  /** null while another holder has it; a holder of the same name takes it over with a new token. */
  readonly acquire: (request: { readonly holder: string; readonly ttlMs: number }) => Promise<Lease | null>
  /** False when it was lost. */
  readonly renew: (lease: Lease, ttlMs: number) => Promise<boolean>
  readonly release: (lease: Lease) => Promise<void>
}

const patienceMs = 2_500

const ends = (ttlMs: number) => ({ $add: ['$$NOW', ttlMs] })

export const createLeases = (connection: Connection): Leases => ({
  acquire: ({ holder, ttlMs }) =>
    connection.run(async (db) => {
      const free = { $or: [{ holder }, { $expr: { $lte: ['$expires', '$$NOW'] } }] }
      const take = [{ $set: { holder: { $literal: holder }, token: { $add: ['$token', 1] }, expires: ends(ttlMs) } }]
      const { lease } = collectionsOf(db)
      // A killed holder's open transaction has written the lease, and whoever writes it next would wait for its end.
      const attempt = async () => {
        try {
          return await lease.findOneAndUpdate({ _id: 'cycle', ...free }, take, {
            returnDocument: 'after',
            maxTimeMS: patienceMs,
          })
        } catch (error) {
          if (!(error instanceof MongoServerError) || error.codeName !== 'MaxTimeMSExpired') throw error
          await endAbandoned(connection.client)
          return null
        }
      }
      let taken = await attempt()
      if (taken === null && (await lease.countDocuments({ _id: 'cycle' })) === 0) {
        await restoreLease(db)
        taken = await attempt()
      }
      return taken && { holder, token: taken.token }
    }),
  renew: ({ holder, token }, ttlMs) =>
    connection.run(async (db) => {
      const filter = { _id: 'cycle', holder, token } as const
      const result = await collectionsOf(db).lease.updateOne(filter, [{ $set: { expires: ends(ttlMs) } }])
      return result.matchedCount === 1
    }),
  release: ({ holder, token }) =>
    connection.run(async (db) => {
      const filter = { _id: 'cycle', holder, token } as const
      await collectionsOf(db).lease.updateOne(filter, { $set: { holder: null, expires: new Date(0) } })
    }),
})

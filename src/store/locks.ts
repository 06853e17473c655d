/** Locks by hand: a locked policy is not evaluated, whatever Git says. A lock whose `until` has passed is none. */
import type { ClientSession } from 'mongodb'
import { policyResource } from '../auth/actions.ts'
import type { Actor } from '../auth/actor.ts'
import type { Enforce } from '../auth/enforce.ts'
import { EdictError } from '../errors.ts'
import type { LockDocument, PolicyKey } from '../policy/schema.ts'
import type { Change } from './change.ts'
import { type Collections, collectionsOf, missingCollections } from './collections.ts'
import type { Connection } from './connection.ts'

export interface LockRequest {
  readonly actor: Actor | null
  /** Where the actor is. */
  readonly from?: string | null
  readonly reason: string | null
  readonly until: Date | null
}

export interface Locked {
  readonly lock: LockDocument
  /** To be confirmed by the replicas; where the change stands in the audit log. */
  readonly sequence: number
  readonly hash: string
}

export interface Locks {
  /** Rejects with `unauthenticated`, `forbidden`, `policy_not_found`, `already_locked`. */
  readonly lock: (key: PolicyKey, request: LockRequest) => Promise<Locked>
  /** Rejects with `unauthenticated`, `forbidden`, `policy_not_found`, `not_locked`. Answers the lock that stood. */
  readonly unlock: (
    key: PolicyKey,
    request: { readonly actor: Actor | null; readonly from?: string | null },
  ) => Promise<Locked>
  /** The lock that stands, by the database's clock. */
  readonly get: (key: PolicyKey) => Promise<LockDocument | null>
  readonly list: () => Promise<readonly LockDocument[]>
}

const stands = { $or: [{ until: null }, { $expr: { $gt: ['$until', '$$NOW'] } }] }

export function createLocks({
  connection,
  change,
  enforce,
}: {
  readonly connection: Connection
  readonly change: Change
  readonly enforce: Enforce
}): Locks {
  /** A store that has lost a collection cannot say that a policy does not exist. */
  const notFound = async (key: PolicyKey): Promise<EdictError> => {
    const missing = await connection.run((db) => missingCollections(db))
    const isLost = missing.includes('policies') && !missing.includes('head')
    return isLost
      ? new EdictError('store_unavailable', 'the store is being restored')
      : new EdictError('policy_not_found', `there is no policy ${key}`)
  }
  const explain = async <T>(key: PolicyKey, work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw error instanceof EdictError && error.code === 'policy_not_found' ? await notFound(key) : error
    }
  }

  return {
    lock: async (key, { actor: asking, from = null, reason, until }) => {
      const { id: actor } = await enforce(asking, 'lock', policyResource(key))
      const info = { actor, from, action: 'policy.lock', resource: key, details: { reason, until } }
      const locking = change(info, async (session, { collections, at }) => {
        await mustExist(key, collections, session)
        if (await collections.locks.findOne({ _id: key, ...stands }, { session }))
          throw new EdictError('already_locked', `policy ${key} is already locked`)
        const lock = { actor, reason, since: at, until }
        await collections.locks.replaceOne({ _id: key }, lock, { session, upsert: true })
        return { _id: key, ...lock }
      })
      const { result, sequence, hash } = await explain(key, locking)
      return { lock: result, sequence, hash }
    },
    unlock: async (key, { actor: asking, from = null }) => {
      const actor = await enforce(asking, 'unlock', policyResource(key))
      const info = { actor: actor.id, from, action: 'policy.unlock', resource: key }
      const unlocking = change(info, async (session, { collections }) => {
        const lock = await collections.locks.findOne({ _id: key, ...stands }, { session })
        if (lock === null) {
          await mustExist(key, collections, session)
          throw new EdictError('not_locked', `policy ${key} is not locked`)
        }
        // Who locked it is known here only.
        await enforce(actor, 'unlock', policyResource(key, [lock.actor]))
        await collections.locks.deleteOne({ _id: key }, { session })
        return lock
      })
      const { result, sequence, hash } = await explain(key, unlocking)
      return { lock: result, sequence, hash }
    },
    get: (key) => connection.run((db) => collectionsOf(db).locks.findOne({ _id: key, ...stands })),
    list: () => connection.run((db) => collectionsOf(db).locks.find(stands).sort({ _id: 1 }).toArray()),
  }
}

async function mustExist(key: PolicyKey, { policies }: Collections, session: ClientSession): Promise<void> {
  const found = await policies.findOne({ _id: key }, { session, projection: { _id: 1 } })
  if (found === null) throw new EdictError('policy_not_found', `there is no policy ${key}`)
}

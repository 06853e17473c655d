/**
 * Makes the store whole: collections, validators, indexes, the head, the lease, and what the audit log knows to stand but
 * that is gone: locks, and that a credential is required. Changes nothing when nothing is missing; each cycle runs it.
 */
import type { ClientSession, Db, IndexDescription } from 'mongodb'
import type { LockDocument } from '../policy/schema.ts'
import type { Blobs } from './blobs.ts'
import type { Change } from './change.ts'
import { type CollectionName, type Collections, collectionNames, collectionsOf } from './collections.ts'
import type { Connection, StoreLog } from './connection.ts'
import { restoreHead, restoreLease } from './head.ts'
import { restoreRequired } from './required.ts'
import { validators } from './validators.ts'
import { forgetRevisions, reseedVersions } from './versions.ts'

const daySeconds = 86_400

/** Unique on every identity that is not the `_id` itself; the rest serves the queries. */
const indexes: Partial<Record<CollectionName, IndexDescription[]>> = {
  policies: [
    { key: { group: 1, name: 1, version: 1 }, name: 'identity', unique: true },
    { key: { repository: 1, _id: 1 }, name: 'repository' },
    { key: { revision: -1 }, name: 'revision' },
  ],
  modules: [{ key: { repository: 1, path: 1 }, name: 'identity', unique: true }],
  versions: [
    { key: { kind: 1, key: 1, from: -1 }, name: 'identity', unique: true },
    { key: { from: 1, to: 1 }, name: 'range' },
  ],
  pastRules: [{ key: { to: 1, from: 1 }, name: 'range' }],
  plans: [
    { key: { status: 1, createdAt: -1 }, name: 'status' },
    { key: { createdAt: -1, _id: -1 }, name: 'age' },
  ],
  rules: [
    { key: { service_name: 1, resource_type: 1, role: 1, action: 1 }, name: 'identity', unique: true },
    { key: { revision: -1 }, name: 'revision' },
  ],
  audit: [
    { key: { action: 1, resource: 1, _id: 1 }, name: 'action' },
    { key: { actor: 1, _id: 1 }, name: 'actor' },
    { key: { 'changes.key': 1, _id: 1 }, name: 'changed' },
  ],
  blobs: [{ key: { touched: 1 }, name: 'touched' }],
  requests: [
    // What a plan waits with is kept until somebody decides.
    { key: { at: 1 }, name: 'expiry', expireAfterSeconds: daySeconds, partialFilterExpression: { waits: null } },
    { key: { outcome: 1, at: 1 }, name: 'pending' },
  ],
  replicas: [{ key: { at: 1 }, name: 'age', expireAfterSeconds: daySeconds }],
}

export interface Ensured {
  /** Collections that were missing. */
  readonly created: readonly CollectionName[]
  readonly head: boolean
  /** Locks made again from the audit log. */
  readonly locks: readonly string[]
}

export interface EnsureDeps {
  readonly connection: Connection
  readonly change: Change
  readonly blobs: Pick<Blobs, 'put'>
  readonly log: StoreLog
}

export const createEnsure =
  ({ connection, change, blobs, log }: EnsureDeps) =>
  (): Promise<Ensured> =>
    connection.run(async (db) => {
      const created = await ensureCollections(db)
      await Promise.all(Object.entries(indexes).map(([name, list]) => db.collection(name).createIndexes(list)))
      await restoreLease(db)
      const head = await restoreHead(db)
      if (created.includes('versions')) await reseedVersions(db, blobs)
      else if (created.includes('pastRules')) await forgetRevisions(db)
      const locks = await restoreLocks(db, change)
      await restoreRequired(db, change)
      // A heartbeat may have been quicker with `replicas`; a store that lacks all else is a new one.
      const isFirst = created.length >= collectionNames.length - 1
      if (!isFirst && (created.length > 0 || locks.length > 0))
        log.warn({ created, head, locks }, 'the store was restored')
      return { created, head, locks }
    })

async function ensureCollections(db: Db): Promise<readonly CollectionName[]> {
  const present = await validatorsOf(db)
  const created: CollectionName[] = []
  for (const name of collectionNames) {
    const wanted = validators[name]
    if (!present.has(name) && (await create(db, name))) {
      created.push(name)
      continue
    }
    // Another process may have made it meanwhile: as it should be, or bare, by its first write. What is as it should be is
    // left alone: MongoDB refuses to be told while an index is being built.
    const found = present.has(name) ? present.get(name) : (await validatorsOf(db, name)).get(name)
    if (JSON.stringify(found) !== JSON.stringify(wanted))
      await db.command({ collMod: name, validator: wanted, validationLevel: 'strict', validationAction: 'error' })
  }
  return created
}

async function validatorsOf(db: Db, name?: CollectionName): Promise<ReadonlyMap<string, unknown>> {
  const present = new Map<string, unknown>()
  for await (const info of db.listCollections(name === undefined ? {} : { name })) {
    if ('options' in info) present.set(info.name, info.options?.['validator'])
  }
  return present
}

/** False when another process was quicker. */
async function create(db: Db, name: CollectionName): Promise<boolean> {
  try {
    await db.createCollection(name, { validator: validators[name] })
    return true
  } catch (error) {
    if (error instanceof Error && 'codeName' in error && error.codeName === 'NamespaceExists') return false
    throw error
  }
}

/** The audit log says who locked what last; a lock without a document is put back by a change of its own. */
async function restoreLocks(db: Db, change: Change): Promise<readonly string[]> {
  const missing = await missingLocks(db)
  if (missing.length === 0) return []
  const keys = missing.map(({ _id }) => _id)
  const info = { actor: 'edict', action: 'store.restore', resource: 'locks', details: { keys } }
  await change(info, async (session, { collections }) => {
    for (const lock of missing) {
      const { _id, ...rest } = lock
      // Not over a newer one: it may have been unlocked and locked again since.
      const last = await lastLockEntry(collections, session, _id)
      if (last?.action !== 'policy.lock') continue
      await collections.locks.replaceOne({ _id }, rest, { upsert: true, session })
    }
  })
  return keys
}

const lastLockEntry = ({ audit }: Collections, session: ClientSession, key: string) =>
  audit.findOne({ action: { $in: ['policy.lock', 'policy.unlock'] }, resource: key }, { sort: { _id: -1 }, session })

async function missingLocks(db: Db): Promise<readonly LockDocument[]> {
  const { audit, locks } = collectionsOf(db)
  const standing: LockDocument[] = []
  const last = audit.aggregate<{
    _id: string
    action: string
    actor: string | null
    at: Date
    details: Record<string, unknown>
  }>([
    { $match: { action: { $in: ['policy.lock', 'policy.unlock'] } } },
    { $sort: { _id: 1 } },
    {
      $group: {
        _id: '$resource',
        action: { $last: '$action' },
        actor: { $last: '$actor' },
        at: { $last: '$at' },
        details: { $last: '$details' },
      },
    },
    { $match: { action: 'policy.lock' } },
  ])
  for await (const { _id, actor, at, details } of last) {
    const until = typeof details['until'] === 'string' ? new Date(details['until']) : null
    const reason = typeof details['reason'] === 'string' ? details['reason'] : null
    if (until === null || until > new Date()) standing.push({ _id, actor: actor ?? 'erased', reason, since: at, until })
  }
  const ids = standing.map(({ _id }) => _id)
  const present = new Set(
    (await locks.find({ _id: { $in: ids } }, { projection: { _id: 1 } }).toArray()).map((lock) => lock._id),
  )
  return standing.filter(({ _id }) => !present.has(_id))
}

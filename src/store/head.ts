/** The `head` document: how far the store has come. Lost or behind, it is made again from what `audit` and `revisions` say. */
import type { Db } from 'mongodb'
import type { HeadDocument } from '../policy/schema.ts'
import { firstHash } from './audit-chain.ts'
import { collectionsOf } from './collections.ts'
import { isDuplicate } from './failure.ts'

export const emptyHead: HeadDocument = { _id: 'head', sequence: 0, revision: 0, auditHash: firstHash }

/** True when it had to write. */
export async function restoreHead(db: Db): Promise<boolean> {
  const { head, audit, revisions, policies } = collectionsOf(db)
  const [current, entry, revision, policy] = await Promise.all([
    head.findOne({ _id: 'head' }),
    audit.findOne({}, { sort: { _id: -1 }, projection: { hash: 1 } }),
    revisions.findOne({}, { sort: { _id: -1 }, projection: { _id: 1 } }),
    policies.findOne({}, { sort: { revision: -1 }, projection: { revision: 1 } }),
  ])
  const wanted: HeadDocument = {
    _id: 'head',
    sequence: entry?._id ?? 0,
    revision: Math.max(revision?._id ?? 0, policy?.revision ?? 0, current?.revision ?? 0),
    auditHash: entry?.hash ?? firstHash,
  }
  if (current === null) return inserted(head.insertOne(wanted))
  if (current.sequence >= wanted.sequence && current.revision >= wanted.revision) return false
  const { sequence, auditHash } = current.sequence >= wanted.sequence ? current : wanted
  // Only if nobody was quicker.
  const result = await head.replaceOne(
    { _id: 'head', sequence: current.sequence, revision: current.revision },
    { sequence, auditHash, revision: wanted.revision },
  )
  return result.modifiedCount === 1
}

/** The two documents of `lease`. The first token comes from the clock: it keeps rising when the collection was lost. */
export async function restoreLease(db: Db): Promise<void> {
  const { lease } = collectionsOf(db)
  const present = new Set((await lease.find({}, { projection: { _id: 1 } }).toArray()).map(({ _id }) => _id))
  for (const _id of ['cycle', 'writer'] as const) {
    if (present.has(_id)) continue
    await inserted(lease.insertOne({ _id, holder: null, token: Date.now(), expires: new Date(0) }))
  }
}

async function inserted(insertion: Promise<unknown>): Promise<boolean> {
  try {
    await insertion
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}

/**
 * Every change of the store is one transaction: its writes, its `audit` entries (one, or more where several callers'
 * wishes are granted at once) numbered by the sequence, and LAST the `head` document, by which followers see where a
 * change ends. A process queues its own changes; those of different processes meet on the `writer` document first,
 * before either has done any work.
 */
import type { ClientSession, Db } from 'mongodb'
import { EdictError } from '../errors.ts'
import type { AuditDocument, HeadDocument } from '../policy/schema.ts'
import { auditHash, entryOf, type EntryInfo } from './audit-chain.ts'
import { type Collections, collectionsOf } from './collections.ts'
import type { Connection } from './connection.ts'
import { isDuplicate } from './failure.ts'
import { restoreHead, restoreLease } from './head.ts'
import { createQueue } from './queue.ts'
import { inTransaction } from './transaction.ts'

export interface ChangeInfo extends EntryInfo {
  /** Audit entries before the change's own, in this order. */
  readonly entries?: readonly EntryInfo[]
  /** Only apply: the change makes a new revision. */
  readonly bumpRevision?: boolean
  /** How long attempts may go on; 15 s. */
  readonly deadlineMs?: number
}

export interface ChangeContext {
  readonly collections: Collections
  readonly at: Date
  /** The head before, and what this change makes of it. */
  readonly head: HeadDocument
  /** Of the change's own entry, the last one. */
  readonly sequence: number
  readonly revision: number
  /** What `entries` became. */
  readonly entries: readonly Numbered[]
}

/** Where an entry stands in the audit log. */
export interface Numbered {
  readonly sequence: number
  readonly hash: string
}

export interface ChangeResult<T> {
  readonly sequence: number
  readonly revision: number
  readonly hash: string
  readonly result: T
}

export type Change = <T>(
  info: ChangeInfo,
  body: (session: ClientSession, context: ChangeContext) => Promise<T>,
) => Promise<ChangeResult<T>>

export function createChange(connection: Connection): Change {
  const queue = createQueue()
  return (info, body) =>
    queue(() =>
      connection.run(async (db) => {
        const attempt = () =>
          inTransaction(connection.client, (session) => write({ db, session, info, body }), {
            deadlineMs: info.deadlineMs ?? 15_000,
          })
        try {
          return await attempt()
        } catch (error) {
          if (!(error instanceof HeadLost) && !isDuplicate(error)) throw error
          await restoreLease(db)
          if (!(await restoreHead(db)) && isDuplicate(error)) throw error
          return await attempt()
        }
      }),
    )
}

/** Not an EdictError: it never leaves this file unless the head is lost twice in a row. */
class HeadLost extends Error {}

interface Writing<T> {
  readonly db: Db
  readonly session: ClientSession
  readonly info: ChangeInfo
  readonly body: (session: ClientSession, context: ChangeContext) => Promise<T>
}

async function write<T>({ db, session, info, body }: Writing<T>): Promise<ChangeResult<T>> {
  const collections = collectionsOf(db)
  const gate = await collections.lease.updateOne({ _id: 'writer' }, { $inc: { token: 1 } }, { session })
  const head = await collections.head.findOne({ _id: 'head' }, { session })
  if (head === null || gate.matchedCount === 0) throw new HeadLost('the head document is missing')
  const at = new Date()
  const revision = head.revision + (info.bumpRevision === true ? 1 : 0)
  const entries = chained(head, at, [...(info.entries ?? []), info])
  const { _id: sequence, hash } = entries.at(-1) ?? { _id: head.sequence, hash: head.auditHash }
  const numbered = entries.slice(0, -1).map((entry) => ({ sequence: entry._id, hash: entry.hash }))
  const result = await body(session, { collections, at, head, sequence, revision, entries: numbered })

  await collections.audit.insertMany([...entries], { session })
  const moved = await collections.head.replaceOne(
    { _id: 'head', sequence: head.sequence },
    { sequence, revision, auditHash: hash, ...(entries.length > 1 && { previous: head.sequence }) },
    { session },
  )
  if (moved.matchedCount === 0) throw new EdictError('internal_error', 'the head moved inside a transaction')
  return { sequence, revision, hash, result }
}

function chained(head: HeadDocument, at: Date, infos: readonly EntryInfo[]): readonly AuditDocument[] {
  let previous = head.auditHash
  return infos.map((info, index) => {
    const entry = entryOf(info, { _id: head.sequence + 1 + index, at })
    previous = auditHash(previous, entry)
    return { ...entry, hash: previous }
  })
}

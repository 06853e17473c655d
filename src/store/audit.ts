/** The audit log as a hash chain: each entry's hash covers the one before, so none can be altered or taken out unseen. */
import { createHash } from 'node:crypto'
import type { AuditDocument } from '../policy/schema.ts'
import type { Connection } from './connection.ts'
import { collectionsOf } from './collections.ts'

export const firstHash = ''

export type AuditEntry = Omit<AuditDocument, 'hash'>

export function auditHash(previous: string, entry: AuditEntry): string {
  const { _id, at, actor, action, resource, details } = entry
  const text = canonicalJson({ _id, at: at.toISOString(), actor, action, resource, details })
  return createHash('sha256').update(previous).update('\0').update(text).digest('hex')
}

/** JSON with sorted keys and no white space; dates as ISO text, undefined left out. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )
}

/** Details as they read back from the store: plain JSON, so that their hash can be computed again. */
export const plainDetails = (details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  JSON.parse(canonicalJson(details))

export type AuditVerdict =
  | { readonly ok: true; readonly entries: number; readonly hash: string }
  | { readonly ok: false; readonly sequence: number; readonly message: string }

export const createAudit = (connection: Connection) => ({
  /** Walks the whole chain and compares its end with `head`. */
  verify: (): Promise<AuditVerdict> =>
    connection.run(async (db) => {
      const { audit, head } = collectionsOf(db)
      let previous = firstHash
      let entries = 0
      for await (const { hash, ...entry } of audit.find().sort({ _id: 1 })) {
        entries += 1
        if (entry._id !== entries) return broken(entries, 'the entry is missing')
        if (auditHash(previous, entry) !== hash) return broken(entries, 'the entry does not match its hash')
        previous = hash
      }
      const last = await head.findOne({ _id: 'head' })
      // A change that committed during the walk is not a fault.
      if (last && last.sequence <= entries && last.auditHash !== previous)
        return broken(entries, 'the head does not match')
      return { ok: true, entries, hash: previous }
    }),
  /** Newest first. */
  list: ({ before, limit }: { readonly before?: number; readonly limit: number }): Promise<readonly AuditDocument[]> =>
    connection.run((db) =>
      collectionsOf(db)
        .audit.find(before === undefined ? {} : { _id: { $lt: before } })
        .sort({ _id: -1 })
        .limit(limit)
        .toArray(),
    ),
})

const broken = (sequence: number, message: string): AuditVerdict => ({ ok: false, sequence, message })

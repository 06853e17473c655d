/** Reading, verifying and erasing in the audit log. Entries are written by `change.ts` alone. */
import type { Filter } from 'mongodb'
import { auditResource } from '../auth/actions.ts'
import type { Actor } from '../auth/actor.ts'
import type { Enforce } from '../auth/enforce.ts'
import type { AuditDocument } from '../policy/schema.ts'
import { entryProblem, firstHash, type AuditMark } from './audit-chain.ts'
import type { Change } from './change.ts'
import { collectionsOf } from './collections.ts'
import type { Connection } from './connection.ts'

export type AuditVerdict =
  | { readonly ok: true; readonly entries: number; readonly head: AuditMark | null }
  | { readonly ok: false; readonly sequence: number; readonly message: string }

export interface AuditQuery {
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly resource?: string | undefined
  /** Of a shared module: entries about it, or that changed its text. */
  readonly module?: string | undefined
  /** From then on, and before then. */
  readonly since?: Date | undefined
  readonly until?: Date | undefined
  /** Only entries with a smaller number. */
  readonly before?: number | undefined
}

export interface Audit {
  /**
   * Walks the chain up to `head`. With `since`, from that entry on: it must be there with that very hash, so that a log
   * whose end was cut off, or that was written anew, shows.
   */
  readonly verify: (options?: { readonly since?: AuditMark | undefined }) => Promise<AuditVerdict>
  /** Newest first. */
  readonly list: (query: AuditQuery & { readonly limit: number }) => Promise<readonly AuditDocument[]>
  /** All that match, newest first. */
  readonly each: (query: AuditQuery) => AsyncIterable<AuditDocument>
  readonly get: (sequence: number) => Promise<AuditDocument | null>
  /** Forgets who `subject` is wherever the log names it as actor or origin; the chain still verifies. A change of its own. */
  readonly erase: (request: {
    readonly subject: string
    readonly actor: Actor | null
    readonly from?: string
  }) => Promise<{ readonly erased: number } & AuditMark>
}

export const createAudit = ({
  connection,
  change,
  enforce,
}: {
  readonly connection: Connection
  readonly change: Change
  readonly enforce: Enforce
}): Audit => {
  const find = (query: AuditQuery) => (db: Parameters<Parameters<Connection['run']>[0]>[0]) =>
    collectionsOf(db).audit.find(filterOf(query)).sort({ _id: -1 })
  return {
    verify: ({ since } = {}) => connection.run((db) => verify(collectionsOf(db), since)),
    list: ({ limit, ...query }) => connection.run((db) => find(query)(db).limit(limit).toArray()),
    each: async function* (query) {
      const cursor = await connection.run(async (db) => find(query)(db))
      try {
        for await (const entry of cursor) yield entry
      } finally {
        await cursor.close()
      }
    },
    get: (sequence) => connection.run((db) => collectionsOf(db).audit.findOne({ _id: sequence })),
    erase: async ({ subject, actor: asking, from }) => {
      const { id: actor } = await enforce(asking, 'admin', auditResource)
      const info = { actor, from: from ?? null, action: 'audit.erase', resource: 'audit' }
      const { sequence, hash, result } = await change(info, async (session, { collections: { audit } }) => {
        const as = async (field: 'actor' | 'from') =>
          audit.updateMany({ [field]: subject }, { $set: { [field]: null, [`salts.${field}`]: null } }, { session })
        return (await as('actor')).modifiedCount + (await as('from')).modifiedCount
      })
      return { erased: result, sequence, hash }
    },
  }
}

async function verify(
  { audit, head }: ReturnType<typeof collectionsOf>,
  since: AuditMark | undefined,
): Promise<AuditVerdict> {
  const start = since === undefined ? null : await audit.findOne({ _id: since.sequence })
  if (since !== undefined && start === null) return broken(since.sequence, 'the entry is missing')
  if (since !== undefined && start?.hash !== since.hash)
    return broken(since.sequence, 'the entry is not the one that was marked')
  let previous = start?.hash ?? firstHash
  let last = start?._id ?? 0
  for await (const entry of audit.find({ _id: { $gt: last } }).sort({ _id: 1 })) {
    if (entry._id !== last + 1) return broken(last + 1, 'the entry is missing')
    const problem = entryProblem(entry, previous)
    if (problem !== undefined) return broken(entry._id, problem)
    last = entry._id
    previous = entry.hash
  }
  const end = await head.findOne({ _id: 'head' })
  // A change that committed during the walk is not a fault.
  if (end !== null && end.sequence < last) return broken(end.sequence + 1, 'the entry is not covered by the head')
  const covered = end === null || end.sequence === last ? end : await audit.findOne({ _id: last + 1 })
  if (end !== null && covered === null) return broken(last + 1, 'the entry is missing')
  if (end !== null && end.sequence === last && end.auditHash !== previous)
    return broken(last, 'the head does not match')
  return { ok: true, entries: last, head: last === 0 ? null : { sequence: last, hash: previous } }
}

const broken = (sequence: number, message: string): AuditVerdict => ({ ok: false, sequence, message })

function filterOf({ actor, action, resource, module, since, until, before }: AuditQuery): Filter<AuditDocument> {
  const key = module === undefined ? undefined : `module:${module}`
  return {
    ...(actor !== undefined && { actor }),
    ...(action !== undefined && { action }),
    ...(resource !== undefined && { resource }),
    ...(key !== undefined && { $or: [{ resource: key }, { 'changes.key': key }] }),
    ...((since ?? until) !== undefined && { at: { ...(since && { $gte: since }), ...(until && { $lt: until }) } }),
    ...(before !== undefined && { _id: { $lt: before } }),
  }
}

/** Revisions: what they were made of and what they consisted of. One that is not kept any more is `revision_gone`. */
import type { Resource } from '../auth/actions.ts'
import { EdictError } from '../errors.ts'
import type { ModuleDocument, PolicyDocument, PolicyKey, RevisionDocument } from '../policy/schema.ts'
import { versionDocumentSchema } from '../policy/revision-document.ts'
import { collectionsOf } from './collections.ts'
import type { Connection } from './connection.ts'
import { readable, readableOne } from './readable.ts'
import { touchedSince } from './touched.ts'

export interface RevisionContent {
  readonly revision: RevisionDocument
  readonly policies: readonly PolicyDocument[]
  readonly modules: readonly ModuleDocument[]
}

export type PolicyOrigin = Pick<PolicyDocument, 'repository' | 'commit' | 'author'>

export interface RevisionBounds {
  /** How many are kept. */
  readonly count: number
  /** How long one is kept; the one in force always is. */
  readonly ageMs: number
}

export interface Revisions {
  /** Newest first. */
  readonly list: (options: {
    readonly before?: number | undefined
    /** Those alone that created, replaced or removed it. */
    readonly policy?: string | undefined
    readonly limit: number
  }) => Promise<readonly RevisionDocument[]>
  /** Where these revisions had a policy from, those left out that removed it. */
  readonly originsOf: (policy: string, revisions: readonly number[]) => Promise<ReadonlyMap<number, PolicyOrigin>>
  /** Rejects with `revision_gone`, `not_found`. */
  readonly get: (revision: number) => Promise<RevisionDocument>
  /** A policy as it answered in that revision; null when there was none. Rejects with `revision_gone`, `not_found`. */
  readonly policyAt: (revision: number, key: PolicyKey) => Promise<PolicyDocument | null>
  /** Rejects with `revision_gone`, `not_found`. */
  readonly contentAt: (revision: number) => Promise<RevisionContent>
  /** What has been changed since, as the gate is asked for it. */
  readonly touchedSince: (revision: number) => Promise<readonly Resource[]>
  /** Forgets revisions beyond the bounds, and the plans that made them. */
  readonly prune: (bounds: RevisionBounds) => Promise<{ readonly removed: number }>
}

interface Origin {
  readonly from: number
  readonly document: PolicyOrigin
}

const partOf = (revision: number) => ({ from: { $lte: revision }, $or: [{ to: null }, { to: { $gt: revision } }] })

export function createRevisions(connection: Connection): Revisions {
  const get = (revision: number) =>
    connection.run(async (db) => {
      const { revisions, head } = collectionsOf(db)
      const found = await revisions.findOne({ _id: revision })
      if (found !== null) return found
      const newest = (await head.findOne({ _id: 'head' }))?.revision ?? 0
      throw revision >= 1 && revision <= newest
        ? new EdictError('revision_gone', `revision ${revision} is not kept any more`)
        : new EdictError('not_found', `there is no revision ${revision}`)
    })
  return {
    list: ({ before, policy, limit }) =>
      connection.run((db) =>
        collectionsOf(db)
          .revisions.find({
            ...(before !== undefined && { _id: { $lt: before } }),
            ...(policy !== undefined && { $or: [{ created: policy }, { replaced: policy }, { removed: policy }] }),
          })
          .sort({ _id: -1 })
          .limit(limit)
          .toArray(),
      ),
    originsOf: (key, revisions) =>
      connection.run(async (db) => {
        const filter = { kind: 'policy' as const, key, from: { $in: [...revisions] } }
        const projection = { from: 1, 'document.repository': 1, 'document.commit': 1, 'document.author': 1 }
        const found = await collectionsOf(db).versions.find<Origin>(filter, { projection }).toArray()
        return new Map(found.map(({ from, document }) => [from, document]))
      }),
    get,
    touchedSince: (revision) => connection.run((db) => touchedSince(db, revision)),
    policyAt: async (revision, key) => {
      await get(revision)
      return connection.run(async (db) => {
        const found = await collectionsOf(db).versions.findOne(
          { kind: 'policy', key, ...partOf(revision) },
          { sort: { from: -1 } },
        )
        const version = readableOne(versionDocumentSchema, 'versions', found)
        return version?.kind === 'policy' ? version.document : null
      })
    },
    contentAt: async (number) => {
      const revision = await get(number)
      return connection.run(async (db) => {
        const found = await collectionsOf(db).versions.find(partOf(number)).sort({ from: 1 }).toArray()
        const last = new Map(found.map((version) => [`${version.kind}:${version.key}`, version]))
        const { items, problems } = readable(versionDocumentSchema, 'versions', [...last.values()])
        if (problems[0]) throw new EdictError('internal_error', problems[0].message)
        return {
          revision,
          policies: items.flatMap((version) => (version.kind === 'policy' ? [version.document] : [])),
          modules: items.flatMap((version) => (version.kind === 'module' ? [version.document] : [])),
        }
      })
    },
    prune: (bounds) => connection.run((db) => prune(collectionsOf(db), bounds)),
  }
}

/** The list first: what it does not name is not answered for, whatever is left of it when this is cut off. */
async function prune(
  { head, revisions, versions, pastRules, plans }: ReturnType<typeof collectionsOf>,
  { count, ageMs }: RevisionBounds,
): Promise<{ readonly removed: number }> {
  const newest = (await head.findOne({ _id: 'head' }))?.revision ?? 0
  const old = new Date(Date.now() - ageMs)
  const young = await revisions.findOne({ at: { $gte: old } }, { sort: { _id: 1 }, projection: { _id: 1 } })
  const floor = Math.max(newest - count + 1, Math.min(young?._id ?? newest, newest))
  const gone = await revisions.find({ _id: { $lt: floor } }, { projection: { plan: 1 } }).toArray()
  if (gone.length > 0) await revisions.deleteMany({ _id: { $lt: floor } })
  await versions.deleteMany({ to: { $ne: null, $lte: floor } })
  await pastRules.deleteMany({ to: { $lte: floor } })
  await plans.deleteMany({ _id: { $in: gone.map(({ plan }) => plan) } })
  await plans.deleteMany({ status: { $nin: ['Waiting', 'Applied'] }, createdAt: { $lt: old } })
  return { removed: gone.length }
}

/**
 * A plan becomes the next revision in one transaction, or nothing of it happens: the lease's token still holds, the
 * base revision has not moved, and every blob that is named exists. Locks stay as they are.
 */
import type { AnyBulkWriteOperation, ClientSession, Collection, Db } from 'mongodb'
import { moduleResource, policyResource, storedModuleResource, type Resource } from '../auth/actions.ts'
import type { Actor } from '../auth/actor.ts'
import type { Enforce } from '../auth/enforce.ts'
import { EdictError } from '../errors.ts'
import type { PlanDocument } from '../policy/plan-document.ts'
import type { HoldDocument } from '../policy/revision-document.ts'
import type {
  ModuleDocument,
  PackageDocument,
  PolicyDocument,
  PolicyKey,
  PolicyStatus,
  RevisionDocument,
  SourceDocument,
} from '../policy/schema.ts'
import { type ApiWrites, writeApi } from './api-writes.ts'
import { type Blobs, missingBlobs, referencesOf } from './blobs.ts'
import type { Change, ChangeContext } from './change.ts'
import type { Collections } from './collections.ts'
import type { Connection } from './connection.ts'
import type { Lease } from './lease.ts'
import { keepPast } from './past-rules.ts'
import { textChanges } from './text-changes.ts'
import { lighten } from './lighten.ts'
import { notWaiting } from './plans.ts'
import { archive, type Archived, type ArchivedDocuments, succeed } from './versions.ts'

export interface ApplyPlan {
  /** `head.revision` that the plan was made against. */
  readonly baseRevision: number
  /** Their `revision` is set by apply. */
  readonly create: readonly PolicyDocument[]
  readonly replace: readonly PolicyDocument[]
  readonly remove: readonly PolicyKey[]
  readonly modules: { readonly put: readonly ModuleDocument[]; readonly remove: readonly string[] }
  readonly packages: { readonly put: readonly PackageDocument[]; readonly remove: readonly string[] }
  /** Statuses of policies that the plan keeps as they are. */
  readonly statuses?: readonly StatusChange[]
  readonly sources: readonly SourceDocument[]
  readonly revision: { readonly sources: RevisionDocument['sources'] }
  /** What is written down of it: a new plan, or the one that waited and was approved. */
  readonly record: PlanDocument
  /** Sources that stand still from now on. */
  readonly holds?: readonly HoldDocument[]
  /** What it grants to callers of the API. */
  readonly api?: ApiWrites
  /** What `archive` made of its documents. */
  readonly archived: Archived
}

export interface StatusChange {
  readonly key: PolicyKey
  readonly status: PolicyStatus
}

/** Nothing in force changes: no new revision. */
export interface StatusPlan {
  readonly baseRevision: number
  readonly statuses: readonly StatusChange[]
  /** Whole documents of what never had a good artifact; they keep the revision they carry. */
  readonly put: readonly PolicyDocument[]
  readonly modules: readonly ModuleDocument[]
  readonly sources: readonly SourceDocument[]
}

export interface Applied {
  readonly revision: number
  readonly sequence: number
}

export interface ApplyOptions<Plan> {
  readonly plan: Plan
  readonly lease: Lease
  readonly actor: Actor | null
  /** Who is written down, when it is done for somebody whom the gate has let through before. */
  readonly by?: string | undefined
}

export interface Apply {
  /** Puts away what the revision will consist of. Needs no lease, so that an apply holds it for a moment only. */
  readonly archive: (documents: ArchivedDocuments) => Promise<Archived>
  /** Rejects with `unauthenticated`, `forbidden` when the actor may not touch all of it; with `conflict` when the base moved, the lease was lost or a blob is gone: plan again. */
  readonly apply: (options: ApplyOptions<ApplyPlan>) => Promise<Applied>
  readonly applyStatus: (options: ApplyOptions<StatusPlan>) => Promise<Applied>
}

const deadlineMs = 60_000

export interface ApplyDeps {
  readonly connection: Connection
  readonly change: Change
  readonly blobs: Blobs
  readonly enforce: Enforce
}

export function createApply({ connection, change, blobs, enforce }: ApplyDeps): Apply {
  const keepPastRules = ({ rules: { put, remove } }: ApiWrites, to: number) =>
    connection.run((db) => keepPast(db, [...put.map(({ _id }) => _id), ...remove], to))
  return {
    archive: (documents) => archive(documents, blobs),
    apply: async ({ plan, lease, actor: acting, by }) => {
      const allowed = await enforce(acting, plan.record.kind === 'rollback' ? 'rollback' : 'apply', touchedBy(plan))
      const actor = by ?? allowed.id
      const light = await lighten(plan, blobs)
      const action = plan.record.kind === 'rollback' ? 'revision.rollback' : 'sync.apply'
      const info = {
        actor,
        action,
        resource: 'policies',
        bumpRevision: true,
        deadlineMs,
        entries: entriesOf(plan),
        changes: await connection.run((db) => textChanges(db, plan, plan.archived)),
      }
      if (plan.api !== undefined) await keepPastRules(plan.api, plan.baseRevision + 1)
      const { sequence, revision } = await change({ ...info, details: summaryOf(plan) }, async (session, context) => {
        await guard({ session, context, lease, baseRevision: plan.baseRevision })
        await blobsMustExist(connection.db, [
          ...light.create,
          ...light.replace,
          ...light.modules.put,
          ...light.packages.put,
          { text: plan.record.diffs },
        ])
        if (plan.api !== undefined) await writeApi(plan.api, { session, context })
        await record({ session, context, plan, actor })
        await writePlan({ session, context, plan: light })
      })
      return { sequence, revision }
    },
    applyStatus: async ({ plan, lease, actor: acting, by }) => {
      const allowed = await enforce(acting, 'apply', touchedByStatus(plan))
      const actor = by ?? allowed.id
      const details = {
        statuses: plan.statuses.map(({ key, status: { phase } }) => ({ key, phase })),
        put: ids(plan.put),
      }
      const info = { actor, action: 'sync.status', resource: 'policies', details, deadlineMs }
      const { sequence, revision } = await change(info, async (session, context) => {
        await guard({ session, context, lease, baseRevision: plan.baseRevision })
        await blobsMustExist(connection.db, [...plan.put, ...plan.modules])
        const { policies, modules, sources } = context.collections
        await writeStatuses(context.collections, session, plan.statuses)
        await write(policies, session, plan.put.map(put))
        await write(modules, session, plan.modules.map(put))
        await write(sources, session, plan.sources.map(put))
      })
      return { sequence, revision }
    },
  }
}

/** A change that callers asked for says of which plan it is part: who approved that, its own entry says. */
const entriesOf = ({ api, record: { _id, digest } }: ApplyPlan) =>
  (api?.entries ?? []).map((entry) => ({ ...entry, details: { ...entry.details, plan: { id: _id, digest } } }))

interface Guarded {
  readonly session: ClientSession
  readonly context: ChangeContext
  readonly lease: Lease
  readonly baseRevision: number
}

/** The lease is written, not read: two transactions with different tokens cannot both commit. */
async function guard({ session, context, lease, baseRevision }: Guarded): Promise<void> {
  const { holder, token } = lease
  const filter = { _id: 'cycle', holder, token } as const
  const held = await context.collections.lease.updateOne(filter, { $set: { sequence: context.sequence } }, { session })
  if (held.matchedCount === 0) throw new EdictError('conflict', 'the lease was lost to another worker')
  if (context.head.revision !== baseRevision)
    throw new EdictError(
      'conflict',
      `the plan was made for revision ${baseRevision}, the store is at ${context.head.revision}`,
    )
}

/** Outside the transaction: a blob is visible as soon as it is complete, and it was touched less than an hour ago. */
async function blobsMustExist(db: Db, documents: readonly Parameters<typeof referencesOf>[0][]): Promise<void> {
  const missing = await missingBlobs(db, documents.flatMap(referencesOf))
  if (missing.length > 0)
    throw new EdictError('conflict', `${missing.length} blobs are not stored, first ${missing[0]}`)
}

interface Recording {
  readonly session: ClientSession
  readonly context: ChangeContext
  readonly plan: ApplyPlan
  readonly actor: string
}

/** Writes the plan down as applied. One that waits was made for the revision before: it is stale now. */
async function record({ session, context, plan, actor }: Recording): Promise<void> {
  const { collections, revision, at } = context
  const { _id, ...rest } = plan.record
  const about = { $or: [{ _id }, { status: 'Waiting' as const }] }
  const known = await collections.plans.find(about, { session, projection: { status: 1, message: 1 } }).toArray()
  const decided = known.find((found) => found._id === _id && found.status !== 'Waiting')
  if (decided !== undefined) throw notWaiting(decided)
  const applied = { ...rest, status: 'Applied' as const, revision, decidedAt: at, decidedBy: actor }
  await collections.plans.replaceOne({ _id }, applied, { session, upsert: true })
  const others = known.flatMap((waiting) => (waiting._id === _id ? [] : [waiting._id]))
  const stale = { status: 'Stale' as const, message: `revision ${revision} was applied meanwhile`, decidedAt: at }
  if (others.length > 0) await collections.plans.updateMany({ _id: { $in: others } }, { $set: stale }, { session })
  await write(collections.holds, session, (plan.holds ?? []).map(put))
}

interface Writing {
  readonly session: ClientSession
  readonly context: ChangeContext
  readonly plan: ApplyPlan
}

async function writePlan({ session, context, plan }: Writing): Promise<void> {
  const { collections, revision, at } = context
  const numbered = <T extends object>(document: T) => ({ ...document, revision })
  await writeStatuses(collections, session, plan.statuses ?? [])
  await write(collections.policies, session, [
    ...plan.remove.map(remove),
    ...[...plan.create, ...plan.replace].map(numbered).map(put),
  ])
  await write(collections.modules, session, [
    ...plan.modules.remove.map(remove),
    ...plan.modules.put.map(numbered).map(put),
  ])
  await write(collections.packages, session, [
    ...plan.packages.remove.map(remove),
    ...plan.packages.put.map(numbered).map(put),
  ])
  await write(collections.sources, session, plan.sources.map(put))
  const removed = { policies: plan.remove, modules: plan.modules.remove }
  await succeed({ session, collections, revision, archived: plan.archived, removed })
  const policies = await collections.policies.countDocuments({}, { session })
  const { created, replaced } = summaryOf(plan)
  const { sources } = plan.revision
  const { create, replace, remove: gone } = plan.record.changes.modules
  const modules = { created: create, replaced: replace, removed: gone }
  const made = { at, sources, created, replaced, removed: [...plan.remove], modules, policies, plan: plan.record._id }
  await collections.revisions.insertOne({ _id: revision, ...made }, { session })
}

/** A plan that writes no document still makes a revision. */
function touchedBy({ create, replace, remove, modules, record }: ApplyPlan): readonly Resource[] {
  const policies = [...ids(create), ...ids(replace), ...remove].map((key) => policyResource(key))
  const put = modules.put.map(({ id }) => moduleResource(id))
  const removed = modules.remove.map((id) => storedModuleResource(id))
  const touched = [...policies, ...put, ...removed]
  return touched.length > 0 ? touched : [{ kind: 'plan', key: record._id }]
}

function touchedByStatus({ statuses, put: policies, modules }: StatusPlan): readonly Resource[] {
  const keys = [...statuses.map(({ key }) => key), ...ids(policies)]
  const touched = [...keys.map((key) => policyResource(key)), ...modules.map(({ id }) => moduleResource(id))]
  return touched.length > 0 ? touched : [{ kind: 'plan', key: 'status' }]
}

const ids = (documents: readonly { readonly _id: string }[]) => documents.map(({ _id }) => _id)

const summaryOf = (plan: ApplyPlan) => ({
  created: ids(plan.create),
  replaced: ids(plan.replace),
  removed: plan.remove,
  modules: { put: ids(plan.modules.put), removed: plan.modules.remove },
  packages: { put: ids(plan.packages.put), removed: plan.packages.remove },
  sources: plan.revision.sources,
  plan: { id: plan.record._id, digest: plan.record.digest },
})

/** Whole documents only, so that the change stream carries them. */
async function writeStatuses({ policies }: Collections, session: ClientSession, changes: readonly StatusChange[]) {
  const statuses = new Map<string, PolicyStatus>(changes.map(({ key, status }) => [key, status]))
  const found = await policies.find({ _id: { $in: [...statuses.keys()] } }, { session }).toArray()
  const documents = found.map((document) => ({ ...document, status: statuses.get(document._id) ?? document.status }))
  await write(policies, session, documents.map(put))
}

type Operation<T extends { _id: string }> = AnyBulkWriteOperation<T>

async function write<T extends { _id: string }>(
  collection: Collection<T>,
  session: ClientSession,
  operations: readonly Written<T>[],
): Promise<void> {
  if (operations.length === 0) return
  // The driver's types ask for a document without `_id`; the server accepts the same `_id` in a replacement.
  await collection.bulkWrite(operations as unknown as Operation<T>[], { session, ordered: true })
}

type Written<T> =
  | { readonly replaceOne: { filter: { _id: string }; replacement: T; upsert: true } }
  | { readonly deleteOne: { filter: { _id: string } } }

const put = <T extends { _id: string }>(replacement: T): Written<T> => ({
  replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true },
})
const remove = (_id: string): Written<never> => ({ deleteOne: { filter: { _id } } })

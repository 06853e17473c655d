/**
 * Plans that wait, and those that were decided. At most one waits: a newer one supersedes it, an apply makes it stale,
 * because it was made for the revision before. Each decision is a change of its own.
 */
import type { Filter } from 'mongodb'
import { sourceResource } from '../auth/actions.ts'
import type { Actor } from '../auth/actor.ts'
import type { Enforce } from '../auth/enforce.ts'
import { EdictError } from '../errors.ts'
import { type PlanDocument, planDocumentSchema, type PlanStatus, type PlanSummary } from '../policy/plan-document.ts'
import type { EntryInfo } from './audit-chain.ts'
import type { Change, ChangeContext } from './change.ts'
import { collectionsOf } from './collections.ts'
import type { Connection } from './connection.ts'
import { ignoreConflict } from './failure.ts'
import { readable, readableOne } from './readable.ts'
import { touchedByPlan } from '../auth/touched-by-plan.ts'

export interface PlanQuery {
  readonly status?: PlanStatus | undefined
  /** Whose change it contains. */
  readonly source?: string | undefined
  readonly limit: number
  /** `next` of the page before. */
  readonly cursor?: string | undefined
}

export interface Decided {
  readonly plan: PlanSummary
  readonly sequence: number
  readonly hash: string
}

export interface Plans {
  readonly get: (id: string) => Promise<PlanDocument | null>
  readonly waiting: () => Promise<PlanDocument | null>
  /** Newest first, without differences. */
  readonly list: (query: PlanQuery) => Promise<{ readonly items: readonly PlanSummary[]; readonly next: string | null }>
  /**
   * From now on it waits, in place of an older one, and its requests with it. `asked`: an audit entry for each of those
   * that are new. `conflict`: its base has moved, or a request was withdrawn.
   */
  readonly propose: (plan: PlanDocument, actor: Actor | null, asked?: readonly EntryInfo[]) => Promise<void>
  /** It waits no longer, without anybody's decision. Does nothing when it was decided meanwhile. */
  readonly dismiss: (
    id: string,
    end: {
      readonly status: 'Stale' | 'Superseded'
      readonly message: string
      readonly actor: Actor | null
    },
  ) => Promise<void>
  /**
   * Holds the commits that it contains, drops what the API was asked for. Rejects with `forbidden`, `plan_not_found`,
   * `conflict` when it does not wait.
   */
  readonly reject: (
    id: string,
    by: { readonly actor: Actor | null; readonly reason: string | null },
  ) => Promise<Decided>
}

const withoutDiffs = { diffs: 0 } as const
const planSummarySchema = planDocumentSchema.omit({ diffs: true })

export function createPlans({
  connection,
  change,
  enforce,
}: {
  readonly connection: Connection
  readonly change: Change
  readonly enforce: Enforce
}): Plans {
  const one = (filter: Filter<PlanDocument>) =>
    connection.run(async (db) =>
      readableOne(
        planDocumentSchema,
        'plans',
        await collectionsOf(db).plans.findOne(filter, { sort: { createdAt: -1 } }),
      ),
    )
  return {
    get: (id) => one({ _id: id }),
    waiting: () => one({ status: 'Waiting' }),
    list: (query) =>
      connection.run(async (db) => {
        const found = await collectionsOf(db)
          .plans.find(filterOf(query), { projection: withoutDiffs })
          .sort({ createdAt: -1, _id: -1 })
          .limit(query.limit + 1)
          .toArray()
        const { items } = readable(planSummarySchema, 'plans', found.slice(0, query.limit))
        const last = items.at(-1)
        return { items, next: last !== undefined && found.length > query.limit ? cursorOf(last) : null }
      }),
    propose: async (plan, asking, entries = []) => {
      const { digest, baseRevision, subject } = plan
      const { id: actor } = await enforce(asking, 'source', subject.map(sourceResource))
      const ids = plan.requests.map(({ id }) => id)
      const info = {
        entries,
        actor,
        action: 'plan.create',
        resource: plan._id,
        details: { digest, baseRevision, subject, ...(ids.length > 0 && { requests: ids }) },
      }
      await change(info, async (session, { collections, head }) => {
        if (head.revision !== baseRevision) throw new EdictError('conflict', 'the base of the plan has moved')
        const superseded = { status: 'Superseded' as const, message: `superseded by ${plan._id}` }
        await collections.plans.updateMany({ status: 'Waiting' }, { $set: superseded }, { session })
        await collections.plans.insertOne(plan, { session })
        if (ids.length === 0) return
        const open = { _id: { $in: ids }, outcome: null }
        const { matchedCount } = await collections.requests.updateMany(open, { $set: { waits: plan._id } }, { session })
        if (matchedCount !== ids.length) throw new EdictError('conflict', 'a request was withdrawn, or answered')
      })
    },
    dismiss: async (id, { status, message, actor: asking }) => {
      const subject = (await one({ _id: id }))?.subject ?? []
      const { id: actor } = await enforce(
        asking,
        'source',
        subject.length > 0 ? subject.map(sourceResource) : sourceResource(null),
      )
      const info = { actor, action: 'plan.dismiss', resource: id, details: { status, message } }
      await change(info, async (session, { collections, at }) => {
        const ended = { status, message, decidedAt: at }
        const { matchedCount } = await collections.plans.updateOne(
          { _id: id, status: 'Waiting' },
          { $set: ended },
          { session },
        )
        if (matchedCount === 0) throw new EdictError('conflict', `plan ${id} does not wait any more`)
      }).catch(ignoreConflict)
    },
    reject: async (id, { actor: asking, reason }) => {
      const touched = touchedByPlan(id, await one({ _id: id }))
      // Nobody else is needed to take back one's own.
      const { id: actor } = await enforce(
        asking,
        'approve',
        touched.map((one) => ({ ...one, by: [] })),
      )
      const info = { actor, action: 'plan.reject', resource: id, details: { reason } }
      const {
        result: plan,
        sequence,
        hash,
      } = await change(info, async (session, context) => {
        const { collections, at } = context
        const found = await collections.plans.findOne({ _id: id }, { session, projection: withoutDiffs })
        if (found === null) throw new EdictError('plan_not_found', `there is no plan ${id}`)
        if (found.status !== 'Waiting') throw notWaiting(found)
        const message = reason ?? `rejected by ${actor}`
        const end = { status: 'Rejected' as const, message, decidedAt: at, decidedBy: actor }
        await collections.plans.updateOne({ _id: id }, { $set: end }, { session })
        await holdCommits(found, { session, context, actor, reason })
        await dropRequests(found, { session, context, actor, reason })
        return { ...found, ...end }
      })
      return { plan, sequence, hash }
    },
  }
}

export const notWaiting = ({ _id, status, message }: Pick<PlanSummary, '_id' | 'status' | 'message'>): EdictError =>
  new EdictError('conflict', `plan ${_id} does not wait: it is ${status}${message === '' ? '' : ` (${message})`}`)

interface Holding {
  readonly session: NonNullable<Parameters<Parameters<Change>[1]>[0]>
  readonly context: ChangeContext
  readonly actor: string
  readonly reason: string | null
}

/** The API has no commits: what it asked for is dropped with the plan. */
async function holdCommits(plan: PlanSummary, { session, context, actor, reason }: Holding): Promise<void> {
  const { sources, holds } = context.collections
  const held = await sources.find({ _id: { $in: plan.subject }, kind: { $ne: 'api' } }, { session }).toArray()
  for (const { _id } of held) {
    const commit = plan.sources.find(({ name }) => name === _id)?.commit ?? null
    const hold = { kind: 'rejected' as const, commit, revision: null, plan: plan._id, actor, reason, at: context.at }
    // oxlint-disable-next-line no-await-in-loop
    await holds.replaceOne({ _id }, hold, { session, upsert: true })
  }
}

async function dropRequests(plan: PlanSummary, { session, context, actor, reason }: Holding): Promise<void> {
  const { at, collections, revision } = context
  const message = `rejected by ${actor}${reason === null ? '' : `: ${reason}`}`
  const outcome = { at, ok: false, code: 'conflict' as const, revision, message, findings: [], plan: plan._id }
  const open = { _id: { $in: plan.requests.map(({ id }) => id) }, outcome: null }
  await collections.requests.updateMany(open, { $set: { outcome, waits: null } }, { session })
}

function filterOf({ status, source, cursor }: PlanQuery): Filter<PlanDocument> {
  const after = cursor === undefined ? undefined : readCursor(cursor)
  return {
    ...(status !== undefined && { status }),
    ...(source !== undefined && { subject: source }),
    ...(after !== undefined && {
      $or: [{ createdAt: { $lt: after.at } }, { createdAt: after.at, _id: { $lt: after.id } }],
    }),
  }
}

const cursorOf = ({ createdAt, _id }: PlanSummary): string =>
  Buffer.from(`${createdAt.getTime()} ${_id}`).toString('base64url')

function readCursor(cursor: string): { readonly at: Date; readonly id: string } {
  const [time = '', id = ''] = Buffer.from(cursor, 'base64url').toString().split(' ')
  if (!/^\d{1,15}$/.test(time) || id === '') throw new EdictError('invalid_request', 'the cursor is not one of ours')
  return { at: new Date(Number(time)), id }
}

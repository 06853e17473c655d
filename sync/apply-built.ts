/** Takes the lease and applies what was built, or says that the base has moved. */
import type { Actor } from '../src/auth/actor.ts'
import { EdictError } from '../src/errors.ts'
import type { PlanDocument } from '../src/policy/plan-document.ts'
import type { HoldDocument } from '../src/policy/revision-document.ts'
import type { PolicyStatus, SourceDocument } from '../src/policy/schema.ts'
import type { ApiWrites } from '../src/store/api-writes.ts'
import type { Lease } from '../src/store/lease.ts'
import type { Queue } from '../src/store/queue.ts'
import type { Store } from '../src/store/store.ts'
import type { Archived } from '../src/store/versions.ts'
import { backoffMs, sleep } from '../src/store/wait.ts'
import type { Blamer } from './sources/blame-findings.ts'
import type { Built } from './build/build.ts'

const leaseMs = 15_000
/** A dead holder's lease has run out by then. */
const patienceMs = 30_000

export interface ApplyBuiltOptions {
  readonly store: Store
  readonly holder: string
  readonly built: Built
  readonly baseRevision: number
  readonly statuses: readonly SourceDocument[]
  readonly blamer: Blamer
  /** What is written down of it; null when nothing in force changes. */
  readonly record: PlanDocument | null
  readonly actor: Actor | null
  /** Who is written down in its stead: who approved it, or asked for it. */
  readonly by?: string | undefined
  readonly holds?: readonly HoldDocument[]
  /** What callers of the API are granted. */
  readonly granted?: ApiWrites | null
  /** Asked under the lease: what it was made of holds still. */
  readonly isStill?: () => Promise<boolean>
  /** Waits until nobody else in this process applies; to whoever has waited before the build began, not given. */
  readonly inTurn?: Queue
}

/** The revision that it made or left. */
export async function applyBuilt(options: ApplyBuiltOptions): Promise<number | 'moved'> {
  const documents = await blamed(options)
  const archived = options.record === null ? nothingArchived : await options.store.archive(documents)
  const { inTurn = (apply) => apply() } = options
  return inTurn(() => applyWithLease(options, { documents, archived }))
}

async function applyWithLease(options: ApplyBuiltOptions, ready: Omit<Ready, 'lease'>): Promise<number | 'moved'> {
  const { store, holder, baseRevision, isStill = async () => true } = options
  const lease = await takeLease(store, holder)
  try {
    const { revision } = await store.head()
    if (revision !== baseRevision || !(await isStill())) return 'moved'
    return await write(options, { ...ready, lease })
  } catch (error) {
    if (error instanceof EdictError && error.code === 'conflict') return 'moved'
    throw error
  } finally {
    await store.leases.release(lease).catch(() => undefined)
  }
}

async function takeLease(store: Store, holder: string): Promise<Lease> {
  const until = performance.now() + patienceMs
  for (let attempt = 0; ; attempt++) {
    // oxlint-disable-next-line no-await-in-loop
    const lease = await store.leases.acquire({ holder, ttlMs: leaseMs })
    if (lease !== null) return lease
    if (performance.now() > until)
      throw new EdictError('store_unavailable', 'another worker does not give the lease back')
    // oxlint-disable-next-line no-await-in-loop
    await sleep(Math.min(backoffMs(attempt), 250))
  }
}

const nothingArchived: Archived = { policies: [], modules: [] }

interface Ready {
  readonly documents: Built['documents']
  readonly archived: Archived
  readonly lease: Lease
}

async function write(options: ApplyBuiltOptions, { documents, archived, lease }: Ready): Promise<number> {
  const { store, baseRevision, statuses: sources, record, actor, by, holds = [], granted = null } = options
  if (record === null) {
    const { create, replace, statuses, modules } = documents
    const plan = { baseRevision, statuses, put: [...create, ...replace], modules: modules.put, sources }
    return (await store.applyStatus({ plan, lease, actor, by })).revision
  }
  const made = record.sources.map(({ name, commit, revision }) => ({ name, commit, revision }))
  const plan = {
    ...documents,
    baseRevision,
    sources,
    revision: { sources: made },
    record,
    holds,
    archived,
    ...(granted && { api: granted }),
  }
  return (await store.apply({ plan, lease, actor, by })).revision
}

/** Each status that is written says whose change each finding comes from. */
async function blamed({ built, blamer }: ApplyBuiltOptions): Promise<Built['documents']> {
  const { create, replace, statuses, modules, packages, remove } = built.documents
  const each = async <T extends { readonly status: PolicyStatus }>(documents: readonly T[]): Promise<T[]> => {
    const done: T[] = []
    // oxlint-disable-next-line no-await-in-loop
    for (const document of documents) done.push({ ...document, status: await blamer.status(document.status) })
    return done
  }
  return {
    create: await each(create),
    replace: await each(replace),
    remove,
    statuses: await each(statuses),
    modules: { put: await each(modules.put), remove: modules.remove },
    packages: { put: await each(packages.put), remove: packages.remove },
  }
}

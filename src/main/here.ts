/** What operators do from a command line that works on the store itself. */
import { everything } from '../auth/actions.ts'
import type { Actor } from '../auth/actor.ts'
import { EdictError } from '../errors.ts'
import { planAsJson } from '../http/plan-json.ts'
import { revisionAsJson, sourceAsJson } from '../http/views.ts'
import { planStatuses, type PlanSummary } from '../policy/plan-document.ts'
import type { PolicyKey } from '../policy/schema.ts'
import type { Confirmation } from '../store/replicas.ts'
import type { Store } from '../store/store.ts'
import { actorOf, commandLine } from './acting.ts'
import type { RunOptions } from './deployment.ts'
import { withStore } from './with-store.ts'

export interface ListOptions {
  readonly limit: number
}

type Shown = Readonly<Record<string, unknown>>

export interface Operations {
  /** `group/name/version`. Answers once the live servers have heard of it. */
  readonly lock: (
    key: string,
    lock: { readonly reason: string | null; readonly until: Date | null },
  ) => Promise<Confirmation>
  readonly unlock: (key: string) => Promise<Confirmation>
  readonly sources: () => Promise<readonly Shown[]>
  /** Newest first. */
  readonly plans: (options: ListOptions & { readonly status?: string | undefined }) => Promise<readonly Shown[]>
  /** With its differences. */
  readonly plan: (id: string) => Promise<Shown>
  readonly reject: (id: string, reason: string | null) => Promise<void>
  /** Newest first. */
  readonly revisions: (options: ListOptions) => Promise<readonly Shown[]>
}

const statusOf = (written: string | undefined): PlanSummary['status'] | undefined => {
  const status = planStatuses.find((one) => one === written)
  if (written === undefined || status !== undefined) return status
  throw new EdictError('config_invalid', `${written} is no status of a plan: ${planStatuses.join(', ')}.`)
}

const keyOf = (written: string): PolicyKey => {
  if (/^[^/]+\/[^/]+\/[^/]+$/.test(written)) return written as PolicyKey
  throw new EdictError('config_invalid', `${written} is no policy: name it <group>/<name>/<version>.`)
}

export const createOperationsHere = (options: RunOptions): Operations => {
  const open = <T>(work: (store: Store, actor: Actor | null) => Promise<T>): Promise<T> =>
    withStore(options, async (store) => work(store, await actorOf(store, options.acting)))
  const from = commandLine()
  return {
    lock: (written, { reason, until }) => {
      const key = keyOf(written)
      return open(async (store, actor) => {
        const { sequence } = await store.locks.lock(key, { actor, from, reason, until })
        return store.replicas.confirm(sequence)
      })
    },
    unlock: (written) => {
      const key = keyOf(written)
      return open(async (store, actor) => {
        const { sequence } = await store.locks.unlock(key, { actor, from })
        return store.replicas.confirm(sequence)
      })
    },
    sources: () => open(async (store) => (await store.sources.list()).items.map(sourceAsJson)),
    plans: ({ status, limit }) => {
      const wanted = statusOf(status)
      return open(async (store, actor) => {
        await store.enforce(actor, 'read', everything('plan'))
        return (await store.plans.list({ status: wanted, limit })).items.map(planAsJson)
      })
    },
    plan: (id) =>
      open(async (store, actor) => {
        await store.enforce(actor, 'read', everything('plan'))
        const found = await store.plans.get(id)
        if (found === null) throw new EdictError('plan_not_found', `there is no plan ${id}`)
        const { diffs, ...plan } = found
        return { ...planAsJson(plan), diffs: JSON.parse(await store.policies.readText(diffs)) as unknown }
      }),
    reject: (id, reason) =>
      open(async (store, actor) => {
        await store.plans.reject(id, { actor, reason })
      }),
    revisions: ({ limit }) => open(async (store) => (await store.revisions.list({ limit })).map(revisionAsJson)),
  }
}

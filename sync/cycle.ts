/**
 * One reconcile cycle: make the store whole, then a round: load all sources, build, and apply the difference to what is
 * *stored* in one transaction under the lease; another round when the base has moved meanwhile. A cycle that finds
 * nothing to do writes the sources' statuses and nothing else. Knows no trigger and no schedule.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { sourceResource, type Action, type Resource } from '../src/auth/actions.ts'
import { touchedByPlan } from '../src/auth/touched-by-plan.ts'
import { EdictError } from '../src/errors.ts'
import type { CachedOpa } from '../src/opa/cached.ts'
import type { Fragment } from '../src/policy/schema.ts'
import type { Library, SourceScope } from '../src/policy/scope.ts'
import type { PolicyLimits } from '../src/policy/validate.ts'
import type { RevisionBounds } from '../src/store/revisions.ts'
import type { Tester } from '../src/testing/tester.ts'
import { createQueue } from '../src/store/queue.ts'
import type { Store } from '../src/store/store.ts'
import { sleep } from '../src/store/wait.ts'
import { isApiSource } from './sources/api-source.ts'
import { changeRound, type ChangeOptions, type ChangeResult } from './change-round.ts'
import { createBuilder, type BuildDeps } from './build/build.ts'
import { joined, logReport, type Cycle, type CycleOptions, type CycleReport, type Refusal } from './cycle-report.ts'
import { dryPlan, type DryPlan, type DryPlanOptions } from './dry-plan.ts'
import { createHousekeeping } from './housekeeping.ts'
import { createLoader } from './sources/load.ts'
import { createBuildFrom } from './look.ts'
import { rollback, type Rollback } from './rollback.ts'
import { round, type RoundResult } from './round.ts'
import type { Source } from './sources/source.ts'

export interface ReconcilerDeps {
  readonly store: Store
  readonly sources: readonly Source[]
  /** Names of sources whose changes are approved before they are applied. */
  readonly approval?: ReadonlySet<string>
  readonly keep?: RevisionBounds
  readonly opa: CachedOpa
  readonly limits?: Partial<PolicyLimits>
  /** Shared modules that are in force unless a source declares them. */
  readonly defaults?: Fragment
  /** What each source may declare; one that is not named may declare everything. */
  readonly scopes?: ReadonlyMap<string, SourceScope>
  /** What every source may use, whatever its read scope says. */
  readonly libraries?: readonly Library[]
  /** Names of sources of which nothing shall stay in force. */
  readonly retired?: readonly string[]
  /** Runs the policies' tests before they are published; without it, none are run. */
  readonly tester?: Tester
  readonly log: Logger
  readonly clock?: () => Date
}

export interface Reconciler {
  /** One at a time; another call waits. Rejects with `store_unavailable`, `tool_unavailable` or the signal's reason. */
  readonly cycle: Cycle
  /** What callers of the API want changed, at once and beside a cycle; declined until one has ended. */
  readonly change: (options: ChangeOptions) => Promise<Exclude<ChangeResult, { kind: 'moved' }>>
  /** Back to an earlier revision, as a new one. Rejects, besides, with `revision_gone`, `not_found`. */
  readonly rollback: Rollback
  /** What a cycle would do; writes nothing. */
  readonly plan: (options: DryPlanOptions) => Promise<DryPlan>
  /** Resolves when what was asked for is done and tidied up. */
  readonly idle: () => Promise<void>
}

const mostRounds = 8
/** Rounds that are overtaken before one is made that changes wait for. */
const mostOvertaken = 2
/** How often the stored texts are compared as well, which reads every document whole. */
const thoroughEveryMs = 5 * 60_000
export const defaultKeep: RevisionBounds = { count: 100, ageMs: 90 * 24 * 3_600_000 }

export function createReconciler({
  store,
  sources,
  approval = new Set(),
  keep = defaultKeep,
  opa,
  limits = {},
  defaults,
  scopes = new Map(),
  libraries = [],
  retired = [],
  tester,
  log,
  clock = () => new Date(),
}: ReconcilerDeps): Reconciler {
  const byName = new Map(sources.map((source) => [source.name, source]))
  const configured = new Set([...byName.keys(), ...retired])
  const readText = store.policies.readText
  const api = sources.find(isApiSource) ?? null
  const builderDeps: BuildDeps = {
    opa,
    limits,
    readPolicy: (key) => store.policies.get(key),
    readText,
    tester,
    readBlob: (digest) => store.blobs.get(digest),
    blame: async (source, path, commit) => (await byName.get(source)?.blame(path, commit)) ?? null,
  }
  const bare = createBuilder(builderDeps)
  const build = defaults === undefined ? bare : createBuilder({ ...builderDeps, defaults })
  const building = { bounds: { configured, scopes, libraries }, build, bare, api, clock }
  const planner = { readPolicies: store.policies.whole, readText }
  const deps = {
    store,
    sources: byName,
    configured,
    retired,
    approval,
    api,
    loader: createLoader(sources, log),
    buildFrom: createBuildFrom({ store, ...building }),
    planner: { ...planner, putBlobs: store.blobs.put },
    holder: `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`,
    inTurn: <T>(work: () => Promise<T>): Promise<T> => work(),
    clock,
  }
  const keepHouse = createHousekeeping({ store, log, clock, keep })
  /** A change is never overtaken here, and neither is what takes its turn among them as a whole. */
  const amongChanges = createQueue()
  let tail: Promise<void> = Promise.resolve()
  let tidied: Promise<void> = Promise.resolve()
  let examined = 0
  let isReady = false

  async function mayRun({ actor = null, approve = [], confirm = [] }: CycleOptions, asked: readonly string[]) {
    const all = async (action: Action, resources: readonly Resource[]) =>
      resources.length > 0 && (await store.enforce(actor, action, resources))
    await all('source', asked.map(sourceResource))
    await all(
      'approve',
      confirm.map(({ source }) => sourceResource(source)),
    )
    const plans = approve.map(async ({ plan }) => touchedByPlan(plan, await store.plans.get(plan)))
    await all('approve', (await Promise.all(plans)).flat())
  }

  async function cycle(options: CycleOptions): Promise<CycleReport> {
    const { signal, sources: asked = [...byName.keys()] } = options
    signal?.throwIfAborted()
    await mayRun(options, asked)
    await store.ensureCollections()
    const thorough = options.thorough === true || clock().getTime() - examined >= thoroughEveryMs
    const refused = new Map<string, Refusal>()
    let report: CycleReport | undefined
    let overtaken = 0
    let wanted = new Set(asked)
    for (let rounds = 1; rounds <= mostRounds; rounds++) {
      const approve = (options.approve ?? []).filter(({ plan }) => !refused.has(plan) && report === undefined)
      const roundOptions = { ...options, approve, wanted, thorough }
      const mayBeOvertaken = overtaken < mostOvertaken && approve.length === 0
      // oxlint-disable-next-line no-await-in-loop
      const result: RoundResult = await (mayBeOvertaken
        ? round(roundOptions, { ...deps, inTurn: amongChanges })
        : amongChanges(() => round(roundOptions, deps)))
      if (result.kind === 'stale') refused.set(result.plan, result.refusal)
      if (result.kind === 'done') {
        if (thorough) examined = clock().getTime()
        report = joined(report, result.report)
        if (!result.again) isReady = true
        if (!result.again) return { ...report, refused: new Map([...refused, ...report.refused]) }
        wanted = new Set()
      }
      if (result.kind === 'moved') {
        log.info({ rounds }, 'somebody has applied meanwhile: going round again')
        overtaken += 1
        wanted = new Set(byName.keys())
        // oxlint-disable-next-line no-await-in-loop
        await sleep(50 * rounds * Math.random(), signal)
      }
    }
    throw new EdictError('conflict', `other workers applied ${mostRounds} times while this cycle was planned`)
  }

  async function change(options: ChangeOptions): Promise<Exclude<ChangeResult, { kind: 'moved' }>> {
    await mayRun(options, api === null ? [] : [api.name])
    if (!isReady) return { kind: 'declined' }
    for (let rounds = 1; rounds <= mostRounds; rounds++) {
      options.signal?.throwIfAborted()
      // oxlint-disable-next-line no-await-in-loop
      const result = await amongChanges(() => changeRound(options, deps))
      if (result.kind === 'moved') {
        // oxlint-disable-next-line no-await-in-loop
        await sleep(50 * rounds * Math.random(), options.signal)
        continue
      }
      if (result.kind === 'done' && result.answered > 0) log.info(result, 'changes through the API')
      const { revision = null } = result.kind === 'done' ? result : {}
      if (revision !== null) tidied = tidied.then(() => keepHouse(revision))
      return result
    }
    throw new EdictError('conflict', `other workers applied ${mostRounds} times while changes were planned`)
  }

  function queued(work: () => Promise<CycleReport>): Promise<CycleReport> {
    const next = tail.then(work)
    // Nobody waits for the housekeeping but the next cycle.
    tail = next.then(
      async (report) => {
        logReport(log, report)
        if (report.revision !== null) await keepHouse(report.revision)
      },
      () => undefined,
    )
    return next
  }

  return {
    change,
    cycle: (options) => queued(() => cycle(options)),
    rollback: (options) =>
      queued(async () => {
        await store.enforce(options.actor, 'rollback', await store.revisions.touchedSince(options.revision))
        await store.ensureCollections()
        return amongChanges(() => rollback(options, deps))
      }),
    plan: (options) => dryPlan(options, { ...deps, building, planner }),
    idle: async () => {
      await tail
      await tidied
    },
  }
}

/**
 * One reconcile cycle: make the store whole, load all sources, build, and apply the difference to what is *stored* in one
 * transaction under the lease; again when the base has moved meanwhile. A cycle that finds nothing to do writes the
 * sources' statuses and nothing else. Knows no trigger and no schedule.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { EdictError } from '../src/errors.ts'
import type { CachedOpa } from '../src/opa/cached.ts'
import type { Finding, Fragment, SourceDocument } from '../src/policy/schema.ts'
import type { Library, SourceScope } from '../src/policy/scope.ts'
import type { PolicyLimits } from '../src/policy/validate.ts'
import type { Store } from '../src/store/store.ts'
import { sleep } from '../src/store/wait.ts'
import { applyBuilt } from './apply-built.ts'
import { createBlamer } from './blame-findings.ts'
import { createBlobWriter } from './blob-writer.ts'
import { createBuilder, type Built } from './build.ts'
import { isFailure, type Cycle, type CycleOptions, type CycleReport } from './cycle-report.ts'
import { createLoader } from './load.ts'
import { nextSourceStatus, type Seen } from './source-status.ts'
import type { Source } from './source.ts'
import { readStored } from './stored-state.ts'
import { unreadSources } from './unread-sources.ts'

export interface ReconcilerDeps {
  readonly store: Store
  readonly sources: readonly Source[]
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
  readonly log: Logger
  readonly clock?: () => Date
}

export interface Reconciler {
  /** One at a time; another call waits. Rejects with `store_unavailable`, `tool_unavailable` or the signal's reason. */
  readonly cycle: Cycle
}

const mostRounds = 8
const garbageEveryMs = 60 * 60_000
/** How often the stored texts are compared as well, which reads every document whole. */
const thoroughEveryMs = 5 * 60_000

export function createReconciler({
  store,
  sources,
  opa,
  limits = {},
  defaults,
  scopes = new Map(),
  libraries = [],
  retired = [],
  log,
  clock = () => new Date(),
}: ReconcilerDeps): Reconciler {
  const byName = new Map(sources.map((source) => [source.name, source]))
  const configured = new Set([...byName.keys(), ...retired])
  const loader = createLoader(sources, log)
  const holder = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`
  const build = createBuilder({
    opa,
    limits,
    ...(defaults && { defaults }),
    readPolicy: (key) => store.policies.get(key),
    readText: (text, signal) => store.policies.readText(text, signal),
    blame: async (source, path, commit) => (await byName.get(source)?.blame(path, commit)) ?? null,
  })
  let tail: Promise<unknown> = Promise.resolve()
  let collected = clock().getTime()
  let examined = 0

  async function round(options: CycleOptions, wanted: ReadonlySet<string>): Promise<CycleReport | 'moved'> {
    const { signal, onProgress, confirm = [] } = options
    const thorough = options.thorough === true || clock().getTime() - examined >= thoroughEveryMs
    const stored = await readStored({ store, configured, thorough })
    const seen = await loader.load({ wanted, stored: stored.sources, signal })
    const confirmed = confirmedCommits(seen, confirm)
    const blobs = createBlobWriter(store.blobs)
    const fragments = seen.flatMap(({ fragment }) => fragment ?? [])
    const built = await build({
      fragments,
      absent: new Set(seen.flatMap(({ source, fragment }) => (fragment === null ? [source.name] : []))),
      configured,
      scopes,
      libraries,
      stored: () => stored.forBuild(fragments),
      confirmed,
      takeBlob: blobs.take,
      now: clock(),
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    })
    const blamer = createBlamer(byName, new Map(fragments.map(({ source, commit }) => [source, commit])))
    const own = await statusesOf({ seen, built, confirmed, now: clock(), findingsOf: blamer.findings })
    const unread = unreadSources({ stored: stored.sources, configured, retired, built })
    const statuses = [...own, ...unread.statuses]
    const hasChanges = !built.conflict && !built.plan.empty
    if (hasChanges) await blobs.flush()
    signal?.throwIfAborted()
    // From here on the signal is not heard: an apply is done or not begun.
    const applied = hasChanges
      ? await applyBuilt({ store, holder, built, baseRevision: stored.revision, statuses, seen, blamer })
      : await keepAll(statuses)
    if (applied === 'moved') return 'moved'
    await store.sources.forget(unread.gone)
    if (thorough) examined = clock().getTime()
    return reportOf({ statuses: own, seen, built, revision: applied ?? stored.revision, at: clock(), hasChanges })
  }

  async function keepAll(statuses: readonly SourceDocument[]): Promise<null> {
    await store.sources.putStatus(statuses)
    return null
  }

  async function cycle(options: CycleOptions): Promise<CycleReport> {
    const { signal } = options
    signal?.throwIfAborted()
    await store.ensureCollections()
    let wanted = new Set(options.sources ?? byName.keys())
    for (let rounds = 1; rounds <= mostRounds; rounds++) {
      // oxlint-disable-next-line no-await-in-loop
      const report = await round(options, wanted)
      if (report !== 'moved') {
        logReport(log, report)
        // oxlint-disable-next-line no-await-in-loop
        await collectGarbage()
        return report
      }
      log.info({ rounds }, 'another worker has applied meanwhile: going round again')
      wanted = new Set(byName.keys())
      // oxlint-disable-next-line no-await-in-loop
      await sleep(50 * rounds * Math.random(), signal)
    }
    throw new EdictError('conflict', `other workers applied ${mostRounds} times while this cycle was planned`)
  }

  async function collectGarbage(): Promise<void> {
    if (clock().getTime() - collected < garbageEveryMs) return
    collected = clock().getTime()
    await store.blobs.collectGarbage().then(
      ({ removed }) => log.debug({ removed }, 'blobs collected'),
      (error: unknown) => log.warn({ err: error }, 'blobs could not be collected'),
    )
  }

  return {
    cycle(options) {
      const next = tail.then(() => cycle(options))
      tail = next.catch(() => undefined)
      return next
    },
  }
}

/** By source: the commit that was confirmed, now or before. */
function confirmedCommits(
  seen: readonly Seen[],
  confirm: NonNullable<CycleOptions['confirm']>,
): ReadonlyMap<string, string> {
  const confirmed = new Map<string, string>()
  for (const { source, before, fragment } of seen) {
    const asked = confirm.find(
      (one) => (one.source === null || one.source === source.name) && one.commit === fragment?.commit,
    )
    const commit = asked?.commit ?? before?.confirmed
    if (commit != null) confirmed.set(source.name, commit)
  }
  return confirmed
}

/** Findings kept in one status; a document must stay small. */
const mostFindings = 500

function statusesOf({
  seen,
  built,
  confirmed,
  now,
  findingsOf,
}: {
  readonly seen: readonly Seen[]
  readonly built: Built
  readonly confirmed: ReadonlyMap<string, string>
  readonly now: Date
  readonly findingsOf: (findings: readonly Finding[]) => Promise<Finding[]>
}): Promise<SourceDocument[]> {
  return Promise.all(
    seen.map(async (one) => {
      const { name } = one.source
      const held = built.held.find(({ source }) => source === name)
      const all = built.findings.get(name) ?? []
      const findings = await findingsOf(all.slice(0, mostFindings))
      if (all.length > mostFindings) findings.push(more(name, all.length - mostFindings))
      return nextSourceStatus(
        one,
        {
          findings,
          conflict: built.conflict,
          outOfScope: built.outOfScope.has(name),
          held: held === undefined ? null : { commit: held.commit, removes: [...held.removes], of: held.of },
          confirmed: confirmed.get(name) ?? null,
          counts: (built.conflict ? one.before?.counts : built.counts.get(name)) ?? nothing,
        },
        now,
      )
    }),
  )
}

const nothing = { policies: 0, modules: 0, quarantined: 0 }

const more = (source: string, count: number): Finding => ({
  code: 'more_findings',
  severity: 'warning',
  message: `and ${count} more`,
  source,
})

function reportOf({
  statuses,
  seen,
  built,
  revision,
  at,
  hasChanges,
}: {
  readonly statuses: readonly SourceDocument[]
  readonly seen: readonly Seen[]
  readonly built: Built
  readonly revision: number
  readonly at: Date
  readonly hasChanges: boolean
}): CycleReport {
  const { create, replace, remove } = built.documents
  const changed =
    hasChanges && built.changesForce
      ? { created: create.length, replaced: replace.length, removed: remove.length }
      : null
  const failed = statuses.filter(isFailure)
  return {
    at,
    ok: failed.length === 0,
    revision,
    message: messageOf(statuses, changed),
    findings: statuses.flatMap(({ findings }) => findings),
    sources: statuses,
    unreadable: seen.flatMap(({ source, error }) => (error === null ? [] : [source.name])),
    changed,
  }
}

function messageOf(statuses: readonly SourceDocument[], changed: CycleReport['changed']): string {
  const what =
    changed === null
      ? 'nothing changed'
      : `${changed.created} created, ${changed.replaced} replaced, ${changed.removed} removed`
  const troubled = statuses.filter(({ reason }) => reason !== 'Succeeded')
  return [what, ...troubled.map(({ _id, reason, message }) => `${_id}: ${reason}: ${message}`)].join('; ')
}

function logReport(log: Logger, { message, revision, changed, sources }: CycleReport): void {
  const troubled = sources
    .filter(({ reason }) => reason !== 'Succeeded')
    .map(({ _id, reason }) => ({ source: _id, reason }))
  const level = troubled.length > 0 ? 'warn' : changed === null ? 'debug' : 'info'
  log[level]({ revision, ...changed, ...(troubled.length > 0 && { troubled }) }, `cycle: ${message}`)
}

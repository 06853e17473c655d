/**
 * When cycles run: at the start, at each source's interval, when a directory changes, and for every request in the
 * store. One cycle at a time; a request is answered by a cycle that started after it came, a change by the cycle itself. Ends with the signal, between
 * a cycle's steps, never in the middle of an apply.
 */
import type { Logger } from 'pino'
import { systemActor } from '../src/auth/actor.ts'
import type { CycleOutcome, CycleRequest } from '../src/policy/schema.ts'
import { EdictError } from '../src/errors.ts'
import type { OnProgress } from '../src/progress.ts'
import { backoffMs, sleep } from '../src/store/wait.ts'
import type { Requests } from '../src/store/requests.ts'
import type { CycleReport } from './cycle-report.ts'
import type { Reconciler } from './cycle.ts'
import { outcomeFor } from './cycle-report.ts'
import { createSchedule } from './schedule.ts'
import type { Source } from './source.ts'

export interface ScheduledSource {
  readonly source: Source
  readonly intervalMs: number
}

export interface Worker {
  /** Ends after the signal, when the cycle in hand has ended. */
  readonly run: () => Promise<void>
  /** The first cycle that ran to its end, whether or not every source could be read; rejects when stopped before. */
  readonly firstCycle: Promise<CycleReport>
}

export function createWorker({
  reconciler,
  store,
  sources,
  log,
  signal,
  onProgress,
}: {
  readonly reconciler: Pick<Reconciler, 'cycle' | 'rollback' | 'idle'>
  readonly store: { readonly requests: Pick<Requests, 'take' | 'complete' | 'watch'> }
  readonly sources: readonly ScheduledSource[]
  readonly log: Logger
  readonly signal: AbortSignal
  readonly onProgress?: OnProgress
}): Worker {
  const schedule = createSchedule(sources.map(({ source, intervalMs }) => ({ name: source.name, intervalMs })))
  const { promise: firstCycle, resolve: first, reject: noFirst } = withResolvers<CycleReport>()
  firstCycle.catch(() => undefined)
  let wake: () => void = () => undefined
  let failures = 0
  /** There may be requests to take. */
  let arrived = true
  /** The cycle at the start, which makes the store whole even where there is no source. */
  let started = false

  /** Ends early when something has come. */
  async function pause(ms: number): Promise<void> {
    const early = new AbortController()
    wake = () => early.abort()
    await sleep(ms, AbortSignal.any([early.signal, signal]))
    wake = () => undefined
  }

  async function answer(requests: readonly CycleRequest[], outcomeOf: (request: CycleRequest) => CycleOutcome) {
    await Promise.all(requests.map((request) => store.requests.complete([request._id], outcomeOf(request))))
  }

  async function runCycle(requests: readonly CycleRequest[]): Promise<void> {
    // An approval is of what was seen before: it asks for nothing newer.
    const names = requests.some(({ source, reason }) => source === null && reason !== 'approve')
      ? schedule.all()
      : [...new Set([...schedule.due(), ...requests.flatMap(({ source }) => source ?? [])])]
    const approve = requests.flatMap(({ plan, actor = 'unknown' }) => (plan == null ? [] : [{ plan, actor }]))
    const confirm = requests.flatMap(({ source, commit }) => (commit === null ? [] : [{ source, commit }]))
    schedule.taken(names)
    try {
      const thorough = requests.some(({ reason }) => reason === 'restore')
      const progress = onProgress && { onProgress }
      const report = await reconciler.cycle({
        actor: systemActor,
        sources: names,
        confirm,
        approve,
        thorough,
        signal,
        ...progress,
      })
      for (const name of names) schedule.ran(name, !report.unreadable.includes(name))
      failures = 0
      started = true
      if ((report.deferred ?? 0) > 0) arrived = true
      await answer(requests.filter(isWish), (request) => outcomeFor(report, request))
      first(report)
    } catch (error) {
      for (const name of names) schedule.hasten(name)
      if (!signal.aborted && !isAway(error)) await answer(requests, () => failed(messageOf(error)))
      throw error
    }
  }

  async function turnBack(request: CycleRequest): Promise<void> {
    const { revision, actor: by, note: reason = null } = request
    try {
      const report = await reconciler.rollback({ revision: revision ?? 0, actor: systemActor, by, reason })
      await answer([request], () => outcomeFor(report, { source: null }))
    } catch (error) {
      if (signal.aborted || isAway(error)) throw error
      await answer([request], () => ({ ...failed(messageOf(error)), ...refusalCode(error) }))
    }
  }

  async function step(): Promise<void> {
    const hasArrived = arrived
    arrived = false
    const taken = hasArrived ? await store.requests.take() : []
    // oxlint-disable-next-line no-await-in-loop
    for (const request of taken.filter(isRollback)) await turnBack(request)
    const requests = taken.filter((request) => !isRollback(request))
    if (!started || requests.length > 0 || schedule.due().length > 0) await runCycle(requests)
    else if (!arrived) await pause(schedule.waitMs())
  }

  /** Tries again soon when the store is away, less and less often when something else is wrong. */
  async function recover(error: unknown): Promise<void> {
    if (signal.aborted) return
    arrived = true
    failures += 1
    log.error({ err: error, failures }, `the cycle failed: ${messageOf(error)}`)
    await pause(isAway(error) ? backoffMs(failures) : Math.min(60_000, 100 * 2 ** failures))
  }

  return {
    firstCycle,
    async run() {
      const onWake = (): void => {
        arrived = true
        wake()
      }
      for (const { source } of sources)
        source.watch?.(() => {
          schedule.hasten(source.name)
          wake()
        }, signal)
      const watching = store.requests.watch(onWake, signal).catch((error: unknown) => {
        if (!signal.aborted) log.error({ err: error }, 'requests are not watched any more')
      })
      // oxlint-disable-next-line no-await-in-loop
      while (!signal.aborted) await step().catch(recover)
      noFirst(new EdictError('shutting_down', 'stopped before the first cycle had ended'))
      await watching
      await reconciler.idle()
    },
  }
}

/** What the cycle does not answer itself. */
const isWish = ({ reason }: CycleRequest): boolean => reason !== 'change'

const isAway = (error: unknown): boolean => error instanceof EdictError && error.code === 'store_unavailable'
const isRollback = ({ reason }: CycleRequest): boolean => reason === 'rollback'
const refusalCode = (error: unknown): Pick<CycleOutcome, 'code'> =>
  error instanceof EdictError &&
  (error.code === 'revision_gone' || error.code === 'not_found' || error.code === 'conflict')
    ? { code: error.code }
    : {}
const messageOf = (error: unknown): string =>
  error instanceof EdictError ? error.message : 'the cycle failed for an internal reason'
const failed = (message: string): CycleOutcome => ({ at: new Date(), ok: false, revision: null, message, findings: [] })

function withResolvers<T>() {
  let resolve: (value: T) => void = () => undefined
  let reject: (reason: unknown) => void = () => undefined
  const promise = new Promise<T>((succeed, fail) => {
    resolve = succeed
    reject = fail
  })
  return { promise, resolve, reject }
}

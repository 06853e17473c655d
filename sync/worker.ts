/**
 * When cycles run: at the start, at each source's interval, when a directory changes, and for every request in the
 * store. One cycle at a time; a request is answered by a cycle that started after it came. Changes through the API are made
 * beside it (change-lane.ts). Ends with the signal, between a cycle's steps, never in the middle of an apply.
 */
import type { Logger } from 'pino'
import { systemActor } from '../src/auth/actor.ts'
import type { CycleOutcome, CycleRequest } from '../src/policy/schema.ts'
import { EdictError } from '../src/errors.ts'
import type { OnProgress } from '../src/progress.ts'
import type { Requests } from '../src/store/requests.ts'
import { createBell } from './bell.ts'
import { createChangeLane } from './change-lane.ts'
import type { CycleReport } from './cycle-report.ts'
import type { Reconciler } from './cycle.ts'
import { outcomeFor } from './cycle-report.ts'
import { createSchedule } from './schedule.ts'
import type { Source } from './sources/source.ts'
import { failed, isAway, isChange, messageOf, retryMs } from './work-failure.ts'

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
  readonly reconciler: Pick<Reconciler, 'cycle' | 'change' | 'rollback' | 'idle'>
  readonly store: { readonly requests: Pick<Requests, 'take' | 'complete' | 'watch'> }
  readonly sources: readonly ScheduledSource[]
  readonly log: Logger
  readonly signal: AbortSignal
  readonly onProgress?: OnProgress
}): Worker {
  const schedule = createSchedule(sources.map(({ source, intervalMs }) => ({ name: source.name, intervalMs })))
  const { promise: firstCycle, resolve: first, reject: noFirst } = withResolvers<CycleReport>()
  firstCycle.catch(() => undefined)
  const bell = createBell(signal)
  let failures = 0
  /** There may be requests to take. */
  let arrived = true
  /** The cycle at the start, which makes the store whole even where there is no source. */
  let started = false
  /** Something other than a request asks for a cycle. */
  let wanted = false
  const ringFor = (what: 'request' | 'cycle'): void => {
    if (what === 'request') arrived = true
    else wanted = true
    bell.ring()
  }
  const changes = createChangeLane({ reconciler, store, log, signal, onWanted: () => ringFor('cycle') })

  async function answer(requests: readonly CycleRequest[], outcomeOf: (request: CycleRequest) => CycleOutcome) {
    await Promise.all(requests.map((request) => store.requests.complete([request._id], outcomeOf(request))))
  }

  async function runCycle(requests: readonly CycleRequest[]): Promise<void> {
    // Before the first cycle nothing is known of what is in force.
    const leaveChanges = started && !changes.isHandedOver()
    wanted = false
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
        leaveChanges,
        signal,
        ...progress,
      })
      for (const name of names) schedule.ran(name, !report.unreadable.includes(name))
      failures = 0
      started = true
      await answer(requests, (request) => outcomeFor(report, request))
      first(report)
      if (!leaveChanges) changes.resume()
    } catch (error) {
      wanted = true
      for (const name of names) schedule.hasten(name)
      if (!signal.aborted && !isAway(error)) {
        await answer(requests, () => failed(messageOf(error)))
        if (!leaveChanges) await changes.refuse(messageOf(error))
      }
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
    const requests = taken.filter((request) => !isRollback(request) && !isChange(request))
    if (!started || wanted || requests.length > 0 || schedule.due().length > 0) await runCycle(requests)
    else if (!arrived) await bell.wait(schedule.waitMs())
  }

  /** Tries again soon when the store is away, less and less often when something else is wrong. */
  async function recover(error: unknown): Promise<void> {
    if (signal.aborted) return
    arrived = true
    failures += 1
    log.error({ err: error, failures }, `the cycle failed: ${messageOf(error)}`)
    await bell.wait(retryMs(error, failures))
  }

  return {
    firstCycle,
    async run() {
      const onWake = (): void => {
        ringFor('request')
        changes.ring()
      }
      for (const { source } of sources)
        source.watch?.(() => {
          schedule.hasten(source.name)
          bell.ring()
        }, signal)
      const watching = store.requests.watch(onWake, signal).catch((error: unknown) => {
        if (!signal.aborted) log.error({ err: error }, 'requests are not watched any more')
      })
      const changing = changes.run()
      // oxlint-disable-next-line no-await-in-loop
      while (!signal.aborted) await step().catch(recover)
      await changing
      noFirst(new EdictError('shutting_down', 'stopped before the first cycle had ended'))
      await watching
      await reconciler.idle()
    },
  }
}

const isRollback = ({ reason }: CycleRequest): boolean => reason === 'rollback'
const refusalCode = (error: unknown): Pick<CycleOutcome, 'code'> =>
  error instanceof EdictError &&
  (error.code === 'revision_gone' || error.code === 'not_found' || error.code === 'conflict')
    ? { code: error.code }
    : {}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => undefined
  let reject: (reason: unknown) => void = () => undefined
  const promise = new Promise<T>((succeed, fail) => {
    resolve = succeed
    reject = fail
  })
  return { promise, resolve, reject }
}

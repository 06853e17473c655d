/**
 * Makes what callers of the API want changed, beside the cycles and without waiting for them. What it may not decide is
 * handed over to a cycle, and until that has ended it rests.
 */
import type { Logger } from 'pino'
import { systemActor } from '../src/auth/actor.ts'
import type { Requests } from '../src/store/requests.ts'
import { createBell } from './bell.ts'
import type { Reconciler } from './cycle.ts'
import { failed, isAway, isChange, messageOf, retryMs } from './work-failure.ts'

export interface ChangeLane {
  /** Ends after the signal. */
  readonly run: () => Promise<void>
  /** There may be something to change. */
  readonly ring: () => void
  /** The next cycle is to take the changes. */
  readonly isHandedOver: () => boolean
  /** A cycle has ended. */
  readonly resume: () => void
  /** Answers all that wait. */
  readonly refuse: (message: string) => Promise<void>
}

export interface ChangeLaneDeps {
  readonly reconciler: Pick<Reconciler, 'change'>
  readonly store: { readonly requests: Pick<Requests, 'take' | 'complete'> }
  readonly log: Logger
  readonly signal: AbortSignal
  /** A cycle is wanted. */
  readonly onWanted: () => void
}

const longestWaitMs = 60 * 60_000

export function createChangeLane({ reconciler, store, log, signal, onWanted }: ChangeLaneDeps): ChangeLane {
  const bell = createBell(signal)
  let state: 'resting' | 'working' | 'handed over' = 'resting'
  let failures = 0

  async function pending(): Promise<readonly string[]> {
    return (await store.requests.take()).filter(isChange).map(({ _id }) => _id)
  }

  async function refuse(message: string): Promise<void> {
    await store.requests.complete(await pending(), failed(message))
  }

  async function step(): Promise<void> {
    await bell.wait(longestWaitMs)
    if (signal.aborted || state !== 'working' || (await pending()).length === 0) return
    const result = await reconciler.change({ actor: systemActor, signal })
    failures = 0
    if (result.kind === 'declined') state = 'handed over'
    else if (result.deferred > 0) bell.ring()
    if (result.kind === 'declined' || result.again) onWanted()
  }

  async function recover(error: unknown): Promise<void> {
    if (signal.aborted) return
    failures += 1
    log.error({ err: error, failures }, `changes failed: ${messageOf(error)}`)
    if (!isAway(error)) await refuse(messageOf(error)).catch(() => undefined)
    await bell.wait(retryMs(error, failures))
    bell.ring()
  }

  return {
    // oxlint-disable-next-line no-await-in-loop
    run: async () => {
      while (!signal.aborted) await step().catch(recover)
    },
    ring: bell.ring,
    isHandedOver: () => state === 'handed over',
    resume() {
      state = 'working'
      bell.ring()
    },
    refuse,
  }
}

/**
 * Counts this process's decisions by policy and minute and hands them over now and then. While the store is away they are
 * kept, up to a bound; so many policies have counts of their own, and all of them stand in the total (`*`).
 */
import type { Decided } from './metrics.ts'

interface Counts {
  decisions: number
  failed: number
  seconds: number
  cost: number
}

export interface Counted extends Readonly<Counts> {
  readonly policy: string
  readonly at: number
}

export interface StatsCounter {
  readonly count: (policy: string, decided: Decided) => void
  readonly flush: () => Promise<void>
  readonly close: () => Promise<void>
}

export interface StatsCounterOptions {
  readonly add: (counted: readonly Counted[]) => Promise<void>
  readonly everyMs?: number
  /** Of policies and minutes together that wait. */
  readonly most?: number
  readonly now?: () => number
}

export const total = '*'
const minuteMs = 60_000

export const createStatsCounter = (options: StatsCounterOptions): StatsCounter => {
  const { add, everyMs = 5_000, most = 20_000, now = Date.now } = options
  let waiting = new Map<string, Counts & { readonly policy: string; readonly at: number }>()
  let flushing: Promise<void> = Promise.resolve()

  const put = (policy: string, at: number, counts: Counts): void => {
    const key = `${at} ${policy}`
    const known = waiting.get(key)
    if (known === undefined) {
      if (waiting.size < most) waiting.set(key, { policy, at, ...counts })
      return
    }
    known.decisions += counts.decisions
    known.failed += counts.failed
    known.seconds += counts.seconds
    known.cost += counts.cost
  }

  const flushOnce = async (): Promise<void> => {
    if (waiting.size === 0) return
    const taken = waiting
    waiting = new Map()
    try {
      await add([...taken.values()])
    } catch {
      for (const { policy, at, ...counts } of taken.values()) put(policy, at, counts)
    }
  }
  const flush = (): Promise<void> => (flushing = flushing.then(flushOnce))

  const timer = setInterval(() => void flush(), everyMs)
  timer.unref()

  return {
    count: (policy, { outcome, seconds, cost }) => {
      const time = now()
      const at = time - (time % minuteMs)
      const failed = outcome === 'value' || outcome === 'undefined' ? 0 : 1
      const counts = { decisions: 1, failed, seconds, cost }
      put(total, at, counts)
      if (policy !== '') put(policy, at, counts)
    },
    flush,
    close: async () => {
      clearInterval(timer)
      await flush()
    },
  }
}

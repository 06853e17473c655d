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

const zero = (): Counts => ({ decisions: 0, failed: 0, seconds: 0, cost: 0 })

const increase = (counts: Counts, by: Counts): void => {
  counts.decisions += by.decisions
  counts.failed += by.failed
  counts.seconds += by.seconds
  counts.cost += by.cost
}

/** On the path of each decision: a look at the clock, two look-ups, and sums. */
export const createStatsCounter = (options: StatsCounterOptions): StatsCounter => {
  const { add, everyMs = 5_000, most = 20_000, now = Date.now } = options
  let minutes = new Map<number, Map<string, Counts>>()
  let held = 0
  let current = { at: -1, counts: new Map<string, Counts>() }
  let flushing: Promise<void> = Promise.resolve()

  const minuteAt = (at: number): Map<string, Counts> => {
    const known = minutes.get(at)
    if (known !== undefined) return known
    const made = new Map<string, Counts>()
    minutes.set(at, made)
    return made
  }
  /** undefined: too many wait already. */
  const countsOf = (minute: Map<string, Counts>, policy: string): Counts | undefined => {
    const known = minute.get(policy)
    if (known !== undefined || held >= most) return known
    held += 1
    const made = zero()
    minute.set(policy, made)
    return made
  }

  const flushOnce = async (): Promise<void> => {
    if (held === 0) return
    const taken = [...minutes].flatMap(([at, minute]) =>
      [...minute].map(([policy, counts]) => ({ policy, at, ...counts })),
    )
    minutes = new Map()
    held = 0
    current = { at: -1, counts: new Map() }
    try {
      await add(taken)
    } catch {
      // The store is away, which others say; they are handed over later.
      for (const counts of taken) {
        const kept = countsOf(minuteAt(counts.at), counts.policy)
        if (kept !== undefined) increase(kept, counts)
      }
    }
  }
  const flush = (): Promise<void> => (flushing = flushing.then(flushOnce))

  const timer = setInterval(() => void flush(), everyMs)
  timer.unref()

  const countIn = (minute: Map<string, Counts>, policy: string, { outcome, seconds, cost }: Decided): void => {
    const counts = countsOf(minute, policy)
    if (counts === undefined) return
    counts.decisions += 1
    if (outcome !== 'value' && outcome !== 'undefined') counts.failed += 1
    counts.seconds += seconds
    counts.cost += cost
  }

  return {
    count: (policy, decided) => {
      const time = now()
      if (current.at < 0 || time - current.at >= minuteMs || time < current.at) {
        const at = time - (time % minuteMs)
        current = { at, counts: minuteAt(at) }
      }
      countIn(current.counts, total, decided)
      if (policy !== '') countIn(current.counts, policy, decided)
    },
    flush,
    close: async () => {
      clearInterval(timer)
      await flush()
    },
  }
}

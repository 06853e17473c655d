/**
 * When each source is looked at next: its interval with jitter, longer while it cannot be read, at once when hastened.
 * A source that was never read yet is tried more often than its interval says.
 */
export interface Schedule {
  readonly all: () => readonly string[]
  readonly due: () => readonly string[]
  /** Milliseconds until one is due. */
  readonly waitMs: () => number
  /** Due now. */
  readonly hasten: (name: string) => void
  /** A cycle for these begins; what is hastened from now on counts for the next one. */
  readonly taken: (names: readonly string[]) => void
  /** A cycle has looked at it. */
  readonly ran: (name: string, readable: boolean) => void
}

interface Entry {
  readonly intervalMs: number
  dueAt: number
  failures: number
  wasRead: boolean
  hastened: boolean
}

const slowestMs = 10 * 60_000
const firstRetryMs = 1_000
/** Timers cannot wait longer than 2^31 ms. */
const longestWaitMs = 60 * 60_000

export function createSchedule(
  sources: readonly { readonly name: string; readonly intervalMs: number }[],
  { now = Date.now, random = Math.random }: { readonly now?: () => number; readonly random?: () => number } = {},
): Schedule {
  const entries = new Map<string, Entry>(
    sources.map(({ name, intervalMs }) => [
      name,
      { intervalMs, dueAt: now(), failures: 0, wasRead: false, hastened: false },
    ]),
  )

  return {
    all: () => [...entries.keys()],
    due: () => [...entries].flatMap(([name, { dueAt }]) => (dueAt <= now() ? [name] : [])),
    waitMs: () => Math.max(0, Math.min(longestWaitMs, ...[...entries.values()].map(({ dueAt }) => dueAt - now()))),
    hasten(name) {
      const entry = entries.get(name)
      if (entry === undefined) return
      entry.dueAt = now()
      entry.hastened = true
    },
    taken(names) {
      for (const name of names) {
        const entry = entries.get(name)
        if (entry !== undefined) entry.hastened = false
      }
    },
    ran(name, readable) {
      const entry = entries.get(name)
      if (entry === undefined) return
      entry.failures = readable ? 0 : entry.failures + 1
      entry.wasRead ||= readable
      if (!entry.hastened) entry.dueAt = now() + delayOf(entry) * (0.9 + 0.2 * random())
    },
  }
}

function delayOf({ intervalMs, failures, wasRead }: Entry): number {
  if (failures === 0) return intervalMs
  const doubled = 2 ** Math.min(failures, 20)
  if (!wasRead) return Math.min((firstRetryMs * doubled) / 2, Math.max(intervalMs, firstRetryMs))
  return Math.min(intervalMs * doubled, Math.max(intervalMs, slowestMs))
}

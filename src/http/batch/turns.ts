/**
 * Batches take turns with everything else: one of them works in each turn of the event loop, and asks again after a few
 * milliseconds. However many there are, other requests wait for one such turn at most.
 */
export interface Turns {
  /** Resolves when the caller may work. */
  readonly next: () => Promise<void>
}

export const turnMs = 5

export const createTurns = (): Turns => {
  const queue: (() => void)[] = []
  const give = (): void => {
    const start = queue.shift()
    if (queue.length > 0) setImmediate(give)
    start?.()
  }
  return {
    next: () =>
      new Promise((resolve) => {
        queue.push(resolve)
        if (queue.length === 1) setImmediate(give)
      }),
  }
}

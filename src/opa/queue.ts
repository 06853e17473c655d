/** Lets a bounded number of tasks run at once; the others wait in order, behind those that are urgent. */
export type Queue = <T>(task: () => Promise<T>, options?: QueueOptions) => Promise<T>

export interface QueueOptions {
  readonly signal?: AbortSignal | undefined
  /** Goes before all that are not, and may be one more than the bound: it never waits for a long task to end. */
  readonly urgent?: boolean | undefined
}

export function createQueue(concurrency: number): Queue {
  let running = 0
  const urgently: (() => void)[] = []
  const waiting: (() => void)[] = []

  const release = (): void => {
    const next = urgently.shift() ?? (running <= concurrency ? waiting.shift() : undefined)
    if (next === undefined) running--
    else next()
  }

  return async (task, { signal, urgent = false } = {}) => {
    signal?.throwIfAborted()
    const [bound, queue] = urgent ? [concurrency + 1, urgently] : [concurrency, waiting]
    if (running < bound) running++
    else await new Promise<void>((resolve) => queue.push(resolve))
    try {
      signal?.throwIfAborted()
      return await task()
    } finally {
      release()
    }
  }
}

/** Lets a bounded number of tasks run at once; the others wait in order. */
export type Queue = <T>(task: () => Promise<T>, signal?: AbortSignal) => Promise<T>

export function createQueue(concurrency: number): Queue {
  let running = 0
  const waiting: (() => void)[] = []

  const release = (): void => {
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }

  return async (task, signal) => {
    signal?.throwIfAborted()
    if (running < concurrency) running++
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      signal?.throwIfAborted()
      return await task()
    } finally {
      release()
    }
  }
}

/** One job at a time, in order. When the store is away, what waited behind the job that found out fails with it. */
import { EdictError } from '../errors.ts'

export type Queue = <T>(job: () => Promise<T>) => Promise<T>

export function createQueue(): Queue {
  let tail: Promise<unknown> = Promise.resolve()
  let away: { readonly at: number; readonly error: EdictError } | null = null
  return (job) => {
    const queuedAt = performance.now()
    const run = async () => {
      if (away !== null && queuedAt < away.at) throw away.error
      try {
        const result = await job()
        away = null
        return result
      } catch (error) {
        if (error instanceof EdictError && error.code === 'store_unavailable') away = { at: performance.now(), error }
        throw error
      }
    }
    const done = tail.then(run)
    tail = done.catch(() => undefined)
    return done
  }
}

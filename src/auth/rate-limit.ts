/**
 * So many a minute for each key, in this process: a bucket that fills evenly. Keys that were not heard of for long are
 * forgotten, and so are the oldest when there are too many.
 */
import { LRUCache } from 'lru-cache'
import { EdictError } from '../errors.ts'

export interface RateLimit {
  /** Throws `rate_limited` when none is left. */
  readonly check: (key: string) => void
  /** The same, and takes one. */
  readonly take: (key: string) => void
}

interface Bucket {
  left: number
  at: number
}

export const createRateLimit = ({
  perMinute,
  of,
  now = () => performance.now(),
}: {
  /** 0: any number. */
  readonly perMinute: number
  /** For people: what there are too many of. */
  readonly of: string
  readonly now?: () => number
}): RateLimit => {
  const buckets = new LRUCache<string, Bucket>({ max: 10_000 })
  const perMs = perMinute / 60_000

  const refilled = (key: string): Bucket => {
    const at = now()
    const bucket = buckets.get(key) ?? { left: perMinute, at }
    bucket.left = Math.min(perMinute, bucket.left + (at - bucket.at) * perMs)
    bucket.at = at
    return bucket
  }
  const check = (key: string): Bucket => {
    const bucket = refilled(key)
    if (bucket.left >= 1 || perMinute === 0) return bucket
    throw new EdictError('rate_limited', `too many ${of}: at most ${perMinute} a minute`, {
      retryAfter: Math.max(1, Math.ceil((1 - bucket.left) / perMs / 1000)),
    })
  }
  return {
    check: (key) => void check(key),
    take: (key) => {
      const bucket = check(key)
      bucket.left -= 1
      buckets.set(key, bucket)
    },
  }
}

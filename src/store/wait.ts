/** Sleeping, ended early by a signal. */
import { setTimeout as delay } from 'node:timers/promises'

/** Returns after `ms`, or at once when the signal is aborted; never throws. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal ? { signal } : {}).catch(() => undefined)
}

/** 100 ms, doubling to 2 s, with jitter. */
export const backoffMs = (attempt: number): number =>
  Math.min(2000, 100 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2)

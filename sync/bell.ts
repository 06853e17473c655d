/** Waiting that is ended early by a ring; one that came before is not lost. */
import { sleep } from '../src/store/wait.ts'

export interface Bell {
  readonly ring: () => void
  /** Returns after `ms`, when it rings, or when the signal is aborted. */
  readonly wait: (ms: number) => Promise<void>
}

export function createBell(signal: AbortSignal): Bell {
  let hasRung = false
  let wake: () => void = () => undefined
  return {
    ring() {
      hasRung = true
      wake()
    },
    async wait(ms) {
      const early = new AbortController()
      wake = () => early.abort()
      if (!hasRung) await sleep(ms, AbortSignal.any([early.signal, signal]))
      wake = () => undefined
      hasRung = false
    },
  }
}

/** What a worker says and does when its work fails. */
import { EdictError } from '../src/errors.ts'
import type { CycleOutcome, CycleRequest } from '../src/policy/schema.ts'
import { backoffMs } from '../src/store/wait.ts'

export const isAway = (error: unknown): boolean => error instanceof EdictError && error.code === 'store_unavailable'
export const isChange = ({ reason }: CycleRequest): boolean => reason === 'change'

export const messageOf = (error: unknown): string =>
  error instanceof EdictError ? error.message : 'the cycle failed for an internal reason'

export const failed = (message: string): CycleOutcome => ({
  at: new Date(),
  ok: false,
  revision: null,
  message,
  findings: [],
})

/** Soon when the store is away, less and less often when something else is wrong. */
export const retryMs = (error: unknown, failures: number): number =>
  isAway(error) ? backoffMs(failures) : Math.min(60_000, 100 * 2 ** failures)

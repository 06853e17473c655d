import type { AnswerLimits } from './answers.ts'

/** What one policy may take; defaults for all of them. */
export interface EngineLimits extends AnswerLimits {
  /** Open brackets in an input. What WASM's own stack bears depends on the policy: 1,300 and more. */
  readonly maxDepth: number
  /** Work that one evaluation may do, in units of some eight instructions, what the host does for it included. */
  readonly budget: number
  /** Memory that one evaluation may take beyond the policy and its data, in bytes. */
  readonly memory: number
  /** What an instance that an evaluation made grow may keep of that, in bytes. */
  readonly keep: number
}

const MB = 2 ** 20

export const defaultLimits: EngineLimits = {
  maxDepth: 500,
  budget: 20_000_000,
  memory: 256 * MB,
  keep: 32 * MB,
  maxRounds: 100,
  maxWaitMs: 5_000,
  maxAnswerBytes: 16 * MB,
}

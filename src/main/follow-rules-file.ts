/**
 * Takes up the rules file when it changes. It is looked at again and again, not waited for: what is mounted (a ConfigMap,
 * a file of the host in a container, a network share) tells nobody of its changes, or swaps a link above it. It is read
 * once it has stood still between two looks.
 */
import { statSync } from 'node:fs'
import type { Logger } from 'pino'
import { sleep } from '../store/wait.ts'
import type { ReadRules, RulesInForce } from './rules-in-force.ts'

export interface FollowRulesOptions {
  readonly rules: RulesInForce
  /** Writes down what came of it; asked again as long as it rejects. */
  readonly note?: (read: ReadRules) => Promise<void>
  readonly log: Pick<Logger, 'info' | 'error'>
  readonly signal: AbortSignal
  readonly everyMs?: number
}

/** Returns when the signal is aborted; never rejects. */
export const followRulesFile = async (options: FollowRulesOptions): Promise<void> => {
  const { rules, signal, everyMs = 250 } = options
  const { file } = rules.state()
  if (file === null) return
  const look = createLook(file, options)
  while (!signal.aborted) {
    // oxlint-disable-next-line no-await-in-loop
    await look().catch(() => undefined)
    // oxlint-disable-next-line no-await-in-loop
    await sleep(everyMs, signal)
  }
}

const createLook = (file: string, { rules, note, log }: FollowRulesOptions) => {
  let last = ''
  let taken = ''
  let unnoted: ReadRules | undefined
  return async (): Promise<void> => {
    const stamp = stampOf(file)
    const isStill = stamp === last
    last = stamp
    if (isStill && stamp !== taken) {
      const { read, changed } = rules.reload()
      taken = stamp
      if (read !== null && changed) {
        tell(log, file, read)
        unnoted = read
      }
    }
    if (unnoted === undefined || note === undefined) return
    await note(unnoted)
    unnoted = undefined
  }
}

const stampOf = (file: string): string => {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true })
    return `${ino}:${size}:${mtimeNs}:${ctimeNs}`
  } catch {
    return 'gone'
  }
}

/** In the log of each process that does. */
export const tell = (log: Pick<Logger, 'info' | 'error'>, file: string, read: ReadRules): void => {
  if (read.kind === 'good') log.info({ file, digest: read.digest }, 'the rules of who may do what were taken up')
  else log.error({ file, problem: read.error.message }, 'the rules file is not taken up: what was in force stays so')
}

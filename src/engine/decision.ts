/** The context of one decision: what is fixed in it for all calls of builtins, replayed or not. */
import type { DecisionContext, RegoValue, RequestContext } from '../../extensions/extension.ts'

/** What all decisions of an engine share. */
export interface DecisionOptions {
  readonly labels: Readonly<Record<string, string>>
  /** Nanoseconds since the epoch. */
  readonly clock: () => bigint
}

export const wallClock = (): bigint => BigInt(Date.now()) * 1_000_000n

export function createDecision(request: RequestContext, { labels, clock }: DecisionOptions): DecisionContext {
  const made = new Map<string, RegoValue>()
  let now: bigint | undefined

  function once<T extends RegoValue>(key: string, make: () => T): T {
    // Under one key there is only ever what the one builtin made that the key is named after.
    const known = made.get(key) as T | undefined
    if (known !== undefined) return known
    const value = make()
    made.set(key, value)
    return value
  }

  return { header: (name) => request.header(name), now: () => (now ??= clock()), once, labels }
}

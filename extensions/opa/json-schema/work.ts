/** Counts the work of all calls in a decision: a small schema may take very much of it, and host code is not metered. */
import type { DecisionContext } from '../../extension.ts'

export type Spend = (amount: number) => void

/** Visits of a value by a schema, or what takes as long: about a tenth of a second. */
const mostPerDecision = 300_000

const known = new WeakMap<DecisionContext, Spend>()

export function workOf(context: DecisionContext): Spend {
  const own = known.get(context)
  if (own !== undefined) return own
  let left = mostPerDecision
  const spend: Spend = (amount) => {
    left -= amount
    if (left < 0) throw new RangeError('JSON schemas take more work than a decision may do for them')
  }
  known.set(context, spend)
  return spend
}

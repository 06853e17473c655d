/**
 * What callers of the API want changed, where that is approved first: what this round decides, and what goes into a plan
 * that waits. Pure.
 */
import type { PlanDocument } from '../src/policy/plan-document.ts'
import type { CycleRequest } from '../src/policy/schema.ts'

export interface Wishes {
  readonly now: readonly CycleRequest[]
  readonly later: readonly CycleRequest[]
}

export interface WishesOptions {
  /** Oldest first. */
  readonly requests: readonly CycleRequest[]
  readonly waiting: PlanDocument | null
  /** It is applied as it was shown, with nobody else's change in it. */
  readonly approved: PlanDocument | null
  /** What the API is asked for waits to be approved. */
  readonly isPlanned: boolean
}

export function wishesOf({ requests, waiting, approved, isPlanned }: WishesOptions): Wishes {
  const all = inOrderOf(waiting, requests)
  const isWish = ({ dryRun = false }: CycleRequest) => !dryRun
  if (approved !== null) {
    const own = new Set(approved.requests.map(({ id }) => id))
    const others = all.filter((request) => !own.has(request._id))
    return { now: all.filter(({ _id }) => own.has(_id)), later: isPlanned ? others.filter(isWish) : [] }
  }
  if (!isPlanned) return { now: all, later: [] }
  return { now: all.filter((request) => !isWish(request)), later: all.filter(isWish) }
}

/** First those of the plan, as it has them: folded again, they make the same plan. */
function inOrderOf(plan: PlanDocument | null, requests: readonly CycleRequest[]): readonly CycleRequest[] {
  const place = new Map((plan?.requests ?? []).map(({ id }, index) => [id, index]))
  const placeOf = ({ _id }: CycleRequest): number => place.get(_id) ?? place.size
  return requests.toSorted((a, b) => placeOf(a) - placeOf(b))
}

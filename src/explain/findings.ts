/** Visits → per clause, what was missing: of all the ways that its names could be bound, the one with the fewest failures. */
import type { RegoValue } from '../../extensions/extension.ts'
import type { Clause } from './clauses.ts'
import { itemsOf, tooMuch, type Visit } from './host.ts'

export interface Failure {
  /** Index of the condition. */
  readonly condition: number
  /** By shown expression: the values it has; none when it is undefined. */
  readonly saw: readonly (readonly RegoValue[])[]
}

export interface ClauseOutcome {
  readonly held: boolean
  /** Of the best attempt. */
  readonly missing: readonly Failure[]
  /** Conditions that nobody could ask, because a name they need was not bound. */
  readonly unasked: number
  /** What the head's value was made of, once it held. */
  readonly saw: readonly Failure[]
}

export interface Collector {
  readonly visit: (visit: Visit) => void
  readonly outcomes: () => ReadonlyMap<number, ClauseOutcome>
}

const mostVisits = 20_000

export function createCollector(clauses: readonly Clause[]): Collector {
  const byId = new Map(clauses.map((clause) => [clause.id, clause]))
  const best = new Map<number, ClauseOutcome>()
  const open = new Map<number, Visit>()
  let visits = 0

  const offer = (id: number, outcome: ClauseOutcome): void => {
    const known = best.get(id)
    if (known === undefined || weight(outcome) < weight(known)) best.set(id, outcome)
  }

  /** The binding condition after it had nothing to bind. */
  const close = (visit: Visit): void => {
    const clause = byId.get(visit.clause)
    if (clause === undefined) return
    const condition = clause.conditions.findIndex(({ kind }, index) => kind === 'binds' && index >= visit.seen.length)
    const failed = { condition, saw: sawOf(visit.next) }
    const unasked = clause.conditions.length - condition - 1
    offer(clause.id, { held: false, missing: [...failuresOf(clause, visit), failed], unasked, saw: [] })
  }

  return {
    visit: (visit) => {
      if (++visits > mostVisits) tooMuch()
      const clause = byId.get(visit.clause)
      if (clause === undefined) return
      const before = open.get(clause.id)
      if (before !== undefined && visit.stage !== before.stage + 1) close(before)
      open.delete(clause.id)
      if (visit.seen.length < clause.conditions.length) return void open.set(clause.id, visit)
      const missing = failuresOf(clause, visit)
      const saw = clause.conditions.flatMap(({ kind }, condition) =>
        kind === 'value' ? [{ condition, saw: sawOf(itemsOf(visit.seen[condition])[1]) }] : [],
      )
      offer(clause.id, { held: missing.length === 0, missing, unasked: 0, saw })
    },
    outcomes: () => {
      for (const visit of open.values()) close(visit)
      open.clear()
      return best
    },
  }
}

const weight = ({ missing, unasked }: ClauseOutcome): number => missing.length * 1000 + unasked

function failuresOf({ conditions }: Clause, { seen }: Visit): readonly Failure[] {
  return seen.flatMap((value, condition): Failure[] => {
    const kind = conditions[condition]?.kind
    const items = itemsOf(value)
    if (kind === 'value') return items[0] === 0 ? [{ condition, saw: sawOf(items[1]) }] : []
    return kind === 'tests' && items.length > 0 ? [{ condition, saw: sawOf(items[0]) }] : []
  })
}

const sawOf = (value: RegoValue | undefined): readonly (readonly RegoValue[])[] => itemsOf(value).map(itemsOf)

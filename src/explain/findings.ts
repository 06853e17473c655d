/** Visits → per clause, what was missing: of all the ways that its names could be bound, the one with the fewest failures. */
import { printJson } from '../../extensions/print-json.ts'
import type { RegoValue } from '../../extensions/extension.ts'
import type { Clause } from './clause.ts'
import { itemsOf, tooMuch, type Visit } from './host.ts'

export interface Failure {
  /** Index of the condition. */
  readonly condition: number
  /** By shown expression: the values it has; none when it is undefined. */
  readonly saw: readonly (readonly RegoValue[])[]
  /** By call: the arguments that it was made with. */
  readonly calls: readonly (readonly RegoValue[])[]
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
  readonly collected: () => Collected
}

export interface Collected {
  /** By `visitKey`. */
  readonly outcomes: ReadonlyMap<string, ClauseOutcome>
  /** By `visitKey` of the function's number: what it answers; none when it is undefined. */
  readonly answers: ReadonlyMap<string, readonly RegoValue[]>
}

/** A clause (or a function) and the arguments that it was asked with. */
export const visitKey = (id: number, args: readonly RegoValue[]): string => `${id} ${args.map(printJson).join(',')}`

const mostVisits = 20_000

export function createCollector(clauses: readonly Clause[]): Collector {
  const byId = new Map(clauses.map((clause) => [clause.id, clause]))
  const best = new Map<string, ClauseOutcome>()
  const answers = new Map<string, readonly RegoValue[]>()
  const open = new Map<string, Visit>()
  let visits = 0

  const offer = (key: string, outcome: ClauseOutcome): void => {
    const known = best.get(key)
    if (known === undefined || weight(outcome) < weight(known)) best.set(key, outcome)
  }

  /** The binding condition after it had nothing to bind. */
  const close = (key: string, visit: Visit): void => {
    const clause = byId.get(visit.clause)
    if (clause === undefined) return
    const condition = clause.conditions.findIndex(({ kind }, index) => kind === 'binds' && index >= visit.seen.length)
    const failed = failureOf(condition, visit.next)
    const unasked = clause.conditions.length - condition - 1
    offer(key, { held: false, missing: [...failuresOf(clause, visit), failed], unasked, saw: [] })
  }

  return {
    visit: (visit) => {
      if (++visits > mostVisits) tooMuch()
      const key = visitKey(visit.clause, visit.args)
      const clause = byId.get(visit.clause)
      if (clause === undefined) return void answers.set(key, visit.seen)
      const before = open.get(key)
      if (before !== undefined && visit.stage !== before.stage + 1) close(key, before)
      open.delete(key)
      if (visit.seen.length < clause.conditions.length) return void open.set(key, visit)
      const missing = failuresOf(clause, visit)
      const saw = clause.conditions.flatMap(({ kind }, condition) =>
        kind === 'value' ? [failureOf(condition, itemsOf(visit.seen[condition])[1])] : [],
      )
      offer(key, { held: missing.length === 0, missing, unasked: 0, saw })
    },
    collected: () => {
      for (const [key, visit] of open) close(key, visit)
      open.clear()
      return { outcomes: best, answers }
    },
  }
}

const weight = ({ missing, unasked }: ClauseOutcome): number => missing.length * 1000 + unasked

function failuresOf({ conditions }: Clause, { seen }: Visit): readonly Failure[] {
  return seen.flatMap((value, condition): Failure[] => {
    const kind = conditions[condition]?.kind
    const items = itemsOf(value)
    if (kind === 'value') return items[0] === 0 ? [failureOf(condition, items[1])] : []
    return kind === 'tests' && items.length > 0 ? [failureOf(condition, items[0])] : []
  })
}

function failureOf(condition: number, sees: RegoValue | undefined): Failure {
  const [saw, calls] = itemsOf(sees)
  return { condition, saw: itemsOf(saw).map(itemsOf), calls: itemsOf(calls).map(itemsOf) }
}

/**
 * The way of a validation through a document. Failures and the score of a branch stand apart until they are merged: of
 * several branches that fail, the one with the best score is told. The depth is bounded, and the work is counted.
 */
import type { Json } from './json.ts'
import type { Schema } from './schema.ts'
import type { Spend } from './work.ts'

export interface Failure {
  /** A stable name: `invalid_type`, `required`. */
  readonly type: string
  readonly field: string
  readonly description: string
}

export interface Outcome {
  readonly failures: Failure[]
  score: number
}

interface Place {
  readonly name: string
  readonly parent: Place | undefined
}

export interface Visit {
  readonly outcome: Outcome
  readonly place: Place
  readonly depth: number
  readonly spend: Spend
  readonly validate: (schema: Schema, value: Json, visit: Visit) => void
}

const rootName = '(Root)'
const mostDepth = 2000

export const rootVisit = ({ spend, validate }: Pick<Visit, 'spend' | 'validate'>): Visit => ({
  outcome: { failures: [], score: 0 },
  place: { name: rootName, parent: undefined },
  depth: 0,
  spend,
  validate,
})

/** Names of members and indexes, joined by periods; `(Root)` for the document itself. */
export function fieldOf({ place, spend }: Visit): string {
  const names: string[] = []
  let at: Place | undefined = place
  for (; at?.parent !== undefined; at = at.parent) names.push(at.name)
  spend(names.length / 16)
  return names.length === 0 ? rootName : names.toReversed().join('.')
}

export function fail(visit: Visit, type: string, description: string): void {
  visit.spend(1)
  visit.outcome.failures.push({ type, field: fieldOf(visit), description })
  visit.outcome.score -= 2
}

/** Into the same outcome. */
export function enter(visit: Visit, schema: Schema, value: Json, name?: string): void {
  const depth = visit.depth + 1
  if (depth > mostDepth) throw new RangeError('the schema leads too deep')
  visit.spend(1)
  const place = name === undefined ? visit.place : { name, parent: visit.place }
  visit.validate(schema, value, { ...visit, place, depth })
}

/** Into an outcome of its own. */
export function attempt(visit: Visit, schema: Schema, value: Json, name?: string): Outcome {
  const outcome: Outcome = { failures: [], score: 0 }
  enter({ ...visit, outcome }, schema, value, name)
  return outcome
}

export const isValid = ({ failures }: Outcome): boolean => failures.length === 0

export function merge({ outcome, spend }: Visit, other: Outcome): void {
  spend(other.failures.length / 4)
  for (const failure of other.failures) outcome.failures.push(failure)
  outcome.score += other.score
}

/** Of the outcomes that failed the one that came nearest; the first of several. */
export const nearest = (outcomes: readonly Outcome[]): Outcome | undefined =>
  outcomes.reduce<Outcome | undefined>(
    (best, one) => (best === undefined || one.score > best.score ? one : best),
    undefined,
  )

/** `oneOf`, `anyOf`, `allOf`, `not`. */
import type { Json } from './json.ts'
import { listAt, schemaAt, unlessEmpty, type Reading } from './reading.ts'
import type { Schema } from './schema.ts'
import { attempt, fail, isValid, merge, nearest, type Outcome, type Visit } from './visit.ts'

export interface Alternatives {
  readonly one: readonly Schema[] | undefined
  readonly any: readonly Schema[] | undefined
  readonly all: readonly Schema[] | undefined
  readonly not: Schema | undefined
}

export const readAlternatives = (reading: Reading): Alternatives | undefined =>
  unlessEmpty({
    one: schemasAt(reading, 'oneOf'),
    any: schemasAt(reading, 'anyOf'),
    all: schemasAt(reading, 'allOf'),
    not: schemaAt(reading, 'not'),
  })

/** An empty list says nothing. */
function schemasAt(reading: Reading, key: string): readonly Schema[] | undefined {
  const list = listAt(reading, key)
  return list === undefined || list.length === 0 ? undefined : list.map((node) => reading.schema(node))
}

export function checkAlternatives({ one, any, all, not }: Alternatives, value: Json, visit: Visit): void {
  if (any !== undefined) checkAny(any, value, visit)
  if (one !== undefined) checkOne(one, value, visit)
  if (all !== undefined) checkAll(all, value, visit)
  if (not !== undefined && isValid(attempt(visit, not, value))) {
    fail(visit, 'number_not', 'Must not validate the schema (not)')
  }
}

function checkAny(schemas: readonly Schema[], value: Json, visit: Visit): void {
  const failed: Outcome[] = []
  for (const schema of schemas) {
    const outcome = attempt(visit, schema, value)
    if (isValid(outcome)) return
    failed.push(outcome)
  }
  fail(visit, 'number_any_of', 'Must validate at least one schema (anyOf)')
  const best = nearest(failed)
  if (best !== undefined) merge(visit, best)
}

function checkOne(schemas: readonly Schema[], value: Json, visit: Visit): void {
  const outcomes = schemas.map((schema) => attempt(visit, schema, value))
  const valid = outcomes.filter(isValid).length
  if (valid === 1) return
  fail(visit, 'number_one_of', 'Must validate one and only one schema (oneOf)')
  const best = valid === 0 ? nearest(outcomes) : undefined
  if (best !== undefined) merge(visit, best)
}

function checkAll(schemas: readonly Schema[], value: Json, visit: Visit): void {
  const outcomes = schemas.map((schema) => attempt(visit, schema, value))
  for (const outcome of outcomes) merge(visit, outcome)
  if (!outcomes.every(isValid)) fail(visit, 'number_all_of', 'Must validate all the schemas (allOf)')
}

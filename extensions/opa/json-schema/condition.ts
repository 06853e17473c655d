/** `if`, `then`, `else`. */
import type { Json } from './json.ts'
import { schemaAt, unlessEmpty, type Reading } from './reading.ts'
import type { Schema } from './schema.ts'
import { attempt, fail, isValid, merge, type Visit } from './visit.ts'

export interface Condition {
  readonly when: Schema | undefined
  readonly yes: Schema | undefined
  readonly no: Schema | undefined
}

export function readCondition(reading: Reading): Condition | undefined {
  if (reading.draft < 7) return undefined
  return unlessEmpty({
    when: schemaAt(reading, 'if'),
    yes: schemaAt(reading, 'then'),
    no: schemaAt(reading, 'else'),
  })
}

export function checkCondition({ when, yes, no }: Condition, value: Json, visit: Visit): void {
  if (when === undefined) return
  const holds = isValid(attempt(visit, when, value))
  const schema = holds ? yes : no
  const outcome = schema === undefined ? undefined : attempt(visit, schema, value)
  if (outcome === undefined || isValid(outcome)) return
  if (holds) fail(visit, 'condition_then', 'Must validate "then" as "if" was valid')
  else fail(visit, 'condition_else', 'Must validate "else" as "if" was not valid')
  merge(visit, outcome)
}

/** `minItems`, `maxItems`, `uniqueItems`, `contains`. */
import type { Json } from './json.ts'
import { countAt, SchemaError, unlessEmpty, type Reading } from './reading.ts'
import type { Schema } from './schema.ts'
import { spentText } from './values.ts'
import { attempt, fail, isValid, merge, nearest, type Outcome, type Visit } from './visit.ts'

export interface ArraySize {
  readonly minItems: bigint | undefined
  readonly maxItems: bigint | undefined
  readonly unique: boolean | undefined
  readonly contains: Schema | undefined
}

export function readArraySize(reading: Reading): ArraySize | undefined {
  const minItems = countAt(reading, 'minItems')
  const maxItems = countAt(reading, 'maxItems')
  const unique = reading.members.get('uniqueItems')
  if (unique !== undefined && typeof unique !== 'boolean') throw new SchemaError('uniqueItems must be of a boolean')
  const contains = reading.members.get('contains')
  return unlessEmpty({
    minItems,
    maxItems,
    unique,
    contains: contains === undefined || reading.draft < 6 ? undefined : reading.schema(contains),
  })
}

export function checkArraySize(size: ArraySize, value: readonly Json[], visit: Visit): void {
  const { minItems, maxItems, unique, contains } = size
  const count = BigInt(value.length)
  if (minItems !== undefined && count < minItems) {
    fail(visit, 'array_min_items', `Array must have at least ${minItems} items`)
  }
  if (maxItems !== undefined && count > maxItems) {
    fail(visit, 'array_max_items', `Array must have at most ${maxItems} items`)
  }
  if (unique === true) checkUnique(value, visit)
  if (contains !== undefined) checkContains(contains, value, visit)
}

function checkUnique(value: readonly Json[], visit: Visit): void {
  const seen = new Map<string, number>()
  for (const [at, one] of value.entries()) {
    const text = spentText(one, visit)
    const before = seen.get(text)
    if (before !== undefined) fail(visit, 'unique', `array items[${before},${at}] must be unique`)
    seen.set(text, at)
  }
}

function checkContains(schema: Schema, value: readonly Json[], visit: Visit): void {
  const failed: Outcome[] = []
  for (const [at, one] of value.entries()) {
    const outcome = attempt(visit, schema, one, `${at}`)
    if (isValid(outcome)) return
    failed.push(outcome)
  }
  fail(visit, 'contains', 'At least one of the items must match')
  const best = nearest(failed)
  if (best !== undefined) merge(visit, best)
}

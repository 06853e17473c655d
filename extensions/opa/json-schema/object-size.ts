/** `minProperties`, `maxProperties`, `required`. */
import type { JsonObject } from './json.ts'
import { countAt, invalidType, listAt, SchemaError, unlessEmpty, type Reading } from './reading.ts'
import { fail, type Visit } from './visit.ts'

export interface ObjectSize {
  readonly minProperties: bigint | undefined
  readonly maxProperties: bigint | undefined
  readonly required: readonly string[] | undefined
}

export function readObjectSize(reading: Reading): ObjectSize | undefined {
  const minProperties = countAt(reading, 'minProperties')
  const maxProperties = countAt(reading, 'maxProperties')
  if (minProperties !== undefined && maxProperties !== undefined && minProperties > maxProperties) {
    throw new SchemaError('minProperties cannot be greater than maxProperties')
  }
  return unlessEmpty({ minProperties, maxProperties, required: readRequired(reading) })
}

function readRequired(reading: Reading): readonly string[] | undefined {
  const names = new Set<string>()
  const list = listAt(reading, 'required')
  for (const name of list ?? []) {
    if (typeof name !== 'string') throw invalidType('string', 'required')
    if (names.has(name)) throw new SchemaError('required items must be unique')
    names.add(name)
  }
  return list === undefined ? undefined : [...names]
}

export function checkObjectSize(size: ObjectSize, value: JsonObject, visit: Visit): void {
  const { minProperties, maxProperties, required = [] } = size
  const count = BigInt(value.size)
  if (minProperties !== undefined && count < minProperties) {
    fail(visit, 'array_min_properties', `Must have at least ${minProperties} properties`)
  }
  if (maxProperties !== undefined && count > maxProperties) {
    fail(visit, 'array_max_properties', `Must have at most ${maxProperties} properties`)
  }
  visit.spend(required.length / 4)
  for (const name of required) {
    if (value.has(name)) visit.outcome.score++
    else fail(visit, 'required', `${name} is required`)
  }
}

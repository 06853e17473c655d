/** Holds a document against a schema: first what is said of any value, then what is said of values of its type. */
import { checkAlternatives } from './alternatives.ts'
import { checkArraySize } from './array-size.ts'
import { checkCondition } from './condition.ts'
import { checkDependencies } from './dependencies.ts'
import { checkItems } from './items.ts'
import { isList, isNumeric, isObject, type Json } from './json.ts'
import { checkLimits } from './limits.ts'
import { checkMembers, checkProperties } from './members.ts'
import { checkObjectSize } from './object-size.ts'
import type { Schema } from './schema.ts'
import { checkText } from './text.ts'
import { otherType, typesText } from './types.ts'
import { checkValues } from './values.ts'
import { enter, fail, rootVisit, type Failure, type Visit } from './visit.ts'
import type { Spend } from './work.ts'

export function failuresOf(schema: Schema, document: Json, spend: Spend): readonly Failure[] {
  const visit = rootVisit({ spend, validate })
  validate(schema, document, visit)
  return visit.outcome.failures
}

function validate(schema: Schema, value: Json, visit: Visit): void {
  if (schema.always === true) return
  if (schema.always === false) return fail(visit, 'false', 'False always fails validation')
  if (schema.target !== undefined) return enter(visit, schema.target, value)
  const given = otherType(schema.types, value)
  if (given !== undefined) {
    return fail(visit, 'invalid_type', `Invalid type. Expected: ${typesText(schema.types)}, given: ${given}`)
  }
  checkCombined(schema, value, visit)
  checkContent(schema, value, visit)
  visit.outcome.score++
}

function checkCombined(schema: Schema, value: Json, visit: Visit): void {
  if (schema.alternatives) checkAlternatives(schema.alternatives, value, visit)
  if (schema.dependencies && isObject(value)) checkDependencies(schema.dependencies, value, visit)
  if (schema.condition) checkCondition(schema.condition, value, visit)
  visit.outcome.score++
}

/** One more for each group that there is for the type, whether or not the schema has keywords of it. */
function checkContent(schema: Schema, value: Json, visit: Visit): void {
  const score = (): void => void visit.outcome.score++
  const common = (): void => {
    if (schema.values) checkValues(schema.values, value, visit)
    score()
  }
  if (isObject(value)) {
    if (schema.objectSize) checkObjectSize(schema.objectSize, value, visit)
    if (schema.members) checkMembers(schema.members, value, visit)
    score()
    common()
    if (schema.members) checkProperties(schema.members, value, visit)
  } else if (isList(value)) {
    if (schema.items) checkItems(schema.items, value, visit)
    if (schema.arraySize) checkArraySize(schema.arraySize, value, visit)
    score()
    common()
  } else if (isNumeric(value)) {
    if (schema.limits) checkLimits(schema.limits, value, visit)
    score()
    common()
  } else {
    common()
    if (typeof value !== 'string') return
    if (schema.text) checkText(schema.text, value, visit)
    score()
  }
}

/** `multipleOf`, `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`. */
import { compareNumbers, numberText } from '../../compare.ts'
import type { NumberValue } from '../number.ts'
import { isMultiple, isPositive, ratText, writtenSize } from './exact.ts'
import { isNumeric } from './json.ts'
import { invalidType, numberAt, SchemaError, unlessEmpty, type Reading } from './reading.ts'
import { hybrid } from './schema.ts'
import { fail, type Visit } from './visit.ts'

export interface Limits {
  readonly multipleOf: NumberValue | undefined
  readonly minimum: NumberValue | undefined
  readonly exclusiveMinimum: NumberValue | undefined
  readonly maximum: NumberValue | undefined
  readonly exclusiveMaximum: NumberValue | undefined
}

export function readLimits(reading: Reading): Limits | undefined {
  const multipleOf = readMultipleOf(reading)
  const [minimum, exclusiveMinimum] = readPair(reading, 'minimum', 'exclusiveMinimum')
  const [maximum, exclusiveMaximum] = readPair(reading, 'maximum', 'exclusiveMaximum')
  return unlessEmpty({ multipleOf, minimum, exclusiveMinimum, maximum, exclusiveMaximum })
}

function readMultipleOf({ members }: Reading): NumberValue | undefined {
  const value = members.get('multipleOf')
  if (value === undefined) return undefined
  if (!isNumeric(value)) throw invalidType('Number', 'multipleOf')
  if (!isPositive(value)) throw new SchemaError('multipleOf must be strictly greater than 0')
  return value
}

type Pair = readonly [inclusive: NumberValue | undefined, exclusive: NumberValue | undefined]

/** In draft 4 the second keyword is a boolean about the first; later it is a number; without a draft it may be both. */
function readPair(reading: Reading, key: string, exclusiveKey: string): Pair {
  const { members, draft } = reading
  const bound = numberAt(reading, key)
  const exclusive = members.get(exclusiveKey)
  if (exclusive === undefined) return [bound, undefined]
  if (typeof exclusive === 'boolean' && (draft === 4 || draft === hybrid)) {
    if (bound === undefined) throw new SchemaError(`${exclusiveKey} cannot be used without ${key}`)
    return exclusive ? [undefined, bound] : [bound, undefined]
  }
  if (isNumeric(exclusive) && draft !== 4) return [bound, exclusive]
  throw invalidType(draft === 4 ? 'boolean' : draft === hybrid ? 'boolean/number' : 'number', exclusiveKey)
}

export function checkLimits(limits: Limits, value: NumberValue, visit: Visit): void {
  const { multipleOf, minimum, exclusiveMinimum, maximum, exclusiveMaximum } = limits
  const failing = (type: string, text: string, bound: NumberValue): void => {
    // Long numbers are printed in quadratic time.
    visit.spend(writtenSize(bound) ** 2 / 64)
    fail(visit, type, `${text} ${ratText(bound)}`)
  }
  const order = (bound: NumberValue): number => compareNumbers(numberText(value), numberText(bound))
  const size = numberText(value).length
  visit.spend(size / 16)
  if (multipleOf !== undefined) {
    visit.spend((size * numberText(multipleOf).length) / 1024)
    if (!isMultiple(value, multipleOf)) failing('multiple_of', 'Must be a multiple of', multipleOf)
  }
  if (maximum !== undefined && order(maximum) > 0) {
    failing('number_lte', 'Must be less than or equal to', maximum)
  }
  if (exclusiveMaximum !== undefined && order(exclusiveMaximum) >= 0) {
    failing('number_lt', 'Must be less than', exclusiveMaximum)
  }
  if (minimum !== undefined && order(minimum) < 0) {
    failing('number_gte', 'Must be greater than or equal to', minimum)
  }
  if (exclusiveMinimum !== undefined && order(exclusiveMinimum) <= 0) {
    failing('number_gt', 'Must be greater than', exclusiveMinimum)
  }
}

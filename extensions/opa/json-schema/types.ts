/** `type`. */
import { isInteger } from './exact.ts'
import { isList, isNumeric, isObject, type Json } from './json.ts'
import { invalidType, SchemaError, type Reading } from './reading.ts'

const known = ['array', 'boolean', 'integer', 'number', 'null', 'object', 'string']

export function readTypes({ members }: Reading): readonly string[] {
  const value = members.get('type')
  if (value === undefined) return []
  const wrong = invalidType('type', 'string/Array Of Strings')
  const names = isList(value) ? value : [value]
  const types: string[] = []
  for (const name of names) {
    if (typeof name !== 'string') throw wrong
    if (!known.includes(name)) {
      const expected = `Expected valid values are:[${known.join(' ')}]`
      throw new SchemaError(`has a primitive type that is NOT VALID -- given: /${name}/ ${expected}`)
    }
    if (types.includes(name)) throw new SchemaError(`${name} type is duplicated`)
    types.push(name)
  }
  return types
}

/** Undefined when the value has one of the types; otherwise what it is. */
export function otherType(types: readonly string[], value: Json): string | undefined {
  if (types.length === 0) return undefined
  const given = typeOf(value)
  const fits = types.includes(given) || (given === 'integer' && types.includes('number'))
  return fits ? undefined : given
}

export const typesText = (types: readonly string[]): string =>
  types.length > 1 ? `[${types.join(',')}]` : (types[0] ?? '')

function typeOf(value: Json): string {
  if (value === null) return 'null'
  if (isNumeric(value)) return isInteger(value) ? 'integer' : 'number'
  if (isList(value)) return 'array'
  return isObject(value) ? 'object' : typeof value
}

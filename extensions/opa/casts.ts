/** The casts of early OPA: the value itself where it is of the type already, `cast_array` and `cast_set` across both. */
import { isArray } from '../compare.ts'
import { RegoSet, type PureExtension } from '../extension.ts'
import { any, arrayOf, boolean, nothing, objectOf, pure, setOf, string } from './types.ts'
import { asBoolean, asItems, asObject, asString, setOf as set, wrongType } from './values.ts'

export const casts: readonly PureExtension[] = [
  pure('cast_array', [any], arrayOf(any), 'The items of an array or set as an array.', ([value]) => asItems(value)),
  pure('cast_boolean', [any], boolean, 'A boolean as it is.', ([value]) => asBoolean(value)),
  pure('cast_null', [any], nothing, 'Null as it is.', ([value]) => {
    if (value === null) return null
    throw wrongType(value, 'null')
  }),
  pure('cast_object', [any], objectOf(any, any), 'An object as it is.', ([value]) => asObject(value)),
  pure('cast_set', [any], setOf(any), 'The items of an array or set as a set.', ([value]) => {
    if (value instanceof RegoSet) return value
    if (value !== undefined && isArray(value)) return set(value)
    throw wrongType(value, 'one of {array, set}')
  }),
  pure('cast_string', [any], string, 'A string as it is.', ([value]) => asString(value)),
]

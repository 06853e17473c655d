/** Objects in objects, and changes to them. */
import { isArray } from '../compare.ts'
import { RegoObject, RegoSet, type PureExtension, type RegoValue } from '../extension.ts'
import { patch } from './json-patch.ts'
import { any, arrayOf, boolean, objectOf, oneOf, pure, record, setOf, string } from './types.ts'
import { asArray, BuiltinError, contains, equal, lookup } from './values.ts'

const collection = oneOf(arrayOf(any), objectOf(any, any), setOf(any))

export const objects: readonly PureExtension[] = [
  pure(
    'object.subset',
    [collection, collection],
    boolean,
    'Whether an object, set or array holds another, in objects at any depth.',
    ([superset, subset]) => isSubset(superset ?? null, subset ?? null),
  ),
  pure(
    'json.patch',
    [any, arrayOf(record({ op: string, path: any }, { key: any, value: any }))],
    any,
    'A value after the operations of a JSON patch (RFC 6902), sets included.',
    (args) => patch(args[0] ?? null, asArray(args[1])),
  ),
]

function isSubset(superset: RegoValue, subset: RegoValue): boolean {
  const same = sameKind(superset, subset)
  if (same !== undefined) return same
  if (isArray(superset) && subset instanceof RegoSet) return holdsAll(superset, subset)
  throw new BuiltinError('both arguments must be of the same type or array and set')
}

/** Undefined when they are not two objects, two sets or two arrays. */
function sameKind(superset: RegoValue, subset: RegoValue): boolean | undefined {
  if (superset instanceof RegoObject && subset instanceof RegoObject) return isSubObject(superset, subset)
  if (superset instanceof RegoSet && subset instanceof RegoSet)
    return subset.items.every((one) => contains(superset, one))
  return isArray(superset) && isArray(subset) ? isSubArray(superset, subset) : undefined
}

const isSubObject = (superset: RegoObject, subset: RegoObject): boolean =>
  subset.entries.every(([key, value]) => {
    const other = lookup(superset, key)
    return other !== undefined && (equal(value, other) || (sameKind(other, value) ?? false))
  })

/** In one piece and in order. */
function isSubArray(superset: readonly RegoValue[], subset: readonly RegoValue[]): boolean {
  if (subset.length > superset.length) return false
  for (let start = 0; start + subset.length <= superset.length; start++) {
    if (subset.every((item, i) => equal(item, superset[start + i] ?? null))) return true
  }
  return false
}

/** As often as the array holds an item of the set, even the same one; an empty set is in no empty array. */
function holdsAll(superset: readonly RegoValue[], subset: RegoSet): boolean {
  let missing = subset.items.length
  return superset.some((item) => {
    if (contains(subset, item)) missing--
    return missing === 0
  })
}

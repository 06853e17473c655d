/** `items`, `additionalItems`. */
import { isList, type Json } from './json.ts'
import { invalidType, isSchema, restAt, unlessEmpty, type Reading } from './reading.ts'
import type { Schema } from './schema.ts'
import { attempt, fail, merge, type Visit } from './visit.ts'

export interface Items {
  readonly each: Schema | undefined
  /** By position. */
  readonly first: readonly Schema[] | undefined
  /** Of what stands behind `first`. */
  readonly additional: boolean | Schema | undefined
}

export function readItems(reading: Reading): Items | undefined {
  const node = reading.members.get('items')
  const each = isSchema(node) ? reading.schema(node) : undefined
  const first = node === undefined || each !== undefined ? undefined : readFirst(reading, node)
  return unlessEmpty({ each, first, additional: restAt(reading, 'additionalItems') })
}

function readFirst({ schema }: Reading, node: Json): readonly Schema[] {
  if (!isList(node)) throw wrongItems()
  return node.map((one) => {
    if (isSchema(one)) return schema(one)
    throw wrongItems()
  })
}

const wrongItems = (): Error => invalidType('Valid Schema/Array Of Schemas', 'items')

export function checkItems({ each, first = [], additional }: Items, value: readonly Json[], visit: Visit): void {
  const check = (schema: Schema, one: Json, at: number): void => merge(visit, attempt(visit, schema, one, `${at}`))
  if (each !== undefined) return value.forEach((one, at) => check(each, one, at))
  first.slice(0, value.length).forEach((schema, at) => check(schema, value[at] ?? null, at))
  if (first.length === 0 || first.length >= value.length) return
  if (additional === false) fail(visit, 'array_no_additional_items', 'No additional items allowed on array')
  if (typeof additional !== 'object') return
  for (const [at, one] of value.entries()) if (at >= first.length) check(additional, one, at)
}

/** `dependencies`: what else an object needs that has a member. */
import { isList, isObject, type Json, type JsonObject } from './json.ts'
import { isSchema, SchemaError, type Reading } from './reading.ts'
import type { Schema } from './schema.ts'
import { enter, fail, type Visit } from './visit.ts'

export type Dependencies = ReadonlyMap<string, Schema | readonly string[]>

export function readDependencies({ members, schema }: Reading): Dependencies | undefined {
  const node = members.get('dependencies')
  if (node === undefined) return undefined
  if (!isObject(node)) throw new SchemaError('dependencies must be of type object')
  return new Map([...node].map(([name, one]) => [name, isSchema(one) ? schema(one) : names(one)]))
}

function names(node: Json): readonly string[] {
  if (!isList(node)) throw wrongDependency()
  return node.map((name) => {
    if (typeof name === 'string') return name
    throw wrongDependency()
  })
}

const wrongDependency = (): SchemaError => new SchemaError('Dependency must be of type Schema Or Array Of Strings')

export function checkDependencies(dependencies: Dependencies, value: JsonObject, visit: Visit): void {
  for (const name of value.keys()) {
    const needed = dependencies.get(name)
    if (needed === undefined) continue
    if (isNames(needed)) checkNames(needed, value, visit)
    else enter(visit, needed, value)
  }
}

const isNames = (needed: Schema | readonly string[]): needed is readonly string[] => Array.isArray(needed)

function checkNames(names: readonly string[], value: JsonObject, visit: Visit): void {
  visit.spend(names.length / 4)
  for (const name of names) {
    if (!value.has(name)) fail(visit, 'missing_dependency', `Has a dependency on ${name}`)
  }
}

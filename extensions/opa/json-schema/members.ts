/** `properties`, `additionalProperties`, `patternProperties`, `propertyNames`. */
import type { RE2JS } from 're2js'
import { compilePattern } from '../regex/patterns.ts'
import { isObject, type Json, type JsonObject } from './json.ts'
import { invalidType, isSchema, restAt, SchemaError, unlessEmpty, type Reading } from './reading.ts'
import type { Schema } from './schema.ts'
import { isMatch } from './text.ts'
import { attempt, enter, fail, isValid, merge, type Visit } from './visit.ts'

export interface Members {
  readonly properties: ReadonlyMap<string, Schema> | undefined
  readonly additional: boolean | Schema | undefined
  readonly patterns: readonly Pattern[] | undefined
  readonly names: Schema | undefined
}

interface Pattern {
  readonly compiled: RE2JS
  readonly schema: Schema
}

export const readMembers = (reading: Reading): Members | undefined =>
  unlessEmpty({
    properties: readProperties(reading),
    additional: restAt(reading, 'additionalProperties'),
    patterns: readPatterns(reading),
    names: readNames(reading),
  })

function readProperties({ members, schema }: Reading): Members['properties'] {
  const node = members.get('properties')
  if (node === undefined) return undefined
  if (!isObject(node)) throw new SchemaError('Properties must be of type object')
  return new Map([...node].map(([name, one]) => [name, schema(one)]))
}

function readPatterns({ members, schema }: Reading): Members['patterns'] {
  const node = members.get('patternProperties')
  if (node === undefined) return undefined
  if (!isObject(node)) throw invalidType('Valid Schema', 'patternProperties')
  return [...node].map(([source, one]) => ({ compiled: compiled(source), schema: schema(one) }))
}

function compiled(source: string): RE2JS {
  try {
    return compilePattern(source)
  } catch (error) {
    throw new SchemaError(`Invalid regex pattern '${source}'`, { cause: error })
  }
}

function readNames({ members, draft, schema }: Reading): Schema | undefined {
  const node = members.get('propertyNames')
  if (node === undefined || draft < 6) return undefined
  if (!isSchema(node)) throw invalidType('Valid Schema', 'patternProperties')
  return schema(node)
}

/** All but the values of `properties`, which come after what holds for any value. */
export function checkMembers(members: Members, value: JsonObject, visit: Visit): void {
  const { properties, additional, names } = members
  for (const [name, one] of value) {
    const matched = checkPatterns(members, name, one, visit)
    if (matched || properties?.has(name) === true) continue
    if (additional === false) {
      fail(visit, 'additional_property_not_allowed', `Additional property ${name} is not allowed`)
    } else if (typeof additional === 'object') merge(visit, attempt(visit, additional, one, name))
  }
  if (names === undefined) return
  for (const name of value.keys()) {
    const outcome = attempt(visit, names, name)
    if (isValid(outcome)) continue
    fail(visit, 'invalid_property_name', `Property name of "${name}" does not match`)
    merge(visit, outcome)
  }
}

function checkPatterns({ patterns = [] }: Members, name: string, value: Json, visit: Visit): boolean {
  const matching = patterns.filter(({ compiled }) => isMatch(compiled, name, visit))
  for (const { schema } of matching) merge(visit, attempt(visit, schema, value, name))
  if (matching.length > 0) visit.outcome.score++
  return matching.length > 0
}

export function checkProperties({ properties }: Members, value: JsonObject, visit: Visit): void {
  for (const [name, schema] of properties ?? []) {
    visit.spend(1 / 4)
    const one = value.get(name)
    if (one !== undefined) enter(visit, schema, one, name)
  }
}

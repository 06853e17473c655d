/** What the groups of keywords share when a schema is read. A schema that is wrong throws a SchemaError with Go's text. */
import { numberText } from '../../compare.ts'
import type { NumberValue } from '../number.ts'
import { BuiltinError } from '../values.ts'
import { isList, isNumeric, isObject, type Json, type JsonObject } from './json.ts'
import type { Draft, Schema } from './schema.ts'

export class SchemaError extends BuiltinError {}

export interface Reading {
  readonly members: JsonObject
  readonly draft: Draft
  /** Reads a schema inside this one. */
  readonly schema: (node: Json) => Schema
}

export const invalidType = (expected: string, given: string): SchemaError =>
  new SchemaError(`Invalid type. Expected: ${expected}, given: ${given}`)

export function stringAt({ members }: Reading, key: string): string | undefined {
  const value = members.get(key)
  if (value === undefined || typeof value === 'string') return value
  throw invalidType('string', key)
}

export function listAt({ members }: Reading, key: string): readonly Json[] | undefined {
  const value = members.get(key)
  if (value === undefined || isList(value)) return value
  throw new SchemaError(`${key} must be of an array`)
}

export function numberAt({ members }: Reading, key: string): NumberValue | undefined {
  const value = members.get(key)
  if (value === undefined || isNumeric(value)) return value
  throw new SchemaError(`${key} must be of a Number`)
}

/** A count: an integer of 64 bits, written as one. */
export function countAt({ members }: Reading, key: string): bigint | undefined {
  const value = members.get(key)
  if (value === undefined) return undefined
  const text = isNumeric(value) ? numberText(value) : ''
  const count = /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined
  if (count === undefined || BigInt.asIntN(64, count) !== count) throw new SchemaError(`${key} must be of an integer`)
  if (count < 0n) throw new SchemaError(`${key} must be greater than or equal to 0`)
  return count
}

export const isSchema = (node: Json | undefined): node is boolean | JsonObject =>
  typeof node === 'boolean' || isObject(node)

/** Where a schema stands, and nothing else may. */
export function schemaAt({ members, schema }: Reading, key: string): Schema | undefined {
  const node = members.get(key)
  if (node === undefined) return undefined
  if (!isSchema(node)) throw new SchemaError(`${key} must be of an object`)
  return schema(node)
}

/** `additionalItems`, `additionalProperties`: a boolean stays one, it has a failure of its own. */
export function restAt({ members, schema }: Reading, key: string): boolean | Schema | undefined {
  const node = members.get(key)
  if (node === undefined || typeof node === 'boolean') return node
  if (!isObject(node)) throw invalidType('boolean/Valid Schema', key)
  return schema(node)
}

/** The part, unless none of its keywords is there. */
export const unlessEmpty = <T extends object>(part: T): T | undefined =>
  Object.values(part).every((value) => value === undefined) ? undefined : part

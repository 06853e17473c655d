/** From JSON to a schema, in the order in which Go looks at the keywords: the first that is wrong is the one it tells. */
import { readAlternatives } from './alternatives.ts'
import { readArraySize } from './array-size.ts'
import { readCondition } from './condition.ts'
import { readDependencies } from './dependencies.ts'
import { createDocuments, draftOf } from './documents.ts'
import { readItems } from './items.ts'
import { isObject, type Json } from './json.ts'
import { readLimits } from './limits.ts'
import { readMembers } from './members.ts'
import { readObjectSize } from './object-size.ts'
import { invalidType, isSchema, SchemaError, stringAt, type Reading } from './reading.ts'
import { readReference } from './reference.ts'
import { hybrid, type Draft, type Schema } from './schema.ts'
import { readText } from './text.ts'
import { readTypes } from './types.ts'
import { readFormat, readValues } from './values.ts'
import type { Spend } from './work.ts'

/** Reading a schema takes longer than a visit by it. */
const workOfReading = 5
const mostDepth = 1000

/** @throws SchemaError */
export function readSchema(root: Json, spend: Spend): Schema {
  const documents = createDocuments(root)
  const targets = new Map<string, Schema>()
  let depth = 0

  function schemaOf(node: Json, draft: Draft): Schema {
    const schema: Schema = { types: [] }
    fill(schema, node, draft)
    return schema
  }

  function fill(schema: Schema, node: Json, draft: Draft): void {
    spend(workOfReading)
    if (++depth > mostDepth) throw new RangeError('the schema is too deep')
    if (typeof node === 'boolean' && draft >= 6) schema.always = node
    else if (!isObject(node)) throw new SchemaError('Expected: Valid Schema, given: Invalid JSON')
    else {
      const reading: Reading = { members: node, draft, schema: (inner) => schemaOf(inner, draft) }
      readHead(reading)
      if (!refer(schema, reading)) readKeywords(schema, reading)
    }
    depth--
  }

  /** Whether nothing but the reference is looked at: the first time that it is met. */
  function refer(schema: Schema, reading: Reading): boolean {
    const written = stringAt(reading, '$ref')
    if (written === undefined) return false
    const reference = readReference(documents.referenceOf(reading.members) ?? written)
    const known = targets.get(reference.text)
    if (known !== undefined) {
      schema.target = known
      return false
    }
    const target: Schema = { types: [] }
    targets.set(reference.text, target)
    const { node, draft } = documents.find(reference)
    if (!isSchema(node)) throw new SchemaError('Valid Schema must be of type object')
    fill(target, node, draft ?? reading.draft)
    schema.target = target
    return true
  }

  return schemaOf(root, draftOf(root) ?? hybrid)
}

function readHead(reading: Reading): void {
  const { members, draft } = reading
  const id = stringAt(reading, draft === 4 || (draft === hybrid && members.has('id')) ? 'id' : '$id')
  if (id !== undefined) readReference(id)
  const definitions = members.get('definitions')
  if (definitions !== undefined) {
    if (!isObject(definitions)) throw wrongDefinitions()
    for (const one of definitions.values()) {
      if (!isSchema(one)) throw wrongDefinitions()
      reading.schema(one)
    }
  }
  stringAt(reading, 'title')
  stringAt(reading, 'description')
}

const wrongDefinitions = (): SchemaError => invalidType('Array Of Schemas', 'definitions')

function readKeywords(schema: Schema, reading: Reading): void {
  schema.types = readTypes(reading)
  schema.members = readMembers(reading)
  schema.dependencies = readDependencies(reading)
  schema.items = readItems(reading)
  schema.limits = readLimits(reading)
  schema.text = readText(reading)
  const format = readFormat(reading)
  schema.objectSize = readObjectSize(reading)
  schema.arraySize = readArraySize(reading)
  schema.values = readValues(reading, format)
  schema.alternatives = readAlternatives(reading)
  schema.condition = readCondition(reading)
}

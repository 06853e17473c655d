/** Whether a query fits a schema, by the rules of graphql-js. */
import { buildASTSchema, parse, validate, type GraphQLSchema } from 'graphql'
import { BuiltinError } from '../values.ts'
import type { QueryDocument } from './nodes.ts'
import { printQuery, printSchema } from './print.ts'
import { isOwnType, type Schema } from './schema.ts'

const built = new WeakMap<Schema, GraphQLSchema>()

/** Throws the first reason why it does not. */
export function validateQuery(schema: Schema, query: QueryDocument): void {
  const unknown = query.Operations.find(({ Operation }) => !schema.roots.has(Operation || 'query'))
  if (unknown !== undefined) throw new BuiltinError(`GraphQL: the schema has no operation type ${unknown.Operation}`)
  const text = printQuery(query)
  if (text === '') return
  const document = parse(text, { allowLegacyFragmentVariables: true, noLocation: true })
  const [error] = validate(schemaFor(schema), document, undefined, { maxErrors: 1 })
  if (error !== undefined) throw new BuiltinError(`GraphQL: ${error.message}`)
}

function schemaFor(schema: Schema): GraphQLSchema {
  const known = built.get(schema)
  if (known !== undefined) return known
  const document = parse(printSchema(schema, isOwnType), { noLocation: true })
  const fresh = buildASTSchema(document, { assumeValid: true, assumeValidSDL: true })
  built.set(schema, fresh)
  return fresh
}

/** GraphQL documents: parsed to the nodes that OPA shows, and held against a schema. */
import { RegoObject, type Extension, type RegoValue } from '../extension.ts'
import { readQuery, readSchema, toRego, type QueryDocument, type SchemaDocument } from './graphql/nodes.ts'
import { parseQuery } from './graphql/parse-query.ts'
import { parseSchema } from './graphql/parse-schema.ts'
import { createSchema, type Schema } from './graphql/schema.ts'
import { validateQuery } from './graphql/validate.ts'
import { any, boolean, objectOf, oneOf, pure, string, tuple } from './types.ts'
import { asString, wrongType } from './values.ts'

const object = objectOf(any, any)
const source = oneOf(string, object)

interface ReadSchema {
  readonly document: SchemaDocument
  readonly schema: Schema
}

/** Few policies have more than one; reading one takes far longer than finding it. */
const keptSchemas = 10
const schemas = new Map<string, ReadSchema>()

export const graphql: readonly Extension[] = [
  pure(
    'graphql.parse',
    [source, source],
    tuple(object, object),
    'The nodes of a query and of the schema that it is valid under.',
    ([query, schema]) => [...verified(query, schema)],
  ),
  pure(
    'graphql.parse_and_verify',
    [source, source],
    tuple(boolean, object, object),
    'Whether a query is valid under a schema, and the nodes of both, empty when it is not.',
    ([query, schema]) =>
      attempt<readonly RegoValue[]>(() => [true, ...verified(query, schema)], [false, nothing, nothing]),
  ),
  pure('graphql.parse_query', [string], object, 'The nodes of a query.', ([query]) =>
    toRego('QueryDocument', parseQuery(asString(query))),
  ),
  pure('graphql.parse_schema', [string], object, 'The nodes of a schema, which need not be valid.', ([schema]) =>
    toRego('SchemaDocument', parseSchema(asString(schema))),
  ),
  pure('graphql.is_valid', [source, source], boolean, 'Whether a query is valid under a schema.', ([query, schema]) =>
    attempt<boolean>(() => {
      const document = queryOf(query)
      validateQuery(schemaOf(schema).schema, document)
      return true
    }, false),
  ),
  pure('graphql.schema_is_valid', [source], boolean, 'Whether a schema is valid.', ([schema]) =>
    attempt(() => schemaOf(schema) !== undefined, false),
  ),
]

const nothing = new RegoObject([])

function attempt<T extends RegoValue>(work: () => T, otherwise: T): T {
  try {
    return work()
  } catch {
    return otherwise
  }
}

function verified(query: RegoValue | undefined, schema: RegoValue | undefined): readonly [RegoObject, RegoObject] {
  const document = queryOf(query)
  const known = schemaOf(schema)
  validateQuery(known.schema, document)
  return [toRego('QueryDocument', document), toRego('SchemaDocument', known.document)]
}

function queryOf(query: RegoValue | undefined): QueryDocument {
  if (typeof query === 'string') return parseQuery(query)
  if (query instanceof RegoObject) return readQuery(query)
  throw wrongType(query, 'one of {string, object}')
}

function schemaOf(schema: RegoValue | undefined): ReadSchema {
  if (schema instanceof RegoObject) return created(readSchema(schema))
  const text = asString(schema)
  const known = schemas.get(text)
  if (known !== undefined) return known
  const fresh = created(parseSchema(text))
  const [oldest] = schemas.keys()
  if (schemas.size >= keptSchemas && oldest !== undefined) schemas.delete(oldest)
  schemas.set(text, fresh)
  return fresh
}

const created = (document: SchemaDocument): ReadSchema => ({ document, schema: createSchema(document) })

/**
 * JSON schemas of drafts 4, 6 and 7, judged as OPA judges them, to the text of each failure. No reference leads out of
 * the schema but to the meta-schemas of the drafts. Failures come in the order of the members' names; in OPA their order
 * changes from run to run.
 */
import type { PureExtension, RegoValue } from '../extension.ts'
import { readOperand } from './json-schema/json.ts'
import { schemaOf } from './json-schema/kept.ts'
import { failuresOf } from './json-schema/validate.ts'
import type { Failure } from './json-schema/visit.ts'
import { workOf, type Spend } from './json-schema/work.ts'
import { any, arrayOf, boolean, nothing, objectOf as objectType, oneOf, pure, record, string, tuple } from './types.ts'
import { BuiltinError, objectOf } from './values.ts'

const json = oneOf(string, objectType(any, any))
const failure = record({ desc: string, error: string, field: string, type: string })

export const jsonSchema: readonly PureExtension[] = [
  pure(
    'json.match_schema',
    [json, json],
    tuple(boolean, arrayOf(failure)),
    'Whether a document is valid under a JSON schema, and what is wrong with it.',
    ([document, schema], context) => {
      const node = readOperand(document)
      const spend = workOf(context)
      const failures = failuresOf(schemaOf(schema, spend), node, spend)
      return [failures.length === 0, failures.map(shown)]
    },
  ),
  pure(
    'json.verify_schema',
    [json],
    tuple(boolean, oneOf(nothing, string)),
    'Whether a JSON schema is one, and what is wrong with it.',
    ([schema], context) => verify(schema, workOf(context)),
  ),
]

const shown = ({ type, field, description }: Failure): RegoValue =>
  objectOf({ error: `${field}: ${description}`, type, field, desc: description })

function verify(schema: RegoValue | undefined, spend: Spend): RegoValue {
  try {
    schemaOf(schema, spend)
    return [true, null]
  } catch (error) {
    // Too much work is no fault of the schema.
    if (error instanceof BuiltinError) return [false, `jsonschema: ${error.message}`]
    throw error
  }
}

/** The schemas read last: few policies have more than one, and reading one takes longer than finding it. */
import type { RegoValue } from '../../extension.ts'
import { printJson } from '../../print-json.ts'
import { readOperand } from './json.ts'
import { readSchema } from './read.ts'
import type { Schema } from './schema.ts'
import type { Spend } from './work.ts'

const most = 10
const longest = 100_000
const kept = new Map<string, Schema>()

/** @throws SchemaError, BuiltinError */
export function schemaOf(value: RegoValue | undefined, spend: Spend): Schema {
  const text = typeof value === 'string' ? value : printJson(value ?? null)
  const known = kept.get(text)
  if (known !== undefined) return known
  const fresh = readSchema(readOperand(value), spend)
  if (text.length > longest) return fresh
  const [oldest] = kept.keys()
  if (kept.size >= most && oldest !== undefined) kept.delete(oldest)
  kept.set(text, fresh)
  return fresh
}

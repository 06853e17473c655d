/**
 * The boundary to documents that may have been changed by hand: each is parsed, and one that does not fit is named
 * and left out, while the rest goes on.
 */
import type { z } from 'zod'
import { EdictError } from '../errors.ts'
import { policyDocumentSchema } from '../policy/schema.ts'

/** A stored document that does not fit its schema. */
export interface Problem {
  readonly id: string
  readonly message: string
}

export interface Readable<T> {
  readonly items: readonly T[]
  readonly problems: readonly Problem[]
}

export const policyMetaSchema = policyDocumentSchema.omit({ rego: true, data: true, files: true, tests: true })
/** The projection that leaves a policy's texts in the store. */
export const metaProjection = { rego: 0, data: 0, files: 0, tests: 0 } as const

export function readable<T>(schema: z.ZodType<T>, collection: string, documents: readonly unknown[]): Readable<T> {
  const items: T[] = []
  const problems: Problem[] = []
  for (const document of documents) {
    const parsed = schema.safeParse(document)
    if (parsed.success) items.push(parsed.data)
    else problems.push(problemOf(collection, document, parsed.error))
  }
  return { items, problems }
}

/** One document, or null; one that does not fit is an error that names it. */
export function readableOne<T>(schema: z.ZodType<T>, collection: string, document: unknown): T | null {
  if (document === null) return null
  const { items, problems } = readable(schema, collection, [document])
  if (problems[0]) throw new EdictError('internal_error', problems[0].message)
  return items[0] ?? null
}

function problemOf(collection: string, document: unknown, error: z.ZodError): Problem {
  const hasId = typeof document === 'object' && document !== null && '_id' in document
  const id = hasId ? String(document._id) : '?'
  const what = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
  return { id, message: `the document ${id} in ${collection} was changed by hand and does not fit: ${what}` }
}

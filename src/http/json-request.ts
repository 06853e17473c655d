/**
 * Bodies of management routes: JSON whatever the content type says, checked by a zod schema; what is wrong is listed in
 * `errors`, one entry per problem.
 */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { EdictError } from '../errors.ts'
import type { AppEnv } from './environment.ts'
import { readBytes } from './request-body.ts'

/** An empty body is `{}`. Throws `body_too_large`, `invalid_json` or `invalid_request`. */
export const readJson = async <Schema extends z.ZodType>(
  c: Context<AppEnv>,
  schema: Schema,
): Promise<z.output<Schema>> => {
  const text = Buffer.from(await readBytes(c)).toString()
  const result = schema.safeParse(text.trim() === '' ? {} : parse(text))
  if (result.success) return result.data
  throw invalidRequest('the body is not valid', result.error)
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new EdictError('invalid_json', `the body is not JSON: ${error instanceof Error ? error.message : 'bad text'}`)
  }
}

export const invalidRequest = (message: string, error: z.ZodError): EdictError =>
  new EdictError('invalid_request', message, {
    errors: error.issues.map((issue) => ({
      code: issue.code,
      message: issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`,
    })),
  })

/** A body for the OpenAPI document alone: a JSON schema, so that the framework does not parse it a second time. */
export const documentedBody = (schema: z.ZodType, required = false) => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input' })
  return { required, content: { 'application/json': { schema: { type: 'object' as const, ...pickSchema(json) } } } }
}

const pickSchema = ({ properties, required }: { properties?: unknown; required?: unknown }): object => ({
  ...(properties === undefined ? {} : { properties }),
  ...(required === undefined ? {} : { required }),
})

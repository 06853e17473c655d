/**
 * The shapes of answers that several routes share, as they read in JSON.
 */
import { z } from '@hono/zod-openapi'
import { findingSchema } from '../policy/schema.ts'

export const errorSchema = z
  .object({
    code: z.string().openapi({ example: 'policy_not_found' }),
    message: z.string(),
    id: z.string().openapi({ description: 'Finds the line in the log.' }),
    errors: z
      .array(
        z.object({
          code: z.string(),
          message: z.string(),
          location: z.object({ file: z.string(), row: z.number().int(), col: z.number().int() }).optional(),
        }),
      )
      .optional(),
  })
  .openapi('Error')

export const instant = z.iso.datetime()

// Made anew: only what is made after that library was loaded can be named.
export const findingJson = z.object(findingSchema.shape).openapi('Finding')

export const lockJson = z
  .object({ actor: z.string(), reason: z.string().nullable(), since: instant, until: instant.nullable() })
  .openapi('Lock')

export const statusJson = z
  .object({
    phase: z.enum(['Ready', 'Quarantined']),
    findings: z.array(findingJson),
    since: instant,
    commit: z.string().optional(),
    author: z.string().optional(),
  })
  .openapi('PolicyStatus')

export const policyParams = z.object({
  group: z.string().openapi({ param: { name: 'group', in: 'path' }, example: 'gaiax' }),
  policy: z.string().openapi({ param: { name: 'policy', in: 'path' }, example: 'example' }),
  version: z.string().openapi({ param: { name: 'version', in: 'path' }, example: '1.0' }),
})

export const repositoryPolicyParams = policyParams.extend({
  repository: z.string().openapi({ param: { name: 'repository', in: 'path' }, example: 'policies-example' }),
})

const errorContent = (description: string) => ({
  description,
  content: { 'application/json': { schema: errorSchema } },
})

const errorDescriptions = {
  400: 'The request is wrong.',
  401: 'No valid credential.',
  403: 'Refused.',
  404: 'Not found.',
  409: 'It conflicts with the present state.',
  410: 'Not kept any more.',
  413: 'The body is too large.',
  429: 'Too many; `retry-after` says when to try again.',
  500: 'The policy failed, or the server did.',
  503: 'Not possible now; try again.',
} as const

/** The error answers of a route, by status. */
export const errorResponses = <Status extends keyof typeof errorDescriptions>(...statuses: readonly Status[]) =>
  Object.fromEntries(statuses.map((status) => [status, errorContent(errorDescriptions[status])])) as Record<
    Status,
    ReturnType<typeof errorContent>
  >

export const jsonContent = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
})

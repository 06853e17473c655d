/** What `/openapi.json` says of OPA's API: the paths that hold slashes are no routes of the framework's own kind. */
import { z } from '@hono/zod-openapi'
import type { App } from '../environment.ts'

const opaErrorSchema = z
  .object({
    code: z.string(),
    message: z.string(),
    errors: z.array(z.object({ code: z.string(), message: z.string() })).optional(),
  })
  .openapi('OpaError')

const answerSchema = z
  .object({
    result: z.unknown().openapi({ description: 'The document; absent when it is undefined.' }),
    decision_id: z.string().optional(),
    metrics: z.record(z.string(), z.number()).optional(),
    provenance: z.object({ version: z.string() }).optional(),
    warning: z.object({ code: z.string(), message: z.string() }).optional(),
  })
  .openapi('OpaAnswer')

const flags = z.object({
  pretty: z.string().optional(),
  metrics: z.string().optional(),
  provenance: z.string().optional(),
  version: z.string().optional().openapi({ description: 'Of a policy `group/name`; its newest when not given.' }),
})
const below = z.object({
  path: z
    .string()
    .openapi({ param: { name: 'path', in: 'path' }, description: 'Segments under `data`; may hold slashes.' }),
})

const json = (description: string, schema: z.ZodType) => ({ description, content: { 'application/json': { schema } } })
const body = (schema: z.ZodType) => ({ content: { 'application/json': { schema } } })
const common = { tags: ['opa'] }
const errors = {
  400: json('The request is wrong.', opaErrorSchema),
  403: json('The policy is locked.', opaErrorSchema),
  500: json('The policy failed.', opaErrorSchema),
}

/** Below a path, and the same at its root. */
const forms = [
  { end: '/{path}', request: { params: below }, suffix: '' },
  { end: '', request: {}, suffix: 'Root' },
] as const

export const describeOpaData = (app: App): void => {
  const paths = app.openAPIRegistry
  for (const form of forms) describeData(app, form)
  paths.registerPath({
    ...common,
    method: 'post',
    path: '/',
    operationId: 'opaDefaultDecision',
    summary: 'The document `data.system.main`, with the body as input',
    request: { body: body(z.unknown()) },
    responses: { 200: json('The bare document.', z.unknown()), 404: json('There is none.', opaErrorSchema), ...errors },
  })
  paths.registerPath({
    ...common,
    method: 'get',
    path: '/health',
    operationId: 'opaHealth',
    summary: 'Whether this replica follows the store',
    responses: { 200: json('It does.', z.object({})), 500: json('It does not.', z.object({ error: z.string() })) },
  })
}

function describeData(app: App, { end, request, suffix }: (typeof forms)[number]): void {
  const paths = app.openAPIRegistry
  const answers = { 200: json('The document, as OPA answers it.', answerSchema), ...errors }
  paths.registerPath({
    ...common,
    method: 'get',
    path: `/v1/data${end}`,
    operationId: `opaGetData${suffix}`,
    summary: 'Read a document; the input in the query',
    request: { ...request, query: flags.extend({ input: z.string().optional() }) },
    responses: answers,
  })
  paths.registerPath({
    ...common,
    method: 'post',
    path: `/v1/data${end}`,
    operationId: `opaEvaluate${suffix}`,
    summary: 'Read a document with an input',
    request: { ...request, query: flags, body: body(z.object({ input: z.unknown() })) },
    responses: answers,
  })
  paths.registerPath({
    ...common,
    method: 'post',
    path: `/v0/data${end}`,
    operationId: `opaEvaluateV0${suffix}`,
    summary: 'The body is the input, the answer the bare document',
    request: { ...request, body: body(z.unknown()) },
    responses: {
      200: json('The bare document.', z.unknown()),
      404: json('It is undefined.', opaErrorSchema),
      ...errors,
    },
  })
  paths.registerPath({
    ...common,
    method: 'post',
    path: `/v1/batch/data${end}`,
    operationId: `opaEvaluateBatch${suffix}`,
    summary: 'One document for many inputs, as Enterprise OPA has it',
    request: {
      ...request,
      body: body(z.object({ inputs: z.record(z.string(), z.unknown()), common_input: z.unknown().optional() })),
    },
    responses: {
      200: json(
        'All have an answer.',
        z.object({ batch_decision_id: z.string(), responses: z.record(z.string(), answerSchema) }),
      ),
      207: json('Some failed; each item has its `http_status_code`.', z.unknown()),
      ...errors,
    },
  })
}

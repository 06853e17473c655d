/**
 * `GET/POST P/evaluation`. The server answers these before the framework; this route is the same contract for a caller
 * without a socket or with `?revision=`, and what the OpenAPI document says of it.
 */
import { createRoute } from '@hono/zod-openapi'
import { firstHeader } from '../first-header.ts'
import type { Answer, Decide, EvaluationRequest } from '../decide.ts'
import type { App } from '../environment.ts'
import { policyForms, policyName } from '../policy-route.ts'
import { mayReadPast, type Past, pastQuery } from '../past-query.ts'
import { readBytes } from '../request-body.ts'
import { errorResponses } from '../schemas.ts'

const description = `The body is the input: JSON of any kind, whatever the content type says, or nothing (the input is undefined).
The answer is the bare document of the policy's package, \`{}\` when nothing in it is defined. Numbers keep every digit.`

const header = (text: string) => ({ description: text, schema: { type: 'string' as const } })

export const evaluationRoutes = (app: App, { decide, ...past }: Past & { readonly decide: Decide }): void => {
  for (const { prefix, params, suffix } of policyForms) {
    for (const method of ['get', 'post'] as const) {
      const route = createRoute({
        method,
        path: `${prefix}/evaluation`,
        operationId: `${method === 'get' ? 'getEvaluation' : 'evaluate'}${suffix}`,
        tags: ['evaluation'],
        summary: 'Evaluate a policy',
        description,
        request: {
          params,
          query: pastQuery,
          ...(method === 'post'
            ? {
                body: {
                  required: false,
                  content: { 'application/json': { schema: {}, example: { message: 'hello world' } } },
                },
              }
            : {}),
        },
        responses: {
          200: {
            description: 'The decision.',
            headers: {
              etag: header('The evaluation id, unquoted.'),
              'x-evaluation-id': header('The `x-evaluation-id` of the request, or a new UUID.'),
              'x-policy-digest': header('The artifact that decided.'),
              'x-policy-commit': header('The commit that it was built from.'),
              'x-policy-revision': header('The revision that put it in force.'),
              'x-evaluation-cost': header('Work that it took, in units; the same on every machine.'),
              'x-edict-stale': header('Seconds since this replica lost the store; only while it has.'),
            },
            content: { 'application/json': { schema: {} } },
          },
          ...errorResponses(400, 403, 404, 410, 413, 500, 503),
        },
      })
      // The answer is bytes, which no schema types; so the route is described and handled in two steps.
      app.openAPIRegistry.registerPath(route)
      app.on(method, route.getRoutingPath(), async (c) => {
        const name = policyName(params.parse(c.req.param()))
        const body = await readBytes(c)
        const rawHeaders = c.env?.incoming?.rawHeaders ?? [...c.req.raw.headers].flat()
        const request: EvaluationRequest = {
          ...name,
          body,
          evaluationId: c.req.header('x-evaluation-id'),
          requestId: c.req.header('x-request-id'),
          rawHeaders,
          header: (canonicalName) => firstHeader(rawHeaders, canonicalName),
        }
        await past.mayEvaluate.check(c, name.group)
        const revision = await mayReadPast(c, name, past)
        return asResponse(await (revision === undefined ? decide(request) : past.atRevision.decide(revision, request)))
      })
    }
  }
}

const asResponse = ({ status, headers, body }: Answer): Response => {
  const pairs = new Headers()
  for (let i = 0; i < headers.length; i += 2) pairs.append(headers[i] ?? '', headers[i + 1] ?? '')
  return new Response(new Uint8Array(body), { status, headers: pairs })
}

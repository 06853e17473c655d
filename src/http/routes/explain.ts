/**
 * `POST P/explain`: a decision and why, for who may read the source. Nothing outside is asked: what a policy would fetch is
 * undefined, and the answer says so. A locked policy is not explained either.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { policyResource } from '../../auth/actions.ts'
import type { Enforce } from '../../auth/enforce.ts'
import { EdictError } from '../../errors.ts'
import type { Asked } from '../../explain/explainer.ts'
import { printExact } from '../../explain/exact-json.ts'
import { explanationSchema } from '../../explain/view.ts'
import type { PolicyKey } from '../../policy/schema.ts'
import type { PolicyName } from '../../registry/registry.ts'
import type { Admission } from '../admit.ts'
import type { App, AppEnv } from '../environment.ts'
import { documentedBody, invalidRequest } from '../json-request.ts'
import { checkedJson } from '../opa/data-request.ts'
import { isObject, membersOf } from '../opa/json-bytes.ts'
import { policyForms, policyName } from '../policy-route.ts'
import { readBytes } from '../request-body.ts'
import { errorResponses, jsonContent } from '../schemas.ts'

// Made anew: only what is made after that library was loaded can be named.
const answerSchema = z
  .object({
    policy: z.string(),
    repository: z.string(),
    commit: z.string(),
    digest: z.string(),
    revision: z.number().int(),
    ...explanationSchema.shape,
  })
  .openapi('Explanation')
export type PolicyExplanation = z.infer<typeof answerSchema>

/** `mayStart` is called in the step in which it is evaluated. */
export type ExplainPolicy = (
  key: PolicyKey,
  asked: Omit<Asked, 'mayStart'>,
  mayStart: () => void,
) => Promise<PolicyExplanation>

export interface ExplainRoutesOptions {
  readonly admission: Pick<Admission, 'find' | 'check'>
  readonly explainPolicy: ExplainPolicy
  readonly enforce: Enforce
  readonly maxDepth: number
}

const explainRequest = z.strictObject({
  input: z.unknown().optional().openapi({ description: 'Any JSON value; absent: no input.' }),
  headers: z
    .record(z.string(), z.string())
    .optional()
    .openapi({ description: 'What the policy finds as headers; those of this request are not shown to it.' }),
  rule: z.string().min(1).max(500).optional().openapi({ description: 'One rule of the policy; absent: all.' }),
})

export const explainRoutes = (app: App, options: ExplainRoutesOptions): void => {
  const { admission, explainPolicy, enforce, maxDepth } = options

  const explain = async (c: Context<AppEnv>, name: PolicyName): Promise<Response> => {
    await enforce(c.get('actor'), 'read', policyResource(`${name.group}/${name.name}/${name.version}`))
    const asked = readRequest(await readBytes(c), maxDepth)
    const check = () => {
      const entry = admission.find(name)
      admission.check(entry)
      return entry
    }
    const { key } = check()
    return c.body(printExact(await explainPolicy(key, asked, check)), 200, { 'content-type': 'application/json' })
  }

  for (const { prefix, params, suffix } of policyForms) {
    const route = createRoute({
      method: 'post',
      path: `${prefix}/explain` as const,
      operationId: `explain${suffix}`,
      tags: ['policies'],
      summary: 'Explain a decision: the rule that made it, or what a denial lacked',
      request: { params, body: documentedBody(explainRequest) },
      responses: {
        200: jsonContent('The decision and why.', answerSchema),
        ...errorResponses(400, 401, 403, 404, 413, 503),
      },
    })
    // Numbers keep their digits, which no schema types; so the route is described and handled in two steps.
    app.openAPIRegistry.registerPath(route)
    app.post(route.getRoutingPath(), (c) => explain(c, policyName(params.parse(c.req.param()))))
  }
}

/** The input is taken as it stands, every digit of it. */
const readRequest = (body: Uint8Array, maxDepth: number): Omit<Asked, 'mayStart'> => {
  const json = checkedJson(
    body.length === 0 ? Buffer.from('{}') : body,
    maxDepth + 1,
    (message) => new EdictError('invalid_json', `the body is not usable JSON: ${message}`),
  )
  if (!isObject(json)) throw new EdictError('invalid_request', 'the body must be an object')
  const parsed = explainRequest.safeParse(JSON.parse(Buffer.from(json).toString()))
  if (!parsed.success) throw invalidRequest('the body is not valid', parsed.error)
  const { headers = {}, rule } = parsed.data
  return { input: membersOf(json).get('input'), headers, rule }
}

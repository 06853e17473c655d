/**
 * `POST /api/sources/{name}/webhook`: a forge says that something was pushed. The raw bytes are verified before anything
 * is made of them, and even then a payload is only a hint to fetch.
 */
import { createRoute } from '@hono/zod-openapi'
import { sourceResource } from '../../auth/actions.ts'
import { webhookActor } from '../../auth/actor.ts'
import type { Enforce } from '../../auth/enforce.ts'
import type { RateLimit } from '../../auth/rate-limit.ts'
import { EdictError } from '../../errors.ts'
import { addressKey, clientAddress } from '../client.ts'
import type { App } from '../environment.ts'
import { readBytes } from '../request-body.ts'
import { errorResponses, jsonContent } from '../schemas.ts'
import { acceptedSchema, type CycleRequests } from './cycle-requests.ts'
import { findSource, sourceParams, type SourceStore } from './sources.ts'

export type VerifyWebhook = (delivery: {
  readonly source: string
  readonly headers: Headers
  readonly body: Uint8Array
}) => WebhookVerdict | Promise<WebhookVerdict>

/** `unconfigured`: the source has no secret; anything else: the delivery is not what it says. */
export type WebhookVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: string }

export interface WebhookRoutesOptions {
  readonly sources: SourceStore
  readonly requests: CycleRequests
  readonly verifyWebhook: VerifyWebhook
  readonly enforce: Enforce
  /** Of deliveries that were not signed well, by address. */
  readonly failures: RateLimit
}

const route = createRoute({
  method: 'post',
  path: '/api/sources/{name}/webhook',
  operationId: 'receiveWebhook',
  tags: ['sources'],
  summary: 'Receive a push from GitHub, GitLab, Gitea, Forgejo or Bitbucket',
  request: {
    params: sourceParams,
    body: { required: true, content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } },
  },
  responses: {
    202: jsonContent('A cycle was asked for.', acceptedSchema),
    ...errorResponses(401, 403, 404, 413, 503),
  },
})

export const webhookRoutes = (app: App, options: WebhookRoutesOptions): void => {
  const { sources, requests, verifyWebhook, enforce, failures } = options
  app.openapi(route, async (c) => {
    const { name } = c.req.valid('param')
    const body = await readBytes(c)
    const key = addressKey(clientAddress(c))
    failures.check(key)
    const verdict = await verifyWebhook({ source: name, headers: c.req.raw.headers, body })
    if (!verdict.ok) {
      failures.take(key)
      throw refusal(name, verdict.reason)
    }
    const actor = await enforce(webhookActor(name), 'source', sourceResource(name))
    await findSource(sources, name)
    const { id } = await requests.submit({ reason: 'webhook', source: name, commit: null, actor })
    return c.json({ id, message: 'a cycle was asked for' }, 202)
  })
}

const refusal = (name: string, reason: string): EdictError => {
  if (reason === 'unconfigured') return new EdictError('forbidden', `no webhook secret is configured for ${name}`)
  if (reason === 'unknown_source') return new EdictError('source_not_found', `no source ${name}`)
  return new EdictError('unauthenticated', `the delivery is refused: ${reason}`)
}

/**
 * `/api/sources`: where policies come from and how the last cycle went; sync now, confirm a held commit. A wish for a
 * cycle is a request document; the caller waits for its outcome, or not.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { sourceResource } from '../../auth/actions.ts'
import type { Enforce } from '../../auth/enforce.ts'
import { EdictError } from '../../errors.ts'
import { conditionReasons, type SourceDocument } from '../../policy/schema.ts'
import type { App, AppEnv } from '../environment.ts'
import { documentedBody, readJson } from '../json-request.ts'
import { errorResponses, findingJson, instant, jsonContent } from '../schemas.ts'
import { sourceAsJson } from '../views.ts'
import {
  type CycleRequests,
  cycleResponses,
  outcomeAsJson,
  runCycle,
  waitQuery,
  type WantedCycle,
} from './cycle-requests.ts'

/** Throws `store_unavailable`. */
export interface SourceStore {
  readonly list: () => Promise<readonly SourceDocument[]>
  readonly get: (name: string) => Promise<SourceDocument | null>
}

export interface Webhooks {
  /** Whether the source has a secret that deliveries are checked with. */
  readonly isConfigured: (source: string) => boolean
  /** When each was last told of a push, within a day. Throws `store_unavailable`. */
  readonly last: () => Promise<ReadonlyMap<string, Date>>
}

export interface SourceRoutesOptions {
  readonly sources: SourceStore
  readonly webhooks: Webhooks
  readonly requests: CycleRequests
  readonly enforce: Enforce
}

const sourceSchema = z
  .object({
    name: z.string(),
    kind: z.enum(['git', 'directory', 'api']),
    location: z.string(),
    phase: z.enum(['Ready', 'Reconciling', 'Stalled']),
    reason: z.enum(conditionReasons),
    message: z.string(),
    findings: z.array(findingJson),
    commit: z.string().nullable(),
    revision: z.string().nullable(),
    lastSeenCommit: z.string().nullable(),
    lastAttempt: instant.nullable(),
    lastSuccess: instant.nullable(),
    held: z.object({ commit: z.string(), removes: z.array(z.string()), of: z.number() }).nullable(),
    confirmed: z.string().nullable(),
    plan: z.string().nullable().optional().openapi({ description: 'The plan that waits with its newest commit.' }),
    counts: z.object({ policies: z.number(), modules: z.number(), quarantined: z.number() }),
    webhook: z.object({
      configured: z.boolean().openapi({ description: 'Whether it has a secret that deliveries are checked with.' }),
      last: instant.nullable().openapi({ description: 'When a forge last told of a push, within a day.' }),
    }),
  })
  .openapi('Source')

export const sourceParams = z.object({
  name: z.string().openapi({ param: { name: 'name', in: 'path' }, example: 'policies-example' }),
})

const confirmRequest = z.strictObject({ commit: z.string().min(1).max(128) })

export const findSource = async (sources: SourceStore, name: string): Promise<SourceDocument> => {
  const source = await sources.get(name)
  if (source === null) throw new EdictError('source_not_found', `no source ${name}`)
  return source
}

export const sourceRoutes = (app: App, { sources, webhooks, requests, enforce }: SourceRoutesOptions): void => {
  const shown = (source: SourceDocument, last: ReadonlyMap<string, Date>) => ({
    ...sourceAsJson(source),
    webhook: { configured: webhooks.isConfigured(source._id), last: last.get(source._id)?.toISOString() ?? null },
  })

  const run = async (c: Context<AppEnv>, request: WantedCycle, wait: number) => {
    const ran = await runCycle(requests, request, wait)
    return 'outcome' in ran ? c.json(outcomeAsJson(ran.id, ran.outcome), 200) : c.json(ran, 202)
  }

  app.openapi(listRoute, async (c) => {
    const [all, last] = await Promise.all([sources.list(), webhooks.last()])
    return c.json({ sources: all.map((source) => shown(source, last)) }, 200)
  })

  app.openapi(getRoute, async (c) => {
    const [source, last] = await Promise.all([findSource(sources, c.req.valid('param').name), webhooks.last()])
    return c.json(shown(source, last), 200)
  })

  app.openapi(syncRoute, async (c) => {
    const { name } = c.req.valid('param')
    const actor = await enforce(c.get('actor'), 'source', sourceResource(name))
    await findSource(sources, name)
    return run(c, { reason: 'sync', source: name, commit: null, actor }, c.req.valid('query').wait)
  })

  app.openapi(confirmRoute, async (c) => {
    const { name } = c.req.valid('param')
    const actor = await enforce(c.get('actor'), 'approve', sourceResource(name))
    const { commit } = await readJson(c, confirmRequest)
    const { held } = await findSource(sources, name)
    if (held === null) throw new EdictError('conflict', `${name} holds no commit back`)
    if (held.commit !== commit) throw new EdictError('conflict', `${name} holds ${held.commit} back, not ${commit}`)
    return run(c, { reason: 'confirm', source: name, commit, actor }, c.req.valid('query').wait)
  })
}

const listRoute = createRoute({
  method: 'get',
  path: '/api/sources',
  operationId: 'listSources',
  tags: ['sources'],
  summary: 'List sources and how their last cycle ended',
  responses: {
    200: jsonContent('All sources.', z.object({ sources: z.array(sourceSchema) })),
    ...errorResponses(503),
  },
})

const getRoute = createRoute({
  method: 'get',
  path: '/api/sources/{name}',
  operationId: 'getSource',
  tags: ['sources'],
  summary: 'Show a source',
  request: { params: sourceParams },
  responses: { 200: jsonContent('The source.', sourceSchema), ...errorResponses(404, 503) },
})

const syncRoute = createRoute({
  method: 'post',
  path: '/api/sources/{name}/sync',
  operationId: 'syncSource',
  tags: ['sources'],
  summary: 'Sync a source now',
  request: { params: sourceParams, query: waitQuery },
  responses: { ...cycleResponses, ...errorResponses(400, 403, 404, 503) },
})

const confirmRoute = createRoute({
  method: 'post',
  path: '/api/sources/{name}/confirm',
  operationId: 'confirmSource',
  tags: ['sources'],
  summary: 'Apply the commit that was held back because it removes so much',
  request: { params: sourceParams, query: waitQuery, body: documentedBody(confirmRequest, true) },
  responses: { ...cycleResponses, ...errorResponses(400, 403, 404, 409, 503) },
})

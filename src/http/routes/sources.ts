/**
 * `/api/sources`: where policies come from and how the last cycle went; sync now, confirm a held commit. A wish for a
 * cycle is a request document; the caller waits for its outcome, or not.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { ResolveActor } from '../../auth/actor.ts'
import type { Enforce } from '../../auth/enforce.ts'
import { EdictError } from '../../errors.ts'
import { conditionReasons, type CycleOutcome, type SourceDocument } from '../../policy/schema.ts'
import type { App, AppEnv } from '../environment.ts'
import { documentedBody, readJson } from '../json-request.ts'
import { errorResponses, findingJson, instant, jsonContent } from '../schemas.ts'
import { sourceAsJson } from '../views.ts'

/** Throws `store_unavailable`. */
export interface SourceStore {
  readonly list: () => Promise<readonly SourceDocument[]>
  readonly get: (name: string) => Promise<SourceDocument | null>
}

/** Wishes for a cycle. Throws `store_unavailable`. */
export interface CycleRequests {
  readonly submit: (request: {
    readonly reason: 'webhook' | 'sync' | 'confirm'
    readonly source: string
    /** With `confirm`. */
    readonly commit: string | null
    readonly actor: string
  }) => Promise<{ readonly id: string }>
  /** null: no outcome in that time. */
  readonly outcome: (id: string, options: { readonly withinMs: number }) => Promise<CycleOutcome | null>
}

export interface SourceRoutesOptions {
  readonly sources: SourceStore
  readonly requests: CycleRequests
  readonly resolveActor: ResolveActor
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
    counts: z.object({ policies: z.number(), modules: z.number(), quarantined: z.number() }),
  })
  .openapi('Source')

const outcomeSchema = z
  .object({
    id: z.string(),
    ok: z.boolean(),
    at: instant,
    revision: z.number().int().nullable(),
    message: z.string(),
    findings: z.array(findingJson),
  })
  .openapi('CycleOutcome')

export const acceptedSchema = z.object({ id: z.string(), message: z.string() }).openapi('Accepted')

export const sourceParams = z.object({
  name: z.string().openapi({ param: { name: 'name', in: 'path' }, example: 'policies-example' }),
})

const waitQuery = z.object({
  wait: z.coerce.number().min(0).max(600).default(60).openapi({ description: 'Seconds to wait for the outcome.' }),
})

const confirmRequest = z.strictObject({ commit: z.string().min(1).max(128) })

const cycleResponses = {
  200: jsonContent('How the cycle ended.', outcomeSchema),
  202: jsonContent('Asked for; not waited for, or not finished in time.', acceptedSchema),
}

export const findSource = async (sources: SourceStore, name: string): Promise<SourceDocument> => {
  const source = await sources.get(name)
  if (source === null) throw new EdictError('source_not_found', `no source ${name}`)
  return source
}

export const sourceRoutes = (app: App, { sources, requests, resolveActor, enforce }: SourceRoutesOptions): void => {
  const run = async (c: Context<AppEnv>, request: Parameters<CycleRequests['submit']>[0], wait: number) => {
    const { id } = await requests.submit(request)
    const outcome = wait === 0 ? null : await requests.outcome(id, { withinMs: wait * 1000 })
    if (outcome === null) return c.json({ id, message: 'a cycle was asked for' }, 202)
    return c.json({ id, ...outcome, at: outcome.at.toISOString() }, 200)
  }

  app.openapi(listRoute, async (c) => c.json({ sources: (await sources.list()).map(sourceAsJson) }, 200))

  app.openapi(getRoute, async (c) => c.json(sourceAsJson(await findSource(sources, c.req.valid('param').name)), 200))

  app.openapi(syncRoute, async (c) => {
    const { name } = c.req.valid('param')
    const actor = resolveActor(c.req.raw.headers)
    await enforce(actor, 'source.sync', name)
    await findSource(sources, name)
    return run(c, { reason: 'sync', source: name, commit: null, actor: actor.name }, c.req.valid('query').wait)
  })

  app.openapi(confirmRoute, async (c) => {
    const { name } = c.req.valid('param')
    const actor = resolveActor(c.req.raw.headers)
    await enforce(actor, 'source.confirm', name)
    const { commit } = await readJson(c, confirmRequest)
    const { held } = await findSource(sources, name)
    if (held === null) throw new EdictError('conflict', `${name} holds no commit back`)
    if (held.commit !== commit) throw new EdictError('conflict', `${name} holds ${held.commit} back, not ${commit}`)
    return run(c, { reason: 'confirm', source: name, commit, actor: actor.name }, c.req.valid('query').wait)
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

/** `POST /api/sources/{name}/release`: a source that was turned back, or whose commit was rejected, is followed again. */
import { createRoute, z } from '@hono/zod-openapi'
import { sourceResource } from '../../auth/actions.ts'
import type { Actor } from '../../auth/actor.ts'
import type { Enforce } from '../../auth/enforce.ts'
import type { App } from '../environment.ts'
import { errorResponses, jsonContent } from '../schemas.ts'
import {
  acceptedSchema,
  type CycleRequests,
  outcomeAsJson,
  outcomeSchema,
  runCycle,
  waitQuery,
} from './cycle-requests.ts'
import { findSource, sourceParams, type SourceStore } from './sources.ts'

/** Throws `store_unavailable`. */
export interface HoldStore {
  /** Throws `conflict` when nothing holds it. */
  readonly release: (source: string, actor: Actor) => Promise<{ readonly sequence: number; readonly hash: string }>
}

export interface ReleaseRoutesOptions {
  readonly sources: SourceStore
  readonly holds: HoldStore
  readonly requests: CycleRequests
  readonly enforce: Enforce
}

const entry = z.object({ sequence: z.number().int(), hash: z.string() })

const route = createRoute({
  method: 'post',
  path: '/api/sources/{name}/release',
  operationId: 'releaseSource',
  tags: ['sources'],
  summary: 'Follow a held source again, and sync it now',
  request: { params: sourceParams, query: waitQuery },
  responses: {
    200: jsonContent('It is released; how its cycle ended.', outcomeSchema.extend(entry.shape)),
    202: jsonContent('It is released; its cycle has not ended yet.', acceptedSchema.extend(entry.shape)),
    ...errorResponses(400, 403, 404, 409, 503),
  },
})

export const releaseRoutes = (app: App, options: ReleaseRoutesOptions): void => {
  const { sources, holds, requests, enforce } = options
  app.openapi(route, async (c) => {
    const { name } = c.req.valid('param')
    const actor = await enforce(c.get('actor'), 'source', sourceResource(name))
    await findSource(sources, name)
    const released = await holds.release(name, actor)
    const request = { reason: 'sync', source: name, commit: null, actor } as const
    const ran = await runCycle(requests, request, c.req.valid('query').wait)
    if (!('outcome' in ran)) return c.json({ ...ran, ...released }, 202)
    return c.json({ ...outcomeAsJson(ran.id, ran.outcome), ...released }, 200)
  })
}

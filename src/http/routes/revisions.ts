/** `/api/revisions`: what was in force when, and going back to it. */
import { createRoute, z } from '@hono/zod-openapi'
import { anything } from '../../auth/actions.ts'
import type { Enforce } from '../../auth/enforce.ts'
import type { PolicyMeta, RevisionDocument } from '../../policy/schema.ts'
import type { App } from '../environment.ts'
import { documentedBody, readJson } from '../json-request.ts'
import { errorResponses, instant, jsonContent } from '../schemas.ts'
import { revisionAsJson } from '../views.ts'
import { type CycleRequests, cycleResponses, outcomeAsJson, runCycle, waitQuery } from './cycle-requests.ts'

/** Throws `store_unavailable`. */
export interface RevisionStore {
  readonly list: (query: {
    readonly before?: number | undefined
    readonly policy?: string | undefined
    readonly limit: number
  }) => Promise<readonly RevisionDocument[]>
  /** Where these revisions had a policy from. */
  readonly originsOf: (policy: string, revisions: readonly number[]) => Promise<ReadonlyMap<number, Origin>>
  /** Throws `revision_gone`, `not_found`. */
  readonly get: (revision: number) => Promise<RevisionDocument>
}

type Origin = Pick<PolicyMeta, 'repository' | 'commit' | 'author'>

export interface RevisionRoutesOptions {
  readonly revisions: RevisionStore
  readonly requests: CycleRequests
  readonly enforce: Enforce
}

const revisionSchema = z
  .object({
    revision: z.number().int(),
    at: instant,
    plan: z.string().openapi({ description: 'The plan that made it.' }),
    sources: z.array(z.object({ name: z.string(), commit: z.string(), revision: z.string() })),
    created: z.array(z.string()),
    replaced: z.array(z.string()),
    removed: z.array(z.string()),
    modules: z
      .object({ created: z.array(z.string()), replaced: z.array(z.string()), removed: z.array(z.string()) })
      .openapi({ description: 'Shared modules and data, as `source:path`.' }),
    policies: z.number().int().openapi({ description: 'How many there were in all.' }),
    change: z
      .object({
        kind: z.enum(['created', 'replaced', 'removed']),
        repository: z.string().nullable(),
        commit: z.string().nullable(),
        author: z.string().nullable(),
      })
      .optional()
      .openapi({ description: 'With `policy`: what it did to that policy, and where it came from.' }),
  })
  .openapi('Revision')

const query = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  policy: z
    .string()
    .regex(/^[^/]+\/[^/]+\/[^/]+$/)
    .optional()
    .openapi({ description: 'Only those that created, replaced or removed it.', example: 'gaiax/example/1.0' }),
  before: z.coerce.number().int().optional().openapi({ description: 'The `next` of the page before.' }),
})

const params = z.object({
  revision: z.coerce
    .number()
    .int()
    .min(1)
    .openapi({ param: { name: 'revision', in: 'path' }, example: 7 }),
})

const rollbackRequest = z.strictObject({
  reason: z.string().max(500).nullish().openapi({ description: 'Why, for people.' }),
})

export const revisionRoutes = (app: App, { revisions, requests, enforce }: RevisionRoutesOptions): void => {
  app.openapi(listRoute, async (c) => {
    const { limit, before, policy } = c.req.valid('query')
    const found = await revisions.list({ before, policy, limit: limit + 1 })
    const page = found.slice(0, limit)
    const next = found.length > limit ? (page.at(-1)?._id ?? null) : null
    const shown = policy === undefined ? page.map(revisionAsJson) : await historyOf(policy, page, revisions)
    return c.json({ revisions: shown, next }, 200)
  })

  app.openapi(getRoute, async (c) => c.json(revisionAsJson(await revisions.get(c.req.valid('param').revision)), 200))

  app.openapi(rollbackRoute, async (c) => {
    const { revision } = c.req.valid('param')
    const actor = await enforce(c.get('actor'), 'rollback', anything)
    const { reason: note = null } = await readJson(c, rollbackRequest)
    await revisions.get(revision)
    const request = { reason: 'rollback', source: null, commit: null, revision, note, actor } as const
    const ran = await runCycle(requests, request, c.req.valid('query').wait)
    return 'outcome' in ran ? c.json(outcomeAsJson(ran.id, ran.outcome), 200) : c.json(ran, 202)
  })
}

async function historyOf(
  policy: string,
  page: readonly RevisionDocument[],
  { originsOf }: Pick<RevisionStore, 'originsOf'>,
) {
  const origins = await originsOf(
    policy,
    page.map(({ _id }) => _id),
  )
  return page.map((revision) => {
    const { repository = null, commit = null, author = null } = origins.get(revision._id) ?? {}
    return { ...revisionAsJson(revision), change: { kind: kindOf(revision, policy), repository, commit, author } }
  })
}

const kindOf = ({ created, removed }: RevisionDocument, policy: string) =>
  removed.includes(policy) ? 'removed' : created.includes(policy) ? 'created' : 'replaced'

const listRoute = createRoute({
  method: 'get',
  path: '/api/revisions',
  operationId: 'listRevisions',
  tags: ['revisions'],
  summary: 'List the revisions that are kept, the newest first',
  request: { query },
  responses: {
    200: jsonContent('One page.', z.object({ revisions: z.array(revisionSchema), next: z.number().int().nullable() })),
    ...errorResponses(400, 503),
  },
})

const getRoute = createRoute({
  method: 'get',
  path: '/api/revisions/{revision}',
  operationId: 'getRevision',
  tags: ['revisions'],
  summary: 'Show a revision',
  request: { params },
  responses: { 200: jsonContent('The revision.', revisionSchema), ...errorResponses(400, 404, 410, 503) },
})

const rollbackRoute = createRoute({
  method: 'post',
  path: '/api/revisions/{revision}/rollback',
  operationId: 'rollBack',
  tags: ['revisions'],
  summary: 'Go back to a revision, as a new one; the sources that it turns back are held until they are released',
  request: { params, query: waitQuery, body: documentedBody(rollbackRequest) },
  responses: { ...cycleResponses, ...errorResponses(400, 403, 404, 409, 410, 503) },
})

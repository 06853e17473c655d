/** `GET /api/catalog`: the policies in force, filtered, page by page. Answered from the registry, without the store. */
import { createRoute, z } from '@hono/zod-openapi'
import { EdictError } from '../../errors.ts'
import { compareNames } from '../../registry/compare-names.ts'
import type { PolicyMeta } from '../../policy/schema.ts'
import type { Registry } from '../../registry/registry.ts'
import type { App } from '../environment.ts'
import { errorResponses, instant, jsonContent } from '../schemas.ts'

const query = z.object({
  group: z.string().optional(),
  name: z.string().optional(),
  repository: z.string().optional(),
  locked: z.enum(['true', 'false']).optional(),
  phase: z.enum(['Ready', 'Quarantined']).optional(),
  q: z.string().optional().openapi({ description: 'Text within `repository/group/name/version`, in any case.' }),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().optional().openapi({ description: 'The `next` of the page before.' }),
})
type Query = z.output<typeof query>

const itemSchema = z
  .object({
    repository: z.string(),
    group: z.string(),
    name: z.string(),
    version: z.string(),
    digest: z.string(),
    commit: z.string(),
    author: z.string().nullable(),
    revision: z.number().int(),
    updated: instant,
    phase: z.enum(['Ready', 'Quarantined']),
    locked: z.boolean(),
    evaluation: z.string().openapi({ description: 'The path to evaluate it.' }),
  })
  .openapi('CatalogItem')

const route = createRoute({
  method: 'get',
  path: '/api/catalog',
  operationId: 'listCatalog',
  tags: ['policies'],
  summary: 'List policies',
  request: { query },
  responses: {
    200: jsonContent(
      'One page, ordered by group, name and version.',
      z.object({
        policies: z.array(itemSchema),
        total: z.number().int().openapi({ description: 'How many match, on all pages.' }),
        next: z.string().nullable(),
        revision: z.number().int(),
      }),
    ),
    ...errorResponses(400),
  },
})

export const catalogRoutes = (
  app: App,
  { registry }: { registry: Pick<Registry, 'list' | 'lock' | 'state'> },
): void => {
  app.openapi(route, (c) => {
    const asked = c.req.valid('query')
    const matching = registry.list().filter((meta) => matches(meta, asked, registry))
    const start = asked.cursor === undefined ? 0 : startAfter(matching, asked.cursor)
    const page = matching.slice(start, start + asked.limit)
    const last = page.at(-1)
    return c.json(
      {
        policies: page.map((meta) => item(meta, registry.lock(meta._id) !== undefined)),
        total: matching.length,
        next: last !== undefined && start + page.length < matching.length ? cursorOf(last) : null,
        revision: registry.state.revision,
      },
      200,
    )
  })
}

const matches = (meta: PolicyMeta, asked: Query, registry: Pick<Registry, 'lock'>): boolean =>
  (asked.group === undefined || meta.group === asked.group) &&
  (asked.name === undefined || meta.name === asked.name) &&
  (asked.repository === undefined || meta.repository === asked.repository) &&
  (asked.phase === undefined || meta.status.phase === asked.phase) &&
  (asked.locked === undefined || (registry.lock(meta._id) !== undefined) === (asked.locked === 'true')) &&
  (asked.q === undefined || `${meta.repository}/${meta._id}`.toLowerCase().includes(asked.q.toLowerCase()))

const item = (meta: PolicyMeta, locked: boolean) => {
  const { repository, group, name, version, digest, commit, author, revision } = meta
  return {
    repository,
    group,
    name,
    version,
    digest,
    commit,
    author,
    revision,
    locked,
    updated: meta.updated.toISOString(),
    phase: meta.status.phase,
    evaluation: `/policy/${group}/${name}/${version}/evaluation`,
  }
}

/** The key of the last policy shown: stable while policies come and go before it. */
const cursorOf = ({ _id }: PolicyMeta): string => Buffer.from(_id).toString('base64url')

const startAfter = (matching: readonly PolicyMeta[], cursor: string): number => {
  const key = Buffer.from(cursor, 'base64url').toString()
  const [group, name, version, ...rest] = key.split('/')
  if (group === undefined || name === undefined || version === undefined || rest.length > 0) {
    throw new EdictError('invalid_request', 'the cursor is not one of ours')
  }
  const after = matching.findIndex((meta) => compareNames(meta, { group, name, version }) > 0)
  return after === -1 ? matching.length : after
}

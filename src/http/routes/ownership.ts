/** `GET /api/ownership`: which source owns a policy, a shared module, a data path or a package; or all that is owned, by page. */
import { createRoute, z } from '@hono/zod-openapi'
import { EdictError } from '../../errors.ts'
import { ownersOf, type OwnershipIndex } from '../../policy/ownership.ts'
import type { App } from '../environment.ts'
import { errorResponses, jsonContent } from '../schemas.ts'

/** Throws `store_unavailable`. */
export type ReadOwnership = () => Promise<OwnershipIndex>

const ownerSchema = z
  .object({
    source: z.string().openapi({ description: '`edict` for what Edict ships.' }),
    commit: z.string(),
    file: z.string(),
    generated: z.boolean().openapi({ description: 'Rules own it; it has no file of its own.' }),
  })
  .openapi('Owner')

const ownedSchema = z.object({ key: z.string(), owners: z.array(ownerSchema) }).openapi('Owned')

const query = z.object({
  key: z.string().optional().openapi({
    description: '`policy:gaiax/x/1.0`, `module:rbac/core`, `data:roles` or `package:rbac`: only this one.',
    example: 'module:rbac/core',
  }),
  source: z.string().optional().openapi({ description: 'Only what this source owns.' }),
  kind: z.enum(['policy', 'module', 'data', 'package']).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().optional().openapi({ description: 'The `next` of the page before.' }),
})

const route = createRoute({
  method: 'get',
  path: '/api/ownership',
  operationId: 'listOwnership',
  tags: ['sources'],
  summary: 'Say who owns what',
  request: { query },
  responses: {
    200: jsonContent(
      'With `key` that one; without it a page, ordered by key.',
      z.object({
        owned: z.array(ownedSchema),
        total: z.number().int().openapi({ description: 'How many match, on all pages.' }),
        next: z.string().nullable(),
      }),
    ),
    ...errorResponses(400, 404, 503),
  },
})

export const ownershipRoutes = (app: App, { ownership }: { ownership: ReadOwnership }): void => {
  app.openapi(route, async (c) => {
    const { key, source, kind, limit, cursor } = c.req.valid('query')
    const index = await ownership()
    if (key !== undefined) {
      const owners = ownersOf(index, key)
      if (owners === undefined) throw new EdictError('not_found', `nobody owns ${key}`)
      return c.json({ owned: [{ key, owners: [...owners] }], total: 1, next: null }, 200)
    }
    const matching = [...index].filter(
      ([one, owners]) =>
        (kind === undefined || one.startsWith(`${kind}:`)) &&
        (source === undefined || owners.some((owner) => owner.source === source)),
    )
    const after = cursor === undefined ? '' : Buffer.from(cursor, 'base64url').toString()
    const rest = matching.filter(([one]) => one > after)
    const page = rest.slice(0, limit)
    const last = page.at(-1)
    return c.json(
      {
        owned: page.map(([one, owners]) => ({ key: one, owners: [...owners] })),
        total: matching.length,
        next: last !== undefined && rest.length > limit ? Buffer.from(last[0]).toString('base64url') : null,
      },
      200,
    )
  })
}

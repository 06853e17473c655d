/** `GET /api/whoami`: whom the server takes the caller for, and what it would let them do: for who shows buttons. */
import { createRoute, z } from '@hono/zod-openapi'
import { anything, policyResource, scopedActions, targetActions, type Action } from '../../auth/actions.ts'
import type { Actor } from '../../auth/actor.ts'
import type { Enforce } from '../../auth/enforce.ts'
import type { AuthMode } from '../../auth/mode.ts'
import { EdictError } from '../../errors.ts'
import type { App } from '../environment.ts'
import { errorResponses, jsonContent } from '../schemas.ts'

const actions: readonly Action[] = [...scopedActions, ...targetActions, 'admin']

const actorSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['local', 'token', 'oidc', 'bootstrap', 'system', 'webhook', 'cli', 'break-glass']),
    roles: z.array(z.string()),
    groups: z.array(z.string()),
    mode: z.enum(['open', 'required']).openapi({ description: 'Whether this server asks for credentials.' }),
    may: z.array(z.enum(['admin', ...scopedActions, ...targetActions])).openapi({
      description: 'What a rule allows at all; with `policy`, what it allows on that policy.',
    }),
  })
  .openapi('WhoAmI')

const query = z.object({
  policy: z
    .string()
    .regex(/^[^/]+\/[^/]+\/[^/]+$/)
    .optional()
    .openapi({ description: 'group/name/version', example: 'gaiax/example/1.0' }),
})

const route = createRoute({
  method: 'get',
  path: '/api/whoami',
  operationId: 'whoAmI',
  tags: ['identity'],
  summary: 'Say whom the server takes the caller for, and what they may do',
  request: { query },
  responses: { 200: jsonContent('The actor.', actorSchema), ...errorResponses(400, 401, 429, 503) },
})

export interface WhoamiRoutesOptions {
  readonly mode: () => AuthMode
  readonly enforce: Enforce
}

export const whoamiRoutes = (app: App, { mode, enforce }: WhoamiRoutesOptions): void => {
  const allowed = async (actor: Actor, policy: string | undefined): Promise<Action[]> => {
    const resource = policy === undefined ? anything : policyResource(policy)
    const asked = await Promise.allSettled(actions.map((action) => enforce(actor, action, resource)))
    return actions.filter((_, at) => asked[at]?.status === 'fulfilled')
  }
  app.openapi(route, async (c) => {
    const actor = c.get('actor')
    if (actor === null) throw new EdictError('unauthenticated', 'no credential was sent: Authorization: Bearer …')
    const { id, kind, roles, groups } = actor
    const shown = mode() === 'open' ? ('open' as const) : ('required' as const)
    const may = await allowed(actor, c.req.valid('query').policy)
    return c.json({ id, kind, roles: [...roles], groups: [...groups], mode: shown, may }, 200)
  })
}

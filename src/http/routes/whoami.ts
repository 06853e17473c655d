/** `GET /api/whoami`: whom the server takes the caller for. */
import { createRoute, z } from '@hono/zod-openapi'
import type { AuthMode } from '../../auth/mode.ts'
import { EdictError } from '../../errors.ts'
import type { App } from '../environment.ts'
import { errorResponses, jsonContent } from '../schemas.ts'

const actorSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['local', 'token', 'oidc', 'bootstrap', 'system', 'webhook', 'cli', 'break-glass']),
    roles: z.array(z.string()),
    groups: z.array(z.string()),
    mode: z.enum(['open', 'required']).openapi({ description: 'Whether this server asks for credentials.' }),
  })
  .openapi('WhoAmI')

const route = createRoute({
  method: 'get',
  path: '/api/whoami',
  operationId: 'whoAmI',
  tags: ['identity'],
  summary: 'Say whom the server takes the caller for',
  responses: { 200: jsonContent('The actor.', actorSchema), ...errorResponses(401, 429, 503) },
})

export const whoamiRoutes = (app: App, { mode }: { readonly mode: () => AuthMode }): void => {
  app.openapi(route, (c) => {
    const actor = c.get('actor')
    if (actor === null) throw new EdictError('unauthenticated', 'no credential was sent: Authorization: Bearer …')
    const { id, kind, roles, groups } = actor
    const shown = mode() === 'open' ? ('open' as const) : ('required' as const)
    return c.json({ id, kind, roles: [...roles], groups: [...groups], mode: shown }, 200)
  })
}

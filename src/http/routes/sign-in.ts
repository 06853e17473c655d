/**
 * `GET /api/sign-in`: how a browser may sign its user in at the identity provider. Nothing in it is secret: the client is a
 * public one, and what it gets is judged as every other token is.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { App } from '../environment.ts'
import { errorResponses, jsonContent } from '../schemas.ts'

const oidcSchema = z.object({
  issuer: z.string(),
  clientId: z.string(),
  scopes: z.array(z.string()),
  parameters: z.record(z.string(), z.string()).openapi({ description: 'Sent along with the request.' }),
  audience: z.string().openapi({ description: 'For whom the token must be, to be taken.' }),
})

export type SignInWithOidc = Readonly<z.output<typeof oidcSchema>>

const route = createRoute({
  method: 'get',
  path: '/api/sign-in',
  operationId: 'signIn',
  tags: ['identity'],
  summary: 'Say how a browser may sign its user in',
  responses: {
    200: jsonContent(
      '`oidc`: the provider, for the code flow with PKCE; null: there is none for browsers.',
      z.object({ oidc: oidcSchema.nullable() }).openapi('SignIn'),
    ),
    ...errorResponses(503),
  },
})

export interface SignInRoutesOptions {
  readonly oidc: SignInWithOidc | null
}

export const signInRoutes = (app: App, { oidc }: SignInRoutesOptions): void => {
  app.openapi(route, (c) => c.json({ oidc }, 200))
}

/**
 * `/api/tokens`: who may come in. A token is shown in the answer that makes it and never again. The answer to a revocation
 * says which replicas know of it, as with locks.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { anything, everything } from '../../auth/actions.ts'
import type { Enforce } from '../../auth/enforce.ts'
import { hasExpired } from '../../auth/resolve.ts'
import { mintToken } from '../../auth/token.ts'
import { expiryOf, tokenRequest } from '../../auth/token-request.ts'
import { EdictError } from '../../errors.ts'
import { markText } from '../../store/audit-chain.ts'
import type { ListedToken, Tokens } from '../../store/tokens.ts'
import { auditHeader, clientAddress } from '../client.ts'
import type { App, AppEnv } from '../environment.ts'
import { documentedBody, readJson } from '../json-request.ts'
import { errorResponses, instant, jsonContent } from '../schemas.ts'
import type { Confirmation } from './lock.ts'

export interface TokenStore extends Pick<Tokens, 'create' | 'revoke' | 'list'> {
  readonly confirmed: (sequence: number) => Promise<Confirmation>
}

const tokenSchema = z
  .object({
    id: z.string(),
    actor: z.string(),
    roles: z.array(z.string()),
    groups: z.array(z.string()),
    created: instant,
    createdBy: z.string(),
    expires: instant.nullable(),
    revoked: instant.nullable(),
    lastUsed: instant.nullable().openapi({ description: 'To the minute.' }),
    state: z.enum(['active', 'expired', 'revoked']),
  })
  .openapi('Token')

const knownBy = { confirmed: z.array(z.string()), silent: z.array(z.string()), pending: z.array(z.string()) }

const listRoute = createRoute({
  method: 'get',
  path: '/api/tokens',
  operationId: 'listTokens',
  tags: ['identity'],
  summary: 'List tokens, without their secrets',
  responses: {
    200: jsonContent('All, the newest first.', z.object({ tokens: z.array(tokenSchema) })),
    ...errorResponses(401, 403, 503),
  },
})

const createTokenRoute = createRoute({
  method: 'post',
  path: '/api/tokens',
  operationId: 'createToken',
  tags: ['identity'],
  summary: 'Make a token; the first one makes the server ask for credentials for good',
  request: { body: documentedBody(tokenRequest, true) },
  responses: {
    201: jsonContent(
      'The token, this once.',
      z.object({ token: z.string(), ...tokenSchema.shape }).openapi('CreatedToken'),
    ),
    ...errorResponses(400, 401, 403, 429, 503),
  },
})

const revokeRoute = createRoute({
  method: 'delete',
  path: '/api/tokens/{id}',
  operationId: 'revokeToken',
  tags: ['identity'],
  summary: 'Revoke a token: no live replica takes it after the answer',
  request: { params: z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' } }) }) },
  responses: {
    200: jsonContent(
      'It is revoked. `pending`: live replicas that have not confirmed in time.',
      z.object({ ...tokenSchema.shape, ...knownBy }).openapi('RevokedToken'),
    ),
    ...errorResponses(401, 403, 404, 429, 503),
  },
})

export interface TokenRoutesOptions {
  readonly tokens: TokenStore
  readonly enforce: Enforce
  readonly now?: () => number
}

export const tokenRoutes = (app: App, { tokens, enforce, now = Date.now }: TokenRoutesOptions): void => {
  const marked = (
    c: Context<AppEnv>,
    mark: { readonly sequence: number; readonly hash: string },
  ): Promise<Confirmation> => {
    c.header(auditHeader, markText(mark))
    return tokens.confirmed(mark.sequence)
  }

  app.openapi(listRoute, async (c) => {
    await enforce(c.get('actor'), 'token', everything('token'))
    return c.json({ tokens: (await tokens.list()).map((token) => shown(token, now())) }, 200)
  })

  app.openapi(createTokenRoute, async (c) => {
    const actor = await enforce(c.get('actor'), 'token', anything)
    const { expires: written, ...wanted } = await readJson(c, tokenRequest)
    const expires = expiryOf(written, now())
    if (expires === undefined) throw unreadable()
    const { id, hash, token } = mintToken()
    const new_ = { _id: id, hash, ...wanted, expires, by: actor, from: clientAddress(c) }
    const made = await tokens.create(new_)
    await marked(c, made)
    return c.json({ token, ...shown({ ...made.token, lastUsed: null }, now()) }, 201)
  })

  app.openapi(revokeRoute, async (c) => {
    const { id } = c.req.valid('param')
    const actor = await enforce(c.get('actor'), 'token', anything)
    const revoked = await tokens.revoke(id, { by: actor, from: clientAddress(c) })
    const { confirmed, silent, pending } = await marked(c, revoked)
    const known = { confirmed: [...confirmed], silent: [...silent], pending: [...pending] }
    return c.json({ ...shown({ ...revoked.token, lastUsed: null }, now()), ...known }, 200)
  })
}

const unreadable = (): EdictError =>
  new EdictError('invalid_request', 'the body is not valid', {
    errors: [{ code: 'expires', message: 'expires: is neither a span such as 90d, an instant to come, nor never' }],
  })

const shown = (token: ListedToken, now: number) => ({
  id: token._id,
  actor: token.actor,
  roles: [...token.roles],
  groups: [...token.groups],
  created: token.created.toISOString(),
  createdBy: token.createdBy,
  expires: token.expires?.toISOString() ?? null,
  revoked: token.revoked?.toISOString() ?? null,
  lastUsed: token.lastUsed?.toISOString() ?? null,
  state: stateOf(token, now),
})

const stateOf = (token: ListedToken, now: number): 'active' | 'expired' | 'revoked' =>
  token.revoked !== null ? 'revoked' : hasExpired(token, now) ? 'expired' : 'active'

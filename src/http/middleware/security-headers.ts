/** Answers are data: nothing in them runs, is framed, or is guessed at. A route that serves a page brings its own policy. */
import { createMiddleware } from 'hono/factory'
import type { AppEnv } from '../environment.ts'

export const securityHeaders = createMiddleware<AppEnv>(async (c, next) => {
  await next()
  const { headers } = c.res
  headers.set('x-content-type-options', 'nosniff')
  headers.set('referrer-policy', 'no-referrer')
  headers.set('cross-origin-resource-policy', 'same-origin')
  if (!headers.has('content-security-policy')) {
    headers.set('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
  }
  if (c.res.status === 401) headers.set('www-authenticate', challenge(c.req.raw.headers.has('authorization')))
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
})

/** RFC 6750, section 3: who brought no credential is told of no error in it. */
const challenge = (tried: boolean): string =>
  tried ? 'Bearer realm="edict", error="invalid_token"' : 'Bearer realm="edict"'

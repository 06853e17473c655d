/**
 * Resolves the actor of each request that is about more than an evaluation, from its bearer token, and leaves it for the
 * routes as `actor`. Whether that actor may, `enforce` says.
 */
import { createMiddleware } from 'hono/factory'
import type { ResolveActor } from '../../auth/actor.ts'
import type { AppEnv } from '../environment.ts'
import { takesNoCredential } from '../open-doors.ts'

export const identify = (resolveActor: ResolveActor) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const address = c.env?.incoming?.socket.remoteAddress ?? ''
    const who = () => resolveActor({ authorization: c.req.header('authorization'), address })
    c.set('identify', who)
    c.set('actor', takesNoCredential(c.req.path) ? null : await who())
    await next()
  })

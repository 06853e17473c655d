/**
 * Resolves the actor of each request that is about more than an evaluation, from its bearer token, and leaves it for the
 * routes as `actor`. Whether that actor may, `enforce` says; here already nobody changes anything without a credential,
 * nobody too often, and the bootstrap secret makes a token and nothing else.
 */
import { createMiddleware } from 'hono/factory'
import type { ResolveActor } from '../../auth/actor.ts'
import type { AuthMode } from '../../auth/mode.ts'
import type { RateLimit } from '../../auth/rate-limit.ts'
import { EdictError } from '../../errors.ts'
import { addressKey, type AddressOf } from '../client.ts'
import type { AppEnv } from '../environment.ts'
import { takesNoCredential } from '../open-doors.ts'

export interface Identity {
  readonly mode: () => AuthMode
  readonly resolveActor: ResolveActor
  readonly addressOf: AddressOf
  /** By actor and by address. */
  readonly mutations: RateLimit
  /** Credentials that were not good, by address. */
  readonly failures: RateLimit
}

const reading = new Set(['GET', 'HEAD', 'OPTIONS'])

export const identify = ({ mode, resolveActor, addressOf, mutations }: Identity) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const address = addressOf(c.env?.incoming?.socket.remoteAddress, c.req.header('x-forwarded-for'))
    c.set('address', address)
    const who = () => resolveActor({ authorization: c.req.header('authorization'), address: addressKey(address) })
    c.set('identify', who)
    if (takesNoCredential(c.req.path)) {
      c.set('actor', null)
      return next()
    }
    const actor = await who()
    c.set('actor', actor)
    if (actor?.kind === 'bootstrap' && !(c.req.method === 'POST' && c.req.path === '/api/tokens'))
      throw new EdictError('forbidden', 'the bootstrap secret is good for POST /api/tokens only')
    if (mode() === 'required' && !reading.has(c.req.method)) {
      mutations.take(`address ${addressKey(address)}`)
      if (actor === null) throw new EdictError('unauthenticated', 'this needs a credential: Authorization: Bearer …')
      mutations.take(`actor ${actor.id}`)
    }
    return next()
  })

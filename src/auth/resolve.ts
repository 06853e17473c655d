/**
 * From the bearer token to the actor: a token of Edict's own, one that the identity provider signed, or the bootstrap
 * secret while there is no token. In open mode the header is not looked at: it is left to the policies.
 */
import { EdictError } from '../errors.ts'
import type { TokenDocument } from '../policy/schema.ts'
import { localActor, type Actor, type ResolveActor } from './actor.ts'
import type { KnownTokens } from './mode.ts'
import type { RateLimit } from './rate-limit.ts'
import { isSameSecret, isSecretOf, parseToken } from './token.ts'

export interface ResolveOptions {
  readonly known: Pick<KnownTokens, 'mode' | 'isLoaded' | 'isFirst' | 'find'>
  readonly bootstrap: { readonly reveal: () => string } | null
  /** null: no identity provider is configured. Rejects with `unauthenticated`, `identity_unavailable`. */
  readonly verifyJwt: ((jwt: string) => Promise<Actor>) | null
  /** Of credentials that were not good. */
  readonly failures: RateLimit
  /** A token was used. */
  readonly onUse: (id: string) => void
  readonly now?: () => number
}

const bootstrapActor: Actor = { id: 'bootstrap', kind: 'bootstrap', roles: ['superuser'], groups: [] }

export const createResolveActor = (options: ResolveOptions): ResolveActor => {
  const { known, bootstrap, verifyJwt, failures, onUse, now = Date.now } = options

  const ofToken = (id: string, secret: string): Actor => {
    if (!known.isLoaded()) throw notYet()
    const token = known.find(id)
    if (!isSecretOf(secret, token?.hash) || token === undefined) throw bad('the token is not known')
    if (token.revoked !== null) throw bad('the token was revoked')
    if (hasExpired(token, now())) throw bad('the token has expired')
    onUse(id)
    return { id: token.actor, kind: 'token', roles: token.roles, groups: token.groups }
  }

  const actorOf = async (bearer: string): Promise<Actor> => {
    const own = parseToken(bearer)
    if (own !== undefined) return ofToken(own.id, own.secret)
    if (bootstrap !== null && isSameSecret(bearer, bootstrap.reveal())) {
      if (known.isFirst()) return bootstrapActor
      throw bad('the bootstrap secret is good for the first token only')
    }
    if (verifyJwt !== null && isJwt.test(bearer)) return verifyJwt(bearer)
    throw bad('the credential is not one that this server knows')
  }

  /** The one who tries, and what is tried: a good credential is not refused because others guess at it. */
  const count = (authorization: string, address: string): void => {
    failures.take(address)
    const tried = /edict_([0-9A-Za-z]{12})_/.exec(authorization)?.[1]
    if (tried !== undefined && known.find(tried) !== undefined) failures.take(`token ${tried}`)
  }

  return async ({ authorization, address }) => {
    const mode = known.mode()
    if (mode === 'open') return localActor
    if (authorization === undefined) return null
    if (mode === 'unknown') throw notYet()
    failures.check(address)
    try {
      const bearer = /^bearer +(\S+)$/i.exec(authorization)?.[1]
      if (bearer === undefined) throw bad('the Authorization header holds no bearer token')
      return await actorOf(bearer)
    } catch (error) {
      if (error instanceof EdictError && error.code === 'unauthenticated') count(authorization, address)
      throw error
    }
  }
}

const isJwt = /^[\w-]+\.[\w-]+\.[\w-]*$/

export const hasExpired = ({ expires }: Pick<TokenDocument, 'expires'>, now: number): boolean =>
  expires !== null && expires.getTime() <= now

const notYet = (): EdictError =>
  new EdictError('store_unavailable', 'no token is known yet: the store has not answered')

const bad = (message: string): EdictError => new EdictError('unauthenticated', message)

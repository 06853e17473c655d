/**
 * Tokens that an OpenID provider signed: issuer, audience, signature, algorithm and times are checked before anything is
 * made of what they claim. Of the claims, one names the actor and two its roles and groups.
 */
import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose'
import { EdictError } from '../errors.ts'
import { isReserved, type Actor } from './actor.ts'
import type { OidcKeys } from './oidc-keys.ts'

export interface OidcOptions {
  readonly issuer: string
  readonly audience: string
  readonly algorithms: readonly string[]
  readonly clockSkewMs: number
  /** Dotted paths. */
  readonly claims: { readonly actor: string; readonly roles: string; readonly groups: string }
  readonly prefix: string
  readonly keys: OidcKeys
}

/** Rejects with `unauthenticated`, or with `identity_unavailable` when it cannot be judged. */
export const createJwtVerifier = (options: OidcOptions): ((jwt: string) => Promise<Actor>) => {
  const { issuer, audience, algorithms, clockSkewMs, keys } = options
  const checks = {
    issuer,
    audience,
    algorithms: [...algorithms],
    clockTolerance: clockSkewMs / 1000,
    requiredClaims: ['exp'],
  }
  const verify = async (jwt: string, found: JWTVerifyGetKey) => (await jwtVerify(jwt, found, checks)).payload

  const verified = async (jwt: string): Promise<JWTPayload> => {
    try {
      return await verify(jwt, await keys.current())
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      const newer = await keys.newer()
      if (newer === undefined) throw error
      return verify(jwt, newer)
    }
  }

  return async (jwt) => {
    try {
      return actorOf(await verified(jwt), options)
    } catch (error) {
      throw error instanceof EdictError ? error : new EdictError('unauthenticated', reason(error), { cause: error })
    }
  }
}

const reason = (error: unknown): string => {
  if (error instanceof errors.JWTExpired) return 'the token has expired'
  if (error instanceof errors.JWTClaimValidationFailed) return `the token’s claim ${error.claim} is not right`
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the token is signed in a way that is not taken'
  if (error instanceof errors.JWKSNoMatchingKey) return 'the token is signed with a key that the provider does not have'
  return 'the token is not valid'
}

const actorOf = (payload: JWTPayload, { claims, prefix }: OidcOptions): Actor => {
  const name = claimAt(payload, claims.actor)
  if (typeof name !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(name))
    throw new EdictError('unauthenticated', `the token’s claim ${claims.actor} names nobody`)
  const id = `${prefix}${name}`
  if (isReserved(id)) throw new EdictError('unauthenticated', `${id} is a name that Edict uses itself`)
  return {
    id,
    kind: 'oidc',
    roles: names(claimAt(payload, claims.roles)),
    groups: names(claimAt(payload, claims.groups)),
    ...emailsOf(payload),
  }
}

/** One that the provider says it has not checked is nobody's. */
const emailsOf = ({ email, email_verified: isVerified }: JWTPayload): Pick<Actor, 'emails'> =>
  typeof email === 'string' && email !== '' && isVerified !== false && isVerified !== 'false' ? { emails: [email] } : {}

/** A claim by its whole name (`https://example.org/roles`), else along its dots. */
const claimAt = (payload: JWTPayload, path: string): unknown =>
  Object.hasOwn(payload, path)
    ? payload[path]
    : path.split('.').reduce<unknown>((node, part) => {
        return typeof node === 'object' && node !== null && Object.hasOwn(node, part)
          ? Reflect.get(node, part)
          : undefined
      }, payload)

/** A list, or words with spaces between as in `scope`. */
const names = (claim: unknown): readonly string[] => {
  const all: readonly unknown[] = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  return all.filter((name): name is string => typeof name === 'string' && name !== '')
}

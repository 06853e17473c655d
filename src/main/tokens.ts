/**
 * `edict token`, on the store itself. The first token may be made by whoever reaches the store; after that it takes an
 * actor that may, who is believed on this command line (`--as`) and has the roles of the tokens that stand for it.
 */
import type { Actor } from '../auth/actor.ts'
import { createEnforce, type Action } from '../auth/enforce.ts'
import { hasExpired } from '../auth/resolve.ts'
import { mintToken } from '../auth/token.ts'
import { expiryOf, tokenRequest } from '../auth/token-request.ts'
import { EdictError } from '../errors.ts'
import { createLog } from '../log.ts'
import type { Confirmation } from '../store/replicas.ts'
import type { Store } from '../store/store.ts'
import type { ListedToken, TokenChange } from '../store/tokens.ts'
import { openDeployment, type RunOptions } from './deployment.ts'

export interface TokenOptions extends RunOptions {
  /** Who acts, as the caller says; null: nobody said. */
  readonly as: string | null
}

const from = 'command line'

const withStore = async <T>(options: TokenOptions, work: (store: Store) => Promise<T>): Promise<T> => {
  const { store, close } = await openDeployment(options, createLog(options.config))
  try {
    return await work(store)
  } finally {
    await close()
  }
}

/** Rejects with `unauthenticated`, `forbidden`. null: there is no token yet, and nobody to ask. */
const actorFor = async (store: Store, { as }: TokenOptions, action: Action): Promise<Actor | null> => {
  if ((await store.tokens.required()) === null) return null
  if (as === null) throw new EdictError('unauthenticated', 'this store asks who acts: say --as ACTOR, or set cli.actor')
  const actor = actorNamed(await store.tokens.list(), as)
  return createEnforce({ mode: () => 'required' })(actor, action, '*')
}

const actorNamed = (tokens: readonly ListedToken[], id: string): Actor => {
  const now = Date.now()
  const own = tokens.filter((token) => token.actor === id && token.revoked === null && !hasExpired(token, now))
  const all = (field: 'roles' | 'groups') => [...new Set(own.flatMap((token) => token[field]))]
  return { id, kind: 'cli', roles: all('roles'), groups: all('groups') }
}

export interface WantedToken {
  readonly actor: string
  readonly roles: readonly string[]
  readonly groups: readonly string[]
  readonly expires: string | undefined
}

export const createTokenHere = (
  options: TokenOptions,
  wanted: WantedToken,
): Promise<TokenChange & { readonly secret: string; readonly confirmation: Confirmation }> => {
  const parsed = tokenRequest.safeParse(wanted)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `--${String(path[0])}: ${message}`)
    throw new EdictError('config_invalid', problems.join('\n'))
  }
  const { expires: written, ...request } = parsed.data
  const expires = expiryOf(written, Date.now())
  if (expires === undefined)
    throw new EdictError('config_invalid', '--expires: is neither a span such as 90d, an instant to come, nor never')
  return withStore(options, async (store) => {
    await store.ensureCollections()
    const actor = await actorFor(store, options, 'token.create')
    const { id, hash, token } = mintToken()
    const by = actor?.id ?? 'cli'
    const made = await store.tokens.create({
      _id: id,
      hash,
      ...request,
      expires,
      by,
      from,
      onlyAsFirst: actor === null,
    })
    return { ...made, secret: token, confirmation: await store.replicas.confirm(made.sequence) }
  })
}

export const listTokensHere = (options: TokenOptions): Promise<readonly ListedToken[]> =>
  withStore(options, async (store) => {
    await actorFor(store, options, 'token.read')
    return store.tokens.list()
  })

export const revokeTokenHere = (
  options: TokenOptions,
  id: string,
): Promise<TokenChange & { readonly confirmation: Confirmation }> =>
  withStore(options, async (store) => {
    const actor = await actorFor(store, options, 'token.revoke')
    const revoked = await store.tokens.revoke(id, { by: actor?.id ?? 'cli', from })
    return { ...revoked, confirmation: await store.replicas.confirm(revoked.sequence) }
  })

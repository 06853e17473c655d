/**
 * `edict token`, on the store itself. The first token may be made by whoever reaches the store; after that it takes an
 * actor that may, who is believed on this command line (`--as`) and has the roles of the tokens that stand for it.
 */
import { everything } from '../auth/actions.ts'
import type { Actor } from '../auth/actor.ts'
import { mintToken } from '../auth/token.ts'
import { expiryOf, tokenRequest } from '../auth/token-request.ts'
import { EdictError } from '../errors.ts'
import type { Confirmation } from '../store/replicas.ts'
import { wasMade } from '../store/required.ts'
import type { ListedToken, TokenChange } from '../store/tokens.ts'
import { actorOf, commandLine } from './acting.ts'
import type { RunOptions } from './deployment.ts'
import { withStore } from './with-store.ts'

/** Whoever reaches a store that has no token may make the first, whatever is configured: somebody must. */
const firstActor = (as: string | null | undefined): Actor => ({
  id: as ?? 'cli',
  kind: 'bootstrap',
  roles: [],
  groups: [],
})

export interface WantedToken {
  readonly actor: string
  readonly roles: readonly string[]
  readonly groups: readonly string[]
  readonly expires: string | undefined
}

export const createTokenHere = (
  options: RunOptions,
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
    const setting = await store.tokens.required()
    const isFirst = setting === null || !wasMade(setting)
    const by = isFirst ? firstActor(options.acting?.as) : await actorOf(store, options.acting)
    const { id, hash, token } = mintToken()
    const made = await store.tokens.create({
      _id: id,
      hash,
      ...request,
      expires,
      by,
      from: commandLine(),
      onlyAsFirst: isFirst,
    })
    return { ...made, secret: token, confirmation: await store.replicas.confirm(made.sequence) }
  })
}

export const listTokensHere = (options: RunOptions): Promise<readonly ListedToken[]> =>
  withStore(options, async (store) => {
    await store.enforce(await actorOf(store, options.acting), 'token', everything('token'))
    return store.tokens.list()
  })

export const revokeTokenHere = (
  options: RunOptions,
  id: string,
): Promise<TokenChange & { readonly confirmation: Confirmation }> =>
  withStore(options, async (store) => {
    const by = await actorOf(store, options.acting)
    const revoked = await store.tokens.revoke(id, { by, from: commandLine() })
    return { ...revoked, confirmation: await store.replicas.confirm(revoked.sequence) }
  })

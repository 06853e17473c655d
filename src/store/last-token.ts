/**
 * Before a token is revoked: whether anybody is left with one who may make tokens, and who may administer. A token that
 * is going to expire is somebody, too. Asked within the transaction, so that of two at once the second one is refused.
 */
import type { ClientSession } from 'mongodb'
import { authzResource, everything, type Action, type Resource } from '../auth/actions.ts'
import type { Actor } from '../auth/actor.ts'
import type { Enforce } from '../auth/enforce.ts'
import { hasExpired } from '../auth/resolve.ts'
import { EdictError } from '../errors.ts'
import type { TokenDocument } from '../policy/schema.ts'
import type { ChangeContext } from './change.ts'

const needed: readonly (readonly [Action, Resource, string])[] = [
  ['token', everything('token'), 'make tokens'],
  ['admin', authzResource, 'administer'],
]

/** Rejects with `conflict` when nobody is left. */
export const mustLeaveSomebody = async (
  token: TokenDocument,
  {
    session,
    context: { collections, at },
    enforce,
  }: {
    readonly session: ClientSession
    readonly context: Pick<ChangeContext, 'collections' | 'at'>
    readonly enforce: Enforce
  },
): Promise<void> => {
  const isLive = (one: TokenDocument): boolean => one.revoked === null && !hasExpired(one, at.getTime())
  if (!isLive(token)) return
  const found = await collections.tokens.find({ revoked: null, _id: { $ne: token._id } }, { session }).toArray()
  const others = found.filter(isLive)
  for (const [action, resource, what] of needed) {
    const may = (one: TokenDocument) => mayDo(one, { enforce, action, resource })
    // oxlint-disable-next-line no-await-in-loop
    if ((await may(token)) && !(await some(others, may))) throw last(token, what)
  }
}

interface Asked {
  readonly enforce: Enforce
  readonly action: Action
  readonly resource: Resource
}

const mayDo = async (
  { actor: id, roles, groups }: TokenDocument,
  { enforce, action, resource }: Asked,
): Promise<boolean> => {
  const actor: Actor = { id, kind: 'token', roles, groups }
  try {
    await enforce(actor, action, resource)
    return true
  } catch (error) {
    if (error instanceof EdictError && error.code === 'forbidden') return false
    throw error
  }
}

const some = async <T>(all: readonly T[], holds: (one: T) => Promise<boolean>): Promise<boolean> => {
  // oxlint-disable-next-line no-await-in-loop
  for (const one of all) if (await holds(one)) return true
  return false
}

const last = ({ _id, actor }: TokenDocument, what: string): EdictError =>
  new EdictError(
    'conflict',
    `${_id} of ${actor} is the last token with which anybody may ${what}: nobody could any more. ` +
      'Make another one first (edict token create), or revoke it on the command line of the store with --break-glass REASON',
  )

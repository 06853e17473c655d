/**
 * Who acts in a command that works on the store itself. Whoever is named there is believed: the command line reaches the
 * database anyway. Their roles and groups are those of the tokens that stand for them, and what the rules file says.
 */
import { hostname, userInfo } from 'node:os'
import type { Actor } from '../auth/actor.ts'
import { hasExpired } from '../auth/resolve.ts'
import type { Store } from '../store/store.ts'

export interface Acting {
  /** `--as`, or `cli.actor`; null: nobody said. */
  readonly as: string | null
  /** `--break-glass`: why the rules are passed by this once. */
  readonly breakGlass: string | null
  /** The command, for the audit log. */
  readonly command: string
}

export const nobodyActing: Acting = { as: null, breakGlass: null, command: '' }

/** Where a command line is, for the audit log. */
export const commandLine = hostname

/** Breaking the glass is written down before anything else is done. */
export const actorOf = async (
  store: Store,
  { as, breakGlass, command }: Acting = nobodyActing,
): Promise<Actor | null> => {
  if (breakGlass === null) return as === null ? null : actorNamed(store, as)
  const actor: Actor = { id: as ?? userInfo().username, kind: 'break-glass', roles: [], groups: [] }
  await store.ensureCollections()
  const details = { reason: breakGlass, command }
  const entry = { actor: actor.id, from: commandLine(), action: 'auth.break-glass', resource: 'rules', details }
  await store.change(entry, async () => null)
  return actor
}

const actorNamed = async (store: Pick<Store, 'tokens'>, id: string): Promise<Actor> => {
  const now = Date.now()
  const own = (await store.tokens.list()).filter(
    (token) => token.actor === id && token.revoked === null && !hasExpired(token, now),
  )
  const all = (field: 'roles' | 'groups') => [...new Set(own.flatMap((token) => token[field]))]
  return { id, kind: 'cli', roles: all('roles'), groups: all('groups') }
}

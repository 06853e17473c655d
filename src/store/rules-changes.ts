/**
 * That the file of rules was changed, said to every process: each then reads its own. What is in it is not kept here, only
 * which it was, who took it up, and in the audit log what was refused.
 */
import { authzResource } from '../auth/actions.ts'
import type { Actor } from '../auth/actor.ts'
import type { Enforce } from '../auth/enforce.ts'
import type { AuthzSetting } from '../policy/schema.ts'
import type { Change } from './change.ts'
import { collectionsOf } from './collections.ts'
import type { Connection } from './connection.ts'

interface Asked {
  readonly actor: Actor | null
  readonly from: string | null
  /** Of the file. */
  readonly digest: string
}

interface Numbered {
  readonly sequence: number
  readonly hash: string
}

export interface RulesChanges {
  /** The last that every process was told to take up; null: none since there is the store. */
  readonly last: () => Promise<AuthzSetting | null>
  /** Rejects with `unauthenticated`, `forbidden`. */
  readonly announce: (asked: Asked) => Promise<Numbered>
  /** Writes down that a file is not taken up. */
  readonly refuse: (asked: Asked & { readonly problem: string }) => Promise<Numbered>
}

export const createRulesChanges = ({
  connection,
  change,
  enforce,
}: {
  readonly connection: Connection
  readonly change: Change
  readonly enforce: Enforce
}): RulesChanges => ({
  last: () => connection.run((db) => collectionsOf(db).authzSettings.findOne({ _id: 'authz' })),
  announce: async ({ actor: asking, from, digest }) => {
    const { id: by } = await enforce(asking, 'admin', authzResource)
    const info = { actor: by, from, action: 'authz.reload', resource: 'authz', details: { digest } }
    const { sequence, hash } = await change(info, async (session, { collections, at }) => {
      await collections.authzSettings.replaceOne({ _id: 'authz' }, { digest, since: at, by }, { session, upsert: true })
    })
    return { sequence, hash }
  },
  refuse: async ({ actor: asking, from, digest, problem }) => {
    const { id: by } = await enforce(asking, 'admin', authzResource)
    const info = { actor: by, from, action: 'authz.refuse', resource: 'authz', details: { digest, problem } }
    const { sequence, hash } = await change(info, async () => undefined)
    return { sequence, hash }
  },
})

/**
 * Whether a credential is required for good: from the first token on, or from the first start of a server that was
 * configured to ask for them. Taking tokens or configuration away opens nothing.
 */
import type { ClientSession, Db } from 'mongodb'
import { EdictError } from '../errors.ts'
import type { AuthSetting } from '../policy/schema.ts'
import type { Change, ChangeContext } from './change.ts'
import { type Collections, collectionsOf } from './collections.ts'
import type { Connection } from './connection.ts'
import { ignoreConflict } from './failure.ts'

export interface Required {
  /** null: none is required by the store. */
  readonly required: () => Promise<AuthSetting | null>
  /** From now on, and for good; does nothing when it is so already. `because`: what is configured. */
  readonly require: (request: { readonly because: string; readonly from: string | null }) => Promise<void>
}

export const createRequired = (connection: Connection, change: Change): Required => {
  const required = () => connection.run((db) => collectionsOf(db).settings.findOne({ _id: 'auth' }))
  return {
    required,
    require: async ({ because, from }) => {
      if ((await required()) !== null) return
      const info = { actor: 'edict', from, action: 'auth.require', resource: 'settings', details: { because } }
      await change(info, async (session, context) => {
        const { collections } = context
        if ((await collections.settings.findOne({ _id: 'auth' }, { session })) !== null)
          throw new EdictError('conflict', 'it is required already')
        await writeRequired({ session, context, by: 'edict', made: await everMade(collections, session) })
      }).catch(ignoreConflict)
    },
  }
}

/** Whether a token was ever made. */
export const wasMade = ({ made }: Pick<AuthSetting, 'made'>): boolean => made !== false

interface Writing {
  readonly session: ClientSession
  readonly context: Pick<ChangeContext, 'collections' | 'at'>
  readonly by: string
  /** Whether a token was ever made. */
  readonly made: boolean
}

export const writeRequired = async ({ session, context, by, made }: Writing): Promise<void> => {
  const setting = { required: true as const, since: context.at, by, made }
  // Whole: an update's event would not carry the document to those who follow.
  await context.collections.settings.replaceOne({ _id: 'auth' }, setting, { session, upsert: true })
}

const everMade = async ({ tokens, audit }: Collections, session?: ClientSession): Promise<boolean> => {
  const within = session === undefined ? {} : { session }
  return ((await tokens.findOne({}, within)) ?? (await audit.findOne({ action: 'token.create' }, within))) !== null
}

/** Whoever takes that document away does not open the server: the audit log knows of it. */
export async function restoreRequired(db: Db, change: Change): Promise<void> {
  const { settings, audit } = collectionsOf(db)
  if ((await settings.findOne({ _id: 'auth' })) !== null) return
  const made = await everMade(collectionsOf(db))
  if (!made && (await audit.findOne({ action: 'auth.require' })) === null) return
  await change({ actor: 'edict', action: 'store.restore', resource: 'settings' }, async (session, context) => {
    if ((await context.collections.settings.findOne({ _id: 'auth' }, { session })) !== null) return
    await writeRequired({ session, context, by: 'edict', made })
  })
}

/**
 * Tokens, and whether a credential is required: for good, from the change on that makes the first token. What is revoked
 * or has expired stays in the list. When one was last used is noted beside it, once a minute at most, and follows nobody.
 */
import { everything, tokenResource } from '../auth/actions.ts'
import type { Actor } from '../auth/actor.ts'
import type { Enforce } from '../auth/enforce.ts'
import { EdictError } from '../errors.ts'
import type { TokenDocument } from '../policy/schema.ts'
import type { Change } from './change.ts'
import { collectionsOf } from './collections.ts'
import type { Connection } from './connection.ts'
import { mustLeaveSomebody } from './last-token.ts'
import { createRequired, type Required, wasMade, writeRequired } from './required.ts'

export interface NewToken extends Pick<TokenDocument, '_id' | 'hash' | 'actor' | 'roles' | 'groups' | 'expires'> {
  readonly by: Actor | null
  readonly from?: string | null
  /** Refuse with `forbidden` when a token was ever made before. */
  readonly onlyAsFirst?: boolean
}

export interface TokenChange {
  readonly token: TokenDocument
  /** To be confirmed by the replicas. */
  readonly sequence: number
  readonly hash: string
}

export interface ListedToken extends TokenDocument {
  readonly lastUsed: Date | null
}

export interface Tokens extends Required {
  readonly create: (token: NewToken) => Promise<TokenChange>
  /** Rejects with `not_found`, also when it was revoked before; with `conflict` when nobody could make another after it. */
  readonly revoke: (
    id: string,
    by: { readonly by: Actor | null; readonly from?: string | null },
  ) => Promise<TokenChange>
  /** The newest first. */
  readonly list: () => Promise<readonly ListedToken[]>
  readonly used: (id: string) => Promise<void>
}

export function createTokens({
  connection,
  change,
  enforce,
  identityProvider,
}: {
  readonly connection: Connection
  readonly change: Change
  readonly enforce: Enforce
  /** Actors come in by other means than tokens. */
  readonly identityProvider: boolean
}): Tokens {
  return {
    ...createRequired(connection, change),
    create: async ({ by: asking, from = null, onlyAsFirst = false, ...token }) => {
      const { id: by } = await enforce(asking, 'token', tokenResource(token))
      const { _id, roles, groups, expires } = token
      // For whom, the token itself says: a name in here could not be erased.
      const details = { roles, groups, expires }
      const { result, sequence, hash } = await change(
        { actor: by, from, action: 'token.create', resource: _id, details },
        async (session, context) => {
          const { collections, at } = context
          const setting = await collections.settings.findOne({ _id: 'auth' }, { session })
          const isFirst = setting === null || !wasMade(setting)
          if (!isFirst && (onlyAsFirst || asking?.kind === 'bootstrap'))
            throw new EdictError('forbidden', 'the first token was made already: this is good for that one only')
          if (isFirst && !roles.includes('superuser'))
            throw new EdictError(
              'invalid_request',
              'the first token needs the role superuser, or nobody could make another',
            )
          if (isFirst) await writeRequired({ session, context, by, made: true })
          const document = { ...token, created: at, createdBy: by, revoked: null }
          await collections.tokens.insertOne(document, { session })
          return document
        },
      )
      return { token: result, sequence, hash }
    },
    revoke: async (id, { by: asking, from = null }) => {
      const known = await connection.run((db) => collectionsOf(db).tokens.findOne({ _id: id }))
      const { id: by } = await enforce(asking, 'token', known === null ? everything('token') : tokenResource(known))
      const { result, sequence, hash } = await change(
        { actor: by, from, action: 'token.revoke', resource: id },
        async (session, context) => {
          const { collections, at } = context
          const found = await collections.tokens.findOne({ _id: id, revoked: null }, { session })
          if (found === null) throw new EdictError('not_found', `there is no token ${id} that could be revoked`)
          if (!identityProvider && asking?.kind !== 'break-glass')
            await mustLeaveSomebody(found, { session, context, enforce })
          const token = { ...found, revoked: at }
          // Whole: an update's event would not carry the document to those who follow.
          await collections.tokens.replaceOne({ _id: id }, token, { session })
          return token
        },
      )
      return { token: result, sequence, hash }
    },
    list: () =>
      connection.run(async (db) => {
        const { tokens, tokenUses } = collectionsOf(db)
        const [all, uses] = await Promise.all([
          tokens.find({}).sort({ created: -1, _id: 1 }).toArray(),
          tokenUses.find({}).toArray(),
        ])
        const last = new Map(uses.map(({ _id, at }) => [_id, at]))
        return all.map((token) => ({ ...token, lastUsed: last.get(token._id) ?? null }))
      }),
    used: (id) =>
      connection.run(async (db) => {
        const { tokenUses } = collectionsOf(db)
        await tokenUses.updateOne({ _id: id }, { $currentDate: { at: true } }, { upsert: true })
      }),
  }
}

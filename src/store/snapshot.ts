/** All that a replica needs, read at one point in time. */
import type { ClientSession } from 'mongodb'
import { EdictError } from '../errors.ts'
import {
  type LockDocument,
  type PackageDocument,
  type PolicyMeta,
  type SettingDocument,
  type TokenDocument,
  lockDocumentSchema,
  packageDocumentSchema,
  settingDocumentSchema,
  tokenDocumentSchema,
} from '../policy/schema.ts'
import { collectionsOf, followed, missingCollections } from './collections.ts'
import type { Connection } from './connection.ts'
import { emptyHead } from './head.ts'
import { metaProjection, policyMetaSchema, type Problem, readable } from './readable.ts'
import { sleep } from './wait.ts'

export interface Snapshot {
  readonly policies: readonly PolicyMeta[]
  readonly packages: readonly PackageDocument[]
  readonly locks: readonly LockDocument[]
  readonly tokens: readonly TokenDocument[]
  readonly settings: readonly SettingDocument[]
  readonly sequence: number
  readonly revision: number
  /** Documents that do not fit; they are not among the others. */
  readonly problems: readonly Problem[]
}

export type Loaded =
  | { readonly kind: 'whole'; readonly snapshot: Snapshot }
  | { readonly kind: 'lost'; readonly what: string }

/**
 * At least as new as the store's newest change when it was called: a snapshot may lie a moment behind that, and what
 * happened in between would be in neither the snapshot nor a change stream opened just before.
 */
export const loadSnapshot = (connection: Connection): Promise<Loaded> =>
  connection.run(async (db) => {
    const { head } = collectionsOf(db)
    const newest = await head.findOne({ _id: 'head' }, { readConcern: { level: 'local' } })
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const missing = (await missingCollections(db)).filter((name) => followed.some((needed) => needed === name))
      const snapshot = await connection.client.withSession({ snapshot: true }, (session) => read(connection, session))
      if (missing.length > 0 && missing.length < followed.length)
        return { kind: 'lost', what: `no ${missing.join(', no ')}` }
      if (newest === null || snapshot.sequence >= newest.sequence) return { kind: 'whole', snapshot }
      await sleep(20)
    }
    throw new EdictError('store_unavailable', 'the store does not confirm its newest change')
  })

async function read({ db }: Connection, session: ClientSession): Promise<Snapshot> {
  const { policies, packages, locks, tokens, settings, head } = collectionsOf(db)
  const { sequence, revision } = (await head.findOne({ _id: 'head' }, { session })) ?? emptyHead
  const metas = await policies.find({}, { session, projection: metaProjection }).toArray()
  const found = {
    policies: readable(policyMetaSchema, 'policies', metas),
    packages: readable(packageDocumentSchema, 'packages', await packages.find({}, { session }).toArray()),
    locks: readable(lockDocumentSchema, 'locks', await locks.find({}, { session }).toArray()),
    tokens: readable(tokenDocumentSchema, 'tokens', await tokens.find({}, { session }).toArray()),
    settings: readable(settingDocumentSchema, 'settings', await settings.find({}, { session }).toArray()),
  }
  return {
    policies: found.policies.items,
    packages: found.packages.items,
    locks: found.locks.items,
    tokens: found.tokens.items,
    settings: found.settings.items,
    sequence,
    revision,
    problems: Object.values(found).flatMap(({ problems }) => problems),
  }
}

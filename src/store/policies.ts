/** Reading policies: one with its texts, a page for the catalogue, all of them for a cycle. */
import type { Filter } from 'mongodb'
import {
  type LockDocument,
  type ModuleDocument,
  type PackageDocument,
  type PolicyDocument,
  type PolicyKey,
  type PolicyMeta,
  type StoredText,
  moduleDocumentSchema,
  packageDocumentSchema,
  policyDocumentSchema,
} from '../policy/schema.ts'
import type { Blobs } from './blobs.ts'
import { collectionsOf } from './collections.ts'
import type { Connection, StoreLog } from './connection.ts'
import type { Locks } from './locks.ts'
import { metaProjection, policyMetaSchema, type Readable, readable, readableOne } from './readable.ts'

export interface PolicyQuery {
  readonly group?: string
  readonly name?: string
  readonly repository?: string
  readonly locked?: boolean
  readonly phase?: 'Ready' | 'Quarantined'
  /** Part of the key, in any case. */
  readonly q?: string
  readonly limit: number
  /** `next` of the page before. */
  readonly cursor?: string
}

export interface PolicyPage {
  readonly items: readonly { readonly policy: PolicyMeta; readonly lock: LockDocument | null }[]
  readonly next: string | null
}

export interface Policies {
  /** Rejects, naming the document, when it was changed by hand and does not fit. */
  readonly get: (key: PolicyKey) => Promise<PolicyDocument | null>
  readonly list: (query: PolicyQuery) => Promise<PolicyPage>
  /** All, without texts, as a cycle compares them; what does not fit is a problem, to be replaced. */
  readonly stored: () => Promise<Readable<PolicyMeta>>
  /** Those that are there, with their texts. */
  readonly whole: (keys: readonly string[]) => Promise<Readable<PolicyDocument>>
  readonly modules: () => Promise<Readable<ModuleDocument>>
  readonly packages: () => Promise<Readable<PackageDocument>>
  readonly readText: (text: StoredText, signal?: AbortSignal) => Promise<string>
}

export interface PoliciesDeps {
  readonly connection: Connection
  readonly blobs: Blobs
  readonly locks: Locks
  readonly log: StoreLog
}

export function createPolicies({ connection, blobs, locks, log }: PoliciesDeps): Policies {
  return {
    get: (key) =>
      connection.run(async (db) =>
        readableOne(policyDocumentSchema, 'policies', await collectionsOf(db).policies.findOne({ _id: key })),
      ),
    list: async (query) => {
      const standing = new Map((await locks.list()).map((lock) => [lock._id, lock]))
      const found = await connection.run((db) =>
        collectionsOf(db)
          .policies.find(filterOf(query, [...standing.keys()]), { projection: metaProjection })
          .sort({ _id: 1 })
          .limit(query.limit + 1)
          .toArray(),
      )
      const page = found.slice(0, query.limit)
      const { items, problems } = readable(policyMetaSchema, 'policies', page)
      for (const { id, message } of problems) log.error({ policy: id }, message)
      return {
        items: items.map((policy) => ({ policy, lock: standing.get(policy._id) ?? null })),
        next: found.length > query.limit ? (page.at(-1)?._id ?? null) : null,
      }
    },
    stored: () =>
      connection.run(async (db) =>
        readable(
          policyMetaSchema,
          'policies',
          await collectionsOf(db).policies.find({}, { projection: metaProjection }).sort({ _id: 1 }).toArray(),
        ),
      ),
    whole: (keys) =>
      connection.run(async (db) =>
        readable(
          policyDocumentSchema,
          'policies',
          await collectionsOf(db)
            .policies.find({ _id: { $in: [...keys] } })
            .toArray(),
        ),
      ),
    modules: () =>
      connection.run(async (db) =>
        readable(moduleDocumentSchema, 'modules', await collectionsOf(db).modules.find().sort({ _id: 1 }).toArray()),
      ),
    packages: () =>
      connection.run(async (db) =>
        readable(packageDocumentSchema, 'packages', await collectionsOf(db).packages.find().sort({ _id: 1 }).toArray()),
      ),
    readText: async (text, signal) =>
      typeof text === 'string' ? text : new TextDecoder().decode(await blobs.get(text.blob, signal)),
  }
}

function filterOf(query: PolicyQuery, locked: readonly string[]): Filter<PolicyDocument> {
  const { group, name, repository, phase, q, cursor } = query
  const ids: Filter<PolicyDocument>[] = []
  if (cursor !== undefined) ids.push({ _id: { $gt: cursor } })
  if (q !== undefined && q !== '') ids.push({ _id: { $regex: escape(q), $options: 'i' } })
  if (query.locked !== undefined) ids.push({ _id: query.locked ? { $in: [...locked] } : { $nin: [...locked] } })
  return {
    ...(group !== undefined && { group }),
    ...(name !== undefined && { name }),
    ...(repository !== undefined && { repository }),
    ...(phase !== undefined && { 'status.phase': phase }),
    ...(ids.length > 0 && { $and: ids }),
  }
}

const escape = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)

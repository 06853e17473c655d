/** Names and document types of the collections: every other file of the store reaches them through here. */
import type { Db } from 'mongodb'
import type { PlanDocument } from '../policy/plan-document.ts'
import type { HoldDocument, PastRuleDocument, VersionDocument } from '../policy/revision-document.ts'
import type { Rule } from '../policy/rules.ts'
import type {
  AuditDocument,
  AuthSetting,
  AuthzSetting,
  CycleRequest,
  HeadDocument,
  LockDocument,
  ModuleDocument,
  PackageDocument,
  PolicyDocument,
  ReplicaDocument,
  RevisionDocument,
  SourceDocument,
  TokenDocument,
  TokenUseDocument,
} from '../policy/schema.ts'
import type { StatsDocument } from './stats.ts'

/** Content by its sha256: inline, or in the GridFS file `file` when one document cannot hold it. */
export interface BlobDocument {
  readonly _id: string
  readonly size: number
  readonly bytes: Uint8Array | null
  readonly file: string | null
  readonly touched: Date
}

/** `_id: "cycle"` is the lease with its fencing token; `_id: "writer"` is what transactions of different processes meet on. */
export interface LeaseDocument {
  readonly _id: 'cycle' | 'writer'
  readonly holder: string | null
  readonly token: number
  readonly expires: Date
}

/** In one of these a replica follows every change; the rest it only wants to exist. */
export const followed = ['policies', 'packages', 'locks', 'tokens', 'settings', 'head'] as const

export const collectionNames = [
  ...followed,
  'modules',
  'rules',
  'sources',
  'revisions',
  'versions',
  'pastRules',
  'plans',
  'holds',
  'audit',
  'blobs',
  'requests',
  'lease',
  'replicas',
  'tokenUses',
] as const
export type CollectionName = (typeof collectionNames)[number]

/** GridFS makes `blobs.files` and `blobs.chunks` on first use. */
export const bucketName = 'blobs'
export const watchedNames: readonly string[] = [...collectionNames, `${bucketName}.files`, `${bucketName}.chunks`]

export const collectionsOf = (db: Db) => ({
  policies: db.collection<PolicyDocument>('policies'),
  packages: db.collection<PackageDocument>('packages'),
  locks: db.collection<LockDocument>('locks'),
  tokens: db.collection<TokenDocument>('tokens'),
  settings: db.collection<AuthSetting>('settings'),
  authzSettings: db.collection<AuthzSetting>('settings'),
  head: db.collection<HeadDocument>('head'),
  modules: db.collection<ModuleDocument>('modules'),
  rules: db.collection<Rule>('rules'),
  sources: db.collection<SourceDocument>('sources'),
  revisions: db.collection<RevisionDocument>('revisions'),
  pastRules: db.collection<PastRuleDocument>('pastRules'),
  versions: db.collection<VersionDocument>('versions'),
  plans: db.collection<PlanDocument>('plans'),
  holds: db.collection<HoldDocument>('holds'),
  audit: db.collection<AuditDocument>('audit'),
  blobs: db.collection<BlobDocument>('blobs'),
  requests: db.collection<CycleRequest>('requests'),
  lease: db.collection<LeaseDocument>('lease'),
  replicas: db.collection<ReplicaDocument>('replicas'),
  // Not one of `collectionNames`: nothing is amiss where it is not.
  stats: db.collection<StatsDocument>('stats'),
  tokenUses: db.collection<TokenUseDocument>('tokenUses'),
})
export type Collections = ReturnType<typeof collectionsOf>

/** The names of `collectionNames` that do not exist. */
export async function missingCollections(db: Db): Promise<readonly CollectionName[]> {
  const present = new Set<string>()
  for await (const { name } of db.listCollections({}, { nameOnly: true })) present.add(name)
  return collectionNames.filter((name) => !present.has(name))
}

/**
 * The shapes that the halves of Edict share: what a source declares, what a cycle makes of it, and the documents
 * that it leaves in MongoDB for the server. Pure types and zod schemas; no effects.
 */
import { z } from 'zod'
import { apiChangeSchema } from './api-change.ts'

/** `group/name/version`. */
export type PolicyKey = `${string}/${string}/${string}`

export const severity = z.enum(['error', 'warning'])

/** Something wrong (or doubtful) in a source. Findings are data, never exceptions. Rows and columns count from 1. */
export const findingSchema = z.object({
  code: z.string(),
  severity,
  message: z.string(),
  source: z.string(),
  commit: z.string().optional(),
  author: z.string().optional(),
  file: z.string().optional(),
  line: z.number().int().optional(),
  column: z.number().int().optional(),
})
export type Finding = z.infer<typeof findingSchema>

/** One file of a source at a commit, path relative to the source's `path`, forward slashes. */
export interface SourceFile {
  readonly path: string
  /** Identity of the content: sha256 hex of the bytes. */
  readonly digest: string
  readonly text: string
}

/** Something that a fragment owns without a file of its own: what its rules generate. */
export interface Claim {
  readonly kind: 'policy' | 'module' | 'data'
  /** `group/name/version`, a module's id, or a data path joined with `/`. */
  readonly key: string
  /** Where it stands, for people; need not be one of the fragment's files. */
  readonly file: string
}

/** What one source declares at one commit. */
export interface Fragment {
  readonly source: string
  readonly kind: 'git' | 'directory' | 'api'
  /** Git commit id, or for a directory `sha256:…` over its sorted listing. */
  readonly commit: string
  /** For people: `main@sha1:…` for Git, `sha256:…` for a directory. */
  readonly revision: string
  readonly author: string | null
  readonly committedAt: Date | null
  readonly files: readonly SourceFile[]
  /** What could not be read as a file at all: symlinks, submodules, not UTF-8, too large. */
  readonly findings: readonly Finding[]
  readonly claims?: readonly Claim[]
  /** By path, for content that stands in: the commit that it was applied with, where that is not the fragment's. */
  readonly origins?: ReadonlyMap<string, Pick<Fragment, 'commit' | 'author'>>
}

export type RegoVersion = 0 | 1

/** What the AST of one Rego file says (from `opa parse`); content-addressed, so it carries no path. */
export interface ModuleAnalysis {
  readonly regoVersion: RegoVersion
  /** Package path without the leading `data`: `["gaiax", "my-name"]`. */
  readonly package: readonly string[]
  readonly packageLine: number
  readonly rules: readonly RuleSummary[]
  /** Every reference into `data`, its constant prefix without the leading `data`; `[]` means all of `data`. */
  readonly refs: readonly (readonly string[])[]
}

export interface RuleSummary {
  /** The head's constant path under the package (`["names"]`, `["a", "b"]`, `["$0"]` for `_`). */
  readonly path: readonly string[]
  readonly isFunction: boolean
  readonly isTest: boolean
  readonly line: number
}

/** What the bundle entry answers: the package document, or the value of its only rule `_`. */
export type EntryKind = 'package' | 'value'

// ── Documents in MongoDB ────────────────────────────────────────────────────────────────────────────────────────────

/** Text as it was written, or a reference to a blob when it is over 256 kB. */
export const storedTextSchema = z.union([z.string(), z.object({ blob: z.string(), size: z.number() })])
export type StoredText = z.infer<typeof storedTextSchema>

export const artifactSchema = z.object({
  /** sha256 hex of the WASM module (a blob). */
  wasm: z.string(),
  /** sha256 hex of the JSON text that is the root of `data` (a blob). */
  data: z.string(),
  entry: z.enum(['package', 'value']),
})
export type Artifact = z.infer<typeof artifactSchema>

export const policyStatusSchema = z.object({
  phase: z.enum(['Ready', 'Quarantined']),
  /** The findings of the last cycle that looked at it: errors when quarantined, warnings when ready. */
  findings: z.array(findingSchema),
  since: z.date(),
  /** What was refused, when quarantined; the document's own commit is the one in force. */
  commit: z.string().optional(),
  author: z.string().optional(),
})
export type PolicyStatus = z.infer<typeof policyStatusSchema>

/** What the tests of a policy came to on the artifact that is stored with it. */
export const policyTestsSchema = z.object({
  at: z.date(),
  passed: z.number().int(),
  failed: z.number().int(),
  skipped: z.number().int(),
  /** The first of them, in the order of their files. */
  cases: z.array(
    z.object({
      name: z.string(),
      file: z.string(),
      line: z.number().int(),
      status: z.enum(['passed', 'failed', 'skipped']),
      /** Why it was skipped; '' otherwise. */
      message: z.string(),
      /** Units of work; null when nothing was evaluated. */
      cost: z.number().nullable(),
    }),
  ),
})
export type PolicyTests = z.infer<typeof policyTestsSchema>

/** Collection `policies`. `_id` is the PolicyKey. */
export const policyDocumentSchema = z.object({
  _id: z.string(),
  /** The source's name. */
  repository: z.string(),
  group: z.string(),
  name: z.string(),
  version: z.string(),
  rego: storedTextSchema,
  /** data.json as written; null when there is none. */
  data: storedTextSchema.nullable(),
  /** Further `*.rego` files of the same package, tests included, and the other side files, by file name. */
  files: z.array(z.object({ path: z.string(), text: storedTextSchema })),
  /** null: it has none, or they were not run. */
  tests: policyTestsSchema.nullable().default(null),
  regoVersion: z.union([z.literal(0), z.literal(1)]),
  /** Identity of everything that decides: artifact digests and entry. */
  digest: z.string(),
  /** Identity of what the author wrote plus what it was built with and from (opa, capabilities, shared modules, data). */
  inputs: z.string(),
  /** null: it never had a good one. */
  artifact: artifactSchema.nullable(),
  commit: z.string(),
  author: z.string().nullable(),
  status: policyStatusSchema,
  updated: z.date(),
  /** The revision that last wrote this document. */
  revision: z.number().int(),
})
export type PolicyDocument = z.infer<typeof policyDocumentSchema>

/** A policy without its texts: what a replica and a cycle keep in memory. */
export type PolicyMeta = Omit<PolicyDocument, 'rego' | 'data' | 'files' | 'tests'>

/** Collection `modules`: shared modules and shared data in force. `_id` is `<source>:<path>`. */
export const moduleDocumentSchema = z.object({
  _id: z.string(),
  repository: z.string(),
  kind: z.enum(['module', 'data']),
  /** The module's id (`rbac/core`) or the data's path (`roles`, `""` for the root). */
  id: z.string(),
  /** Of a module. */
  package: z.array(z.string()).optional(),
  path: z.string(),
  text: storedTextSchema,
  digest: z.string(),
  commit: z.string(),
  author: z.string().nullable(),
  status: policyStatusSchema,
  updated: z.date(),
  revision: z.number().int(),
})
export type ModuleDocument = z.infer<typeof moduleDocumentSchema>

/**
 * Collection `packages`: what answers for a shared package. `_id` is its path as Rego writes it (`data.rbac`). The one
 * with the empty path (`data`) is there when there is shared data: it has no artifact, but names the JSON of all of it.
 */
export const packageDocumentSchema = z.object({
  _id: z.string(),
  /** Without the leading `data`. */
  path: z.array(z.string()),
  /** The sources that its modules come from, first the one whose settings hold for it. */
  repository: z.string(),
  sources: z.array(z.string()),
  digest: z.string(),
  inputs: z.string(),
  artifact: artifactSchema.nullable(),
  /** sha256 hex of the JSON text of all shared data (a blob); only of the root. */
  sharedData: z.string().nullable(),
  commit: z.string(),
  status: policyStatusSchema,
  updated: z.date(),
  revision: z.number().int(),
})
export type PackageDocument = z.infer<typeof packageDocumentSchema>

/** Collection `locks`. `_id` is the PolicyKey. An `until` in the past means unlocked. */
export const lockDocumentSchema = z.object({
  _id: z.string(),
  actor: z.string(),
  reason: z.string().nullable(),
  since: z.date(),
  until: z.date().nullable(),
})
export type LockDocument = z.infer<typeof lockDocumentSchema>

/** Collection `tokens`. `_id` is the part of the token by which it is found. What is revoked stays, to be seen. */
export const tokenDocumentSchema = z.object({
  _id: z.string(),
  /** sha256 hex of the secret part; the secret itself is nowhere. */
  hash: z.string(),
  actor: z.string(),
  roles: z.array(z.string()),
  groups: z.array(z.string()),
  created: z.date(),
  createdBy: z.string(),
  expires: z.date().nullable(),
  revoked: z.date().nullable(),
})
export type TokenDocument = z.infer<typeof tokenDocumentSchema>

/** Collection `tokenUses`: when a token was last used, to the minute. `_id` is the token's. No replica follows it. */
export interface TokenUseDocument {
  readonly _id: string
  readonly at: Date
}

/** `_id: "auth"` is there when a credential is required for good; it is never taken away. */
const authSettingSchema = z.object({
  _id: z.literal('auth'),
  required: z.literal(true),
  since: z.date(),
  by: z.string(),
  /** false: no token was made yet, it was configured so. */
  made: z.boolean().optional(),
})
export type AuthSetting = z.infer<typeof authSettingSchema>

/** `_id: "authz"`: the rules file was changed; each process reads its own again. */
const authzSettingSchema = z.object({
  _id: z.literal('authz'),
  /** sha256 hex of the file that was read where it was noticed. */
  digest: z.string(),
  since: z.date(),
  by: z.string(),
})
export type AuthzSetting = z.infer<typeof authzSettingSchema>

/** Collection `settings`. */
export const settingDocumentSchema = z.discriminatedUnion('_id', [authSettingSchema, authzSettingSchema])
export type SettingDocument = z.infer<typeof settingDocumentSchema>

/** Collection `head`, one document `_id: "head"`. Written last in every transaction. */
export interface HeadDocument {
  readonly _id: 'head'
  readonly sequence: number
  readonly revision: number
  readonly auditHash: string
  /** The sequence before the last change, when that had several audit entries. */
  readonly previous?: number
}

export const conditionReasons = [
  'Succeeded',
  'FetchFailed',
  'AuthenticationFailed',
  'OutOfScope',
  'Conflict',
  'ValidationFailed',
  'TestsFailed',
  'AwaitingApproval',
  'MassDeletion',
  'Held',
  'NotConfigured',
  'Progressing',
] as const

/** Collection `sources`. `_id` is the source's name. Each cycle ends in one of these per source. */
export const sourceDocumentSchema = z.object({
  _id: z.string(),
  kind: z.enum(['git', 'directory', 'api']),
  /** Where it comes from, for people; never holds a credential. */
  location: z.string(),
  phase: z.enum(['Ready', 'Reconciling', 'Stalled']),
  reason: z.enum(conditionReasons),
  message: z.string(),
  findings: z.array(findingSchema),
  /** The commit in force, and how people write it (`main@sha1:…`). */
  commit: z.string().nullable(),
  revision: z.string().nullable(),
  /** The newest commit that was seen, in force or not. */
  lastSeenCommit: z.string().nullable(),
  lastAttempt: z.date().nullable(),
  lastSuccess: z.date().nullable(),
  /** Held: this commit would remove so many policies that it waits to be confirmed. */
  held: z.object({ commit: z.string(), removes: z.array(z.string()), of: z.number() }).nullable(),
  /** Commits that were confirmed by hand. */
  confirmed: z.string().nullable(),
  /** The plan that waits with its newest commit. */
  plan: z.string().nullable().optional(),
  counts: z.object({ policies: z.number(), modules: z.number(), quarantined: z.number() }),
})
export type SourceDocument = z.infer<typeof sourceDocumentSchema>

/** Collection `revisions`. `_id` is the revision number. */
export interface RevisionDocument {
  readonly _id: number
  readonly at: Date
  readonly sources: readonly { readonly name: string; readonly commit: string; readonly revision: string }[]
  readonly created: readonly string[]
  readonly replaced: readonly string[]
  readonly removed: readonly string[]
  /** Ids of stored modules and shared data; older revisions did not say. */
  readonly modules?: Readonly<Record<'created' | 'replaced' | 'removed', readonly string[]>>
  readonly policies: number
  /** The id of the plan that made it. */
  readonly plan: string
}

const namedChanges = z.object({
  create: z.array(z.string()),
  replace: z.array(z.string()),
  remove: z.array(z.string()),
})

/** What a change would do. */
export const previewSchema = z.object({
  policies: namedChanges,
  modules: namedChanges,
  rules: z.object({ created: z.number().int(), updated: z.number().int(), removed: z.number().int() }),
})
export type Preview = z.infer<typeof previewSchema>

/** Collection `requests`: somebody wants a cycle and waits for its outcome. */
export const cycleRequestSchema = z.object({
  _id: z.string(),
  at: z.date(),
  reason: z.enum(['webhook', 'sync', 'confirm', 'restore', 'start', 'approve', 'rollback', 'change']),
  /** null: all sources. */
  source: z.string().nullable(),
  /** With `confirm`: the commit whose removals are confirmed. */
  commit: z.string().nullable(),
  /** With `approve`: the plan that is approved. */
  plan: z.string().nullable().optional(),
  /** With `rollback`: the revision to go back to. */
  revision: z.number().int().nullable().optional(),
  /** Who asks, where from, and why, for people. */
  actor: z.string().optional(),
  from: z.string().nullable().optional(),
  /** With `change`: what the API is asked for. */
  change: apiChangeSchema.optional(),
  /** Only say what would come of it. */
  dryRun: z.boolean().optional(),
  /** The plan that waits to be approved with this change in it. */
  waits: z.string().nullable().optional(),
  note: z.string().nullable().optional(),
  outcome: z
    .object({
      at: z.date(),
      ok: z.boolean(),
      revision: z.number().int().nullable(),
      message: z.string(),
      findings: z.array(findingSchema),
      /** The plan that was applied or waits. */
      plan: z.string().nullable().optional(),
      /** It is not in force: that plan waits with it. */
      waits: z.boolean().optional(),
      /** Why it was refused, when it was the caller's to know. */
      code: z.enum(['invalid', 'conflict', 'not_found', 'plan_not_found', 'revision_gone']).optional(),
      /** The change's entry in the audit log. */
      sequence: z.number().int().optional(),
      hash: z.string().optional(),
      /** Rules that it changed. */
      counts: previewSchema.shape.rules.optional(),
      /** Of a dry run. */
      preview: previewSchema.optional(),
    })
    .nullable(),
})
export type CycleRequest = z.infer<typeof cycleRequestSchema>
export type CycleOutcome = NonNullable<CycleRequest['outcome']>

/** sha256 hex of a text before and after a change; null: there was, or is, none. The texts are kept as blobs. */
export interface TextChange {
  /** `policy:<key>`, `module:<id>`, `data:<path>`. */
  readonly key: string
  readonly before: string | null
  readonly after: string | null
}

/** Collection `audit`. `_id` is the head sequence of the change. */
export interface AuditDocument {
  readonly _id: number
  readonly at: Date
  /** Who acted; null once erased. */
  readonly actor: string | null
  /** Where from; null when it is not known, or erased. */
  readonly from: string | null
  readonly action: string
  readonly resource: string
  readonly details: Readonly<Record<string, unknown>>
  readonly changes: readonly TextChange[]
  /** null once the field is erased. */
  readonly salts: { readonly actor: string | null; readonly from: string | null }
  /** sha256 hex over salt and value of `actor` and `from`: what the hash covers in their place. */
  readonly sealed: { readonly actor: string; readonly from: string | null }
  /** sha256 hex over the previous entry's hash and this entry. */
  readonly hash: string
}

/** Collection `replicas`. Live: heard within 5 s by the database's clock. */
export interface ReplicaDocument {
  readonly _id: string
  readonly host: string
  readonly pid: number
  readonly sequence: number
  readonly at: Date
  /** The rules of who may do what that it goes by. */
  readonly authz?: ReplicaRules
}

export interface ReplicaRules {
  /** sha256 hex of its rules file; null: the shipped rules. */
  readonly digest: string | null
  readonly since: Date
  /** Why the file as it is now is not in force; null: it is. */
  readonly problem: string | null
}

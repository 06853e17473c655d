/**
 * Collection `plans`: what an apply wrote, or what waits for somebody to approve it. Its digest names the fragments, the
 * base revision and every change, so that what was looked at is what is applied.
 */
import { z } from 'zod'
import { digestOf } from './digest.ts'
import type { Change, Plan } from './plan.ts'
import {
  findingSchema,
  previewSchema,
  storedTextSchema,
  type Fragment,
  type ModuleDocument,
  type PolicyMeta,
} from './schema.ts'

export const planStatuses = ['Waiting', 'Applied', 'Rejected', 'Superseded', 'Stale', 'Failed'] as const

export const plannedSourceSchema = z.object({
  name: z.string(),
  commit: z.string(),
  revision: z.string(),
  /** sha256 over the fragment's files; empty for what the base revision holds already. */
  digest: z.string(),
})
export type PlannedSource = z.infer<typeof plannedSourceSchema>

const changeSchema = z.object({
  create: z.array(z.string()),
  replace: z.array(z.string()),
  remove: z.array(z.string()),
  /** How many stay as they are. */
  keep: z.number().int(),
})
export type PlannedChange = z.infer<typeof changeSchema>

export const plannedRequestSchema = z.object({
  id: z.string(),
  /** Who asked. */
  actor: z.string(),
  /** As the audit log will say it. */
  change: z.object({ action: z.string(), resource: z.string(), rules: previewSchema.shape.rules }),
})
export type PlannedRequest = z.infer<typeof plannedRequestSchema>

/** What the tests came to of what was compiled anew. */
export const plannedTestsSchema = z.object({
  passed: z.number().int(),
  failed: z.number().int(),
  skipped: z.number().int(),
  /** The same of each that has tests: a policy's key, or `module:<id>`. */
  policies: z
    .array(
      z.object({
        policy: z.string(),
        passed: z.number().int(),
        failed: z.number().int(),
        skipped: z.number().int(),
      }),
    )
    .default([]),
  /** The first of those that failed. */
  failures: z.array(
    z.object({ policy: z.string(), test: z.string(), file: z.string(), line: z.number().int(), message: z.string() }),
  ),
})
export type PlannedTests = z.infer<typeof plannedTestsSchema>

/** A case that takes another amount of work than before, in units. */
export const costChangeSchema = z.object({
  policy: z.string(),
  test: z.string(),
  before: z.number(),
  after: z.number(),
})
export type CostChange = z.infer<typeof costChangeSchema>

/** Whose a policy, module or data document is that the plan writes. */
export const plannedOwnerSchema = z.object({ key: z.string(), source: z.string(), file: z.string() })
export type PlannedOwner = z.infer<typeof plannedOwnerSchema>

export const planDocumentSchema = z.object({
  /** A UUID. */
  _id: z.string(),
  digest: z.string(),
  kind: z.enum(['sync', 'rollback']),
  baseRevision: z.number().int(),
  sources: z.array(plannedSourceSchema),
  /** The sources whose change waits to be approved, or that a rollback turns back. */
  subject: z.array(z.string()),
  changes: z.object({ policies: changeSchema, modules: changeSchema }),
  /** By key of the ownership index: `policy:gaiax/x/1.0`, `module:rbac/core`. */
  owners: z.array(plannedOwnerSchema).default([]),
  /** JSON of `DocumentDiff[]`. */
  diffs: storedTextSchema,
  findings: z.array(findingSchema),
  /** Results of the policies' own tests; null where none were run. */
  tests: plannedTestsSchema.nullable(),
  /** Cases whose cost changes, those that change most first; null where nothing was measured. */
  cost: z.array(costChangeSchema).nullable(),
  /** Changes asked for through the API that it contains, in the order in which they are made. */
  requests: z.array(plannedRequestSchema),
  /** E-mail addresses of those who wrote or committed what it changes, as Git has them; empty where nobody approves. */
  authors: z.array(z.string()).default([]),
  status: z.enum(planStatuses),
  /** Why it is what it is, for people. */
  message: z.string(),
  createdAt: z.date(),
  decidedAt: z.date().nullable(),
  decidedBy: z.string().nullable(),
  /** The revision that it made. */
  revision: z.number().int().nullable(),
})
export type PlanDocument = z.infer<typeof planDocumentSchema>
export type PlanStatus = PlanDocument['status']

/** A plan without its differences: what lists show. */
export type PlanSummary = Omit<PlanDocument, 'diffs'>

/** Names what a source declares at one commit, whatever kind of source it is. */
export function fragmentDigest({ files, findings }: Pick<Fragment, 'files' | 'findings'>): string {
  return digestOf([
    ...files.map(({ path, digest }) => ['file', path, digest]),
    ...findings.map(({ code, file = '' }) => ['finding', code, file]),
  ])
}

export interface PlanIdentity {
  readonly baseRevision: number
  readonly sources: readonly PlannedSource[]
  readonly requests?: readonly Pick<PlannedRequest, 'id'>[]
  readonly plan: Pick<Plan, 'policies' | 'modules'>
  readonly desired: { readonly policies: readonly PolicyMeta[]; readonly modules: readonly ModuleDocument[] }
}

/** The same fragments on the same base, built with the same tools, make the same plan. */
export function planDigest({ baseRevision, sources, requests = [], plan, desired }: PlanIdentity): string {
  const policies = new Map(desired.policies.map(({ _id, inputs, digest }) => [_id, [inputs, digest]]))
  const modules = new Map(desired.modules.map(({ _id, digest }) => [_id, [digest]]))
  return digestOf([
    ['base', String(baseRevision)],
    ...sources.map(({ name, commit, digest }) => ['source', name, commit, digest]),
    ...requests.map(({ id }) => ['request', id]),
    ...changeParts('policy', plan.policies, policies),
    ...changeParts('module', plan.modules, modules),
  ])
}

function changeParts(kind: string, change: Change, content: ReadonlyMap<string, readonly string[]>) {
  const parts = (what: 'create' | 'replace' | 'remove' | 'status') =>
    change[what].map((key) => [kind, what, key, ...(what === 'remove' ? [] : (content.get(key) ?? []))])
  return [...parts('create'), ...parts('replace'), ...parts('remove'), ...parts('status')]
}

export function plannedChange({ create, replace, remove, keep, status }: Change): PlannedChange {
  const sorted = (keys: readonly string[]) => keys.toSorted()
  return { create: sorted(create), replace: sorted(replace), remove: sorted(remove), keep: keep.length + status.length }
}

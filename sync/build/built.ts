/** What a build is asked and what it answers: in the shapes that the store's apply takes. Pure. */
import { sortFindings } from '../../src/policy/analysis.ts'
import type { Blob } from '../../src/policy/documents.ts'
import { plan as planOf, type Change, type HeldSource, type Plan } from '../../src/policy/plan.ts'
import type {
  Claim,
  Finding,
  Fragment,
  ModuleDocument,
  PackageDocument,
  PolicyDocument,
  PolicyKey,
  PolicyMeta,
  PolicyStatus,
} from '../../src/policy/schema.ts'
import type { Composition } from '../../src/policy/compose.ts'
import type { OwnershipIndex } from '../../src/policy/ownership.ts'
import type { Library, SourceScope } from '../../src/policy/scope.ts'
import type { TestReport } from '../../src/testing/test-result.ts'
import type { OnProgress } from '../../src/progress.ts'

export interface StoredContent {
  readonly policies: readonly PolicyMeta[]
  readonly modules: readonly ModuleDocument[]
  readonly packages: readonly PackageDocument[]
  /** What stored rules own, by source. */
  readonly claims?: ReadonlyMap<string, readonly Claim[]>
  /** Ids of documents whose blobs are gone: written again. */
  readonly broken?: ReadonlySet<string>
  /** Sources that are configured no more: their shared content stays in force until somebody else declares it. */
  readonly dropped?: ReadonlySet<string>
}

export interface BuildOptions {
  readonly fragments: readonly Fragment[]
  /** Configured sources that could not be read, or wait: what is in force of them stays. */
  readonly absent?: ReadonlySet<string>
  /** All sources that are configured, retired ones too; documents of others are left alone. Without it, none are. */
  readonly configured?: ReadonlySet<string>
  /** What each source may declare; one that is not named may declare everything. */
  readonly scopes?: ReadonlyMap<string, SourceScope>
  /** What every source may use, whatever its read scope says. */
  readonly libraries?: readonly Library[]
  readonly stored: StoredContent
  /** By source: the commit whose removals were confirmed. */
  readonly confirmed?: ReadonlyMap<string, string>
  /** Given each blob as soon as it is made, so that they need not all be held; otherwise they are in `blobs`. */
  readonly takeBlob?: (blob: Blob) => Promise<void>
  /** What fails of the tests of shared modules: `hold` keeps the last good content in force (the default), `tell` keeps nothing back. */
  readonly testModules?: 'hold' | 'tell'
  readonly now?: Date
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal | undefined
  /** Somebody waits for it: it is compiled before what is not urgent. */
  readonly urgent?: boolean | undefined
}

/** `stored` may be read when it is first needed, which is after a look for Conflicts. */
export type BuildRequest = Omit<BuildOptions, 'stored'> & {
  readonly stored: StoredContent | (() => Promise<StoredContent>)
}

export interface Built {
  /** Two fragments declare the same: everything stays as it is. */
  readonly conflict: boolean
  readonly findings: ReadonlyMap<string, readonly Finding[]>
  readonly plan: Plan
  readonly held: readonly HeldSource[]
  /** By source: why its fragment is refused whole. */
  readonly outOfScope: ReadonlyMap<string, readonly Finding[]>
  /** Who owns what of this composition. */
  readonly ownership: OwnershipIndex
  /** As the store's apply takes them; `revision` is the store's to set. */
  readonly documents: {
    readonly create: readonly PolicyDocument[]
    readonly replace: readonly PolicyDocument[]
    readonly remove: readonly PolicyKey[]
    readonly statuses: readonly { readonly key: PolicyKey; readonly status: PolicyStatus }[]
    readonly modules: { readonly put: readonly ModuleDocument[]; readonly remove: readonly string[] }
    readonly packages: { readonly put: readonly PackageDocument[]; readonly remove: readonly string[] }
  }
  /** Something that decides changes: a new revision. Otherwise only statuses and what never was good. */
  readonly changesForce: boolean
  readonly blobs: readonly Blob[]
  /** Of what was compiled anew and has tests, by policy. */
  readonly tests: readonly TestReport[]
  /** Empty in a Conflict, which may be found before the stored content is known. */
  readonly counts: ReadonlyMap<
    string,
    { readonly policies: number; readonly modules: number; readonly quarantined: number }
  >
}

export type Desired = PolicyMeta | PolicyDocument

export interface DesiredDocuments {
  readonly policies: readonly Desired[]
  readonly modules: readonly ModuleDocument[]
  readonly packages: readonly PackageDocument[]
}

export function documentsOf(plan: Plan, { policies, modules, packages }: DesiredDocuments): Built['documents'] {
  const byKey = new Map(policies.map((document) => [document._id, document]))
  const whole = (keys: readonly string[]) => keys.flatMap((key) => wholeDocument(byKey.get(key)))
  return {
    create: whole(plan.policies.create),
    replace: whole(plan.policies.replace),
    remove: plan.policies.remove as readonly PolicyKey[],
    statuses: plan.policies.status.flatMap((key) => {
      const status = byKey.get(key)?.status
      return status === undefined ? [] : [{ key: key as PolicyKey, status }]
    }),
    modules: written(plan.modules, modules),
    packages: written(plan.packages, packages),
  }
}

function written<T extends { readonly _id: string }>(change: Change, documents: readonly T[]) {
  const byKey = new Map(documents.map((document) => [document._id, document]))
  const put = [...change.create, ...change.replace, ...change.status].flatMap((key) => byKey.get(key) ?? [])
  return { put, remove: change.remove }
}

function wholeDocument(document: Desired | undefined): readonly PolicyDocument[] {
  return document !== undefined && 'rego' in document ? [document] : []
}

export function changesForce({ modules, packages }: Plan, { create, replace, remove }: Built['documents']): boolean {
  const good = [...create, ...replace].some(({ artifact }) => artifact !== null)
  const shared = [modules, packages].flatMap((change) => [change.create, change.replace, change.remove])
  return good || remove.length > 0 || shared.some((keys) => keys.length > 0)
}

export function bySource(findings: readonly Finding[]): ReadonlyMap<string, readonly Finding[]> {
  const unique = new Map(findings.map((finding) => [JSON.stringify(finding), finding]))
  const sources = new Map<string, Finding[]>()
  for (const finding of sortFindings([...unique.values()]))
    sources.set(finding.source, [...(sources.get(finding.source) ?? []), finding])
  return sources
}

export function countsOf(policies: readonly Desired[], modules: readonly ModuleDocument[]): Built['counts'] {
  const counts = new Map<string, { policies: number; modules: number; quarantined: number }>()
  const of = (source: string) => {
    const known = counts.get(source) ?? { policies: 0, modules: 0, quarantined: 0 }
    counts.set(source, known)
    return known
  }
  for (const { repository, status } of policies) {
    const count = of(repository)
    count.policies++
    if (status.phase === 'Quarantined') count.quarantined++
  }
  for (const { repository } of modules) of(repository).modules++
  return counts
}

/** A Conflict: every document stays as it is. */
export function asItIs({ findings, outOfScope }: Composition): Built {
  const nothing = { policies: [], modules: [], packages: [] }
  const plan = planOf({ desired: nothing, stored: nothing, held: [] })
  return {
    conflict: true,
    findings: bySource(findings),
    plan,
    held: [],
    outOfScope,
    ownership: new Map(),
    documents: documentsOf(plan, nothing),
    changesForce: false,
    blobs: [],
    tests: [],
    counts: new Map(),
  }
}

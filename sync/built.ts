/** What a build is asked and what it answers: in the shapes that the store's apply takes. Pure. */
import { sortFindings } from '../src/policy/analysis.ts'
import type { Blob } from '../src/policy/documents.ts'
import { plan as planOf, type HeldSource, type Plan } from '../src/policy/plan.ts'
import type {
  Finding,
  Fragment,
  ModuleDocument,
  PolicyDocument,
  PolicyKey,
  PolicyMeta,
  PolicyStatus,
} from '../src/policy/schema.ts'
import type { Declared } from './declare.ts'
import type { OnProgress } from '../src/progress.ts'

export interface BuildOptions {
  readonly fragments: readonly Fragment[]
  /** Configured sources that could not be read: what is in force of them stays. Any other stored source is removed. */
  readonly absent?: ReadonlySet<string>
  readonly stored: {
    readonly policies: readonly PolicyMeta[]
    readonly modules: readonly ModuleDocument[]
    /** Ids of documents whose blobs are gone: written again. */
    readonly broken?: ReadonlySet<string>
  }
  /** By source: the commit whose removals were confirmed. */
  readonly confirmed?: ReadonlyMap<string, string>
  /** Given each blob as soon as it is made, so that they need not all be held; otherwise they are in `blobs`. */
  readonly takeBlob?: (blob: Blob) => Promise<void>
  readonly now?: Date
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal | undefined
}

export interface Built {
  /** Two fragments declare the same: everything stays as it is. */
  readonly conflict: boolean
  readonly findings: ReadonlyMap<string, readonly Finding[]>
  readonly plan: Plan
  readonly held: readonly HeldSource[]
  /** As the store's apply takes them; `revision` is the store's to set. */
  readonly documents: {
    readonly create: readonly PolicyDocument[]
    readonly replace: readonly PolicyDocument[]
    readonly remove: readonly PolicyKey[]
    readonly statuses: readonly { readonly key: PolicyKey; readonly status: PolicyStatus }[]
    readonly modules: { readonly put: readonly ModuleDocument[]; readonly remove: readonly string[] }
  }
  /** Something that decides changes: a new revision. Otherwise only statuses and what never was good. */
  readonly changesForce: boolean
  readonly blobs: readonly Blob[]
  readonly counts: ReadonlyMap<
    string,
    { readonly policies: number; readonly modules: number; readonly quarantined: number }
  >
}

export type Desired = PolicyMeta | PolicyDocument

export function documentsOf(
  plan: Plan,
  policies: readonly Desired[],
  modules: readonly ModuleDocument[],
): Built['documents'] {
  const byKey = new Map(policies.map((document) => [document._id, document]))
  const moduleByKey = new Map(modules.map((document) => [document._id, document]))
  const whole = (keys: readonly string[]) => keys.flatMap((key) => wholeDocument(byKey.get(key)))
  const change = plan.modules
  return {
    create: whole(plan.policies.create),
    replace: whole(plan.policies.replace),
    remove: plan.policies.remove as readonly PolicyKey[],
    statuses: plan.policies.status.flatMap((key) => {
      const status = byKey.get(key)?.status
      return status === undefined ? [] : [{ key: key as PolicyKey, status }]
    }),
    modules: {
      put: [...change.create, ...change.replace, ...change.status].flatMap((key) => moduleByKey.get(key) ?? []),
      remove: change.remove,
    },
  }
}

function wholeDocument(document: Desired | undefined): readonly PolicyDocument[] {
  return document !== undefined && 'rego' in document ? [document] : []
}

export function changesForce({ modules }: Plan, { create, replace, remove }: Built['documents']): boolean {
  const good = [...create, ...replace].some(({ artifact }) => artifact !== null)
  return good || remove.length + modules.create.length + modules.replace.length + modules.remove.length > 0
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
export function asItIs({ stored }: BuildOptions, { composition, held }: Pick<Declared, 'composition' | 'held'>): Built {
  const plan = planOf({ desired: stored, stored, held })
  return {
    conflict: true,
    findings: bySource(composition.findings),
    plan,
    held,
    documents: documentsOf(plan, stored.policies, stored.modules),
    changesForce: false,
    blobs: [],
    counts: countsOf(stored.policies, stored.modules),
  }
}

/** Desired documents against stored ones: what an apply would write, and which sources must be confirmed first. */
import type { DeclaredPolicy } from './compose.ts'
import type { Fragment, ModuleDocument, PackageDocument, PolicyMeta, PolicyStatus } from './schema.ts'

export interface Change {
  readonly create: readonly string[]
  readonly replace: readonly string[]
  readonly remove: readonly string[]
  readonly keep: readonly string[]
  /** The content stays; its status alone changes (quarantined, recovered, other findings). */
  readonly status: readonly string[]
}

export interface HeldSource {
  readonly source: string
  readonly commit: string
  readonly removes: readonly string[]
  /** How many policies of the source are stored. */
  readonly of: number
}

export interface Plan {
  readonly policies: Change
  readonly modules: Change
  readonly packages: Change
  readonly held: readonly HeldSource[]
  /** Nothing would be written. */
  readonly empty: boolean
}

interface Document {
  readonly _id: string
  readonly repository: string
  readonly commit: string
  readonly status: PolicyStatus
}

export interface Documents {
  readonly policies: readonly PolicyMeta[]
  readonly modules: readonly ModuleDocument[]
  readonly packages: readonly PackageDocument[]
}

export interface PlanOptions {
  readonly desired: Documents
  readonly stored: Documents
  readonly held: readonly HeldSource[]
  /** Stored documents whose blobs are gone: written again even when nothing changed. */
  readonly restore?: ReadonlySet<string>
}

export function plan({ desired, stored, held, restore = new Set() }: PlanOptions): Plan {
  const policies = compare(desired.policies, stored.policies, samePolicy, restore)
  const modules = compare(desired.modules, stored.modules, sameModule, restore)
  const packages = compare(desired.packages, stored.packages, samePackage, restore)
  const empty = [policies, modules, packages].every(
    ({ create, replace, remove, status }) => create.length + replace.length + remove.length + status.length === 0,
  )
  return { policies, modules, packages, held, empty }
}

function compare<T extends Document>(
  desired: readonly T[],
  stored: readonly T[],
  same: (a: T, b: T) => boolean,
  restore: ReadonlySet<string>,
): Change {
  const before = new Map(stored.map((document) => [document._id, document]))
  const change = { create: [] as string[], replace: [] as string[], keep: [] as string[], status: [] as string[] }
  for (const document of desired) {
    const old = before.get(document._id)
    before.delete(document._id)
    if (old === undefined) change.create.push(document._id)
    else if (restore.has(document._id) || !same(document, old)) change.replace.push(document._id)
    else if (document.status !== old.status) change.status.push(document._id)
    else change.keep.push(document._id)
  }
  return { ...change, remove: [...before.keys()] }
}

function samePolicy(a: PolicyMeta, b: PolicyMeta): boolean {
  return a === b || (a.repository === b.repository && a.inputs === b.inputs && a.digest === b.digest)
}

function sameModule(a: ModuleDocument, b: ModuleDocument): boolean {
  return (
    a === b || (a.digest === b.digest && a.kind === b.kind && a.id === b.id && a.package?.length === b.package?.length)
  )
}

function samePackage(a: PackageDocument, b: PackageDocument): boolean {
  return a === b || (a.inputs === b.inputs && a.digest === b.digest && a.sources.join() === b.sources.join())
}

export interface MassDeletion {
  readonly fragments: readonly Fragment[]
  readonly declared: ReadonlyMap<string, DeclaredPolicy>
  readonly stored: readonly PolicyMeta[]
  /** By source: the commit whose removals somebody confirmed. */
  readonly confirmed: ReadonlyMap<string, string>
}

const minimum = 5

/** Sources whose commit would remove at least five policies and more than half of theirs, and was not confirmed. */
export function heldSources({ fragments, declared, stored, confirmed }: MassDeletion): readonly HeldSource[] {
  return fragments.flatMap(({ source, commit }) => {
    const own = stored.filter(({ repository }) => repository === source)
    const removes = own.map(({ _id }) => _id).filter((key) => !declared.has(key))
    const isMass = removes.length >= minimum && removes.length * 2 > own.length
    return isMass && confirmed.get(source) !== commit
      ? [{ source, commit, removes: removes.sort(), of: own.length }]
      : []
  })
}

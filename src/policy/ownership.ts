/** Who owns what: of each key the source, its commit and the file. From a composition, or from what is stored. Pure. */
import { compareText } from './analysis.ts'
import { claimId, claimsOf, type Claimed } from './claims.ts'
import type { Composition } from './compose.ts'
import type { SharedModule } from './packages.ts'
import { showPath, type DataPath } from './paths.ts'
import type { Claim, ModuleDocument, PolicyMeta } from './schema.ts'

export interface Owner {
  readonly source: string
  readonly commit: string
  readonly file: string
  /** Rules own it; it has no file of its own. */
  readonly generated: boolean
}

/** `policy:gaiax/x/1.0`, `module:rbac/core`, `data:roles` have one owner; `package:rbac` has one for each of its modules. */
export type OwnershipIndex = ReadonlyMap<string, readonly Owner[]>

/** `modules` are those in force, whose packages are known. */
export function ownership(composition: Composition, modules: readonly SharedModule[]): OwnershipIndex {
  const packages = modules.map((module): PackageOwner => [
    module.analysis.package,
    { ...module, file: module.file.path },
  ])
  return indexOf(claimsOf(composition), packages)
}

export interface StoredOwnership {
  readonly policies: readonly Pick<PolicyMeta, '_id' | 'repository' | 'commit'>[]
  readonly modules: readonly Pick<ModuleDocument, 'kind' | 'id' | 'repository' | 'commit' | 'path' | 'package'>[]
  /** What rules own, and the source that they belong to. */
  readonly claims: readonly (Claim & { readonly source: string; readonly commit: string })[]
}

export function storedOwnership({ policies, modules, claims }: StoredOwnership): OwnershipIndex {
  const written = [
    ...policies.map(({ _id, repository, commit }) => {
      return { kind: 'policy' as const, key: _id, source: repository, commit, file: `${_id}/policy.rego` }
    }),
    ...modules.map(({ kind, id, repository, commit, path }) => {
      return { kind, key: id, source: repository, commit, file: path }
    }),
  ].map((owned) => ({ ...owned, generated: false }))
  const packages = modules.flatMap(({ package: path, repository, commit, path: file }): readonly PackageOwner[] =>
    path === undefined ? [] : [[path, { source: repository, commit, file }]],
  )
  return indexOf([...written, ...claims.map((claim) => ({ ...claim, generated: true }))], packages)
}

/** Of data the owner of the document at or above the path; undefined when nobody owns the key. */
export function ownersOf(index: OwnershipIndex, key: string): readonly Owner[] | undefined {
  const found = index.get(key)
  if (found !== undefined || !key.startsWith('data:')) return found
  const path = key.slice('data:'.length).split('/')
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const above = index.get(claimId({ kind: 'data', key: path.slice(0, depth).join('/') }))
    if (above !== undefined) return above
  }
  return undefined
}

type PackageOwner = readonly [DataPath, Omit<Owner, 'generated'>]

function indexOf(
  claims: readonly (Pick<Claimed, 'kind' | 'key'> & Owner)[],
  packages: readonly PackageOwner[],
): OwnershipIndex {
  const owners = new Map<string, Owner[]>()
  const add = (key: string, { source, commit, file, generated }: Owner) => {
    const known = owners.get(key)
    if (known === undefined) owners.set(key, [{ source, commit, file, generated }])
    else known.push({ source, commit, file, generated })
  }
  for (const claim of claims) add(claimId(claim), claim)
  for (const [path, owner] of packages) add(packageKey(path), { ...owner, generated: false })
  return new Map([...owners].sort(([a], [b]) => compareText(a, b)))
}

/** `package:rbac`, `package:gaiax["my-name"]`. */
function packageKey(path: DataPath): string {
  return `package:${showPath(path).slice('data.'.length)}`
}

/**
 * What is in force by name: policies in their order, versions of a policy, shared packages by path. Holds no artifact and
 * answers no decision.
 */
import { pathKey, startsWith, type DataPath } from '../policy/paths.ts'
import type { PackageDocument, PolicyMeta } from '../policy/schema.ts'
import { compareNames } from './compare-names.ts'

export interface Catalog {
  readonly put: (policy: PolicyMeta) => void
  readonly putPackage: (found: PackageDocument) => void
  readonly remove: (key: string) => void
  /** By group, name and version, the newest version last. */
  readonly policies: () => readonly PolicyMeta[]
  /** The newest version of `group/name`. */
  readonly newest: (group: string, name: string) => PolicyMeta | undefined
  /** The shared package with the longest path that `path` starts with; never the root. */
  readonly packageAt: (path: DataPath) => PackageDocument | undefined
  /** Shared packages below `path`, or at it, by path. */
  readonly packagesBelow: (path: DataPath) => readonly PackageDocument[]
  /** sha256 of the JSON text of all shared data. */
  readonly sharedData: () => string | null
}

export const createCatalog = (): Catalog => {
  const policies = new Map<string, PolicyMeta>()
  const packages = new Map<string, PackageDocument>()
  let sorted: readonly PolicyMeta[] | undefined
  let newest: ReadonlyMap<string, PolicyMeta> | undefined
  let byPath: ReadonlyMap<string, PackageDocument> | undefined

  const list = () => (sorted ??= [...policies.values()].sort(compareNames))
  const paths = () => (byPath ??= new Map([...packages.values()].map((found) => [pathKey(found.path), found])))
  return {
    put: (policy) => {
      policies.set(policy._id, policy)
      sorted = newest = undefined
    },
    putPackage: (found) => {
      packages.set(found._id, found)
      byPath = undefined
    },
    remove: (key) => {
      if (policies.delete(key)) sorted = newest = undefined
      if (packages.delete(key)) byPath = undefined
    },
    policies: list,
    newest: (group, name) =>
      (newest ??= new Map(list().map((policy) => [pathKey([policy.group, policy.name]), policy]))).get(
        pathKey([group, name]),
      ),
    packageAt: (path) => {
      for (let length = path.length; length > 0; length--) {
        const found = paths().get(pathKey(path.slice(0, length)))
        if (found !== undefined) return found
      }
      return undefined
    },
    packagesBelow: (path) =>
      [...paths().values()]
        .filter((found) => found.path.length > 0 && startsWith(found.path, path))
        .sort((a, b) => (a._id < b._id ? -1 : 1)),
    sharedData: () => paths().get('')?.sharedData ?? null,
  }
}

/**
 * The shared packages in force and what a policy takes of them: the modules that it reaches through references, and
 * the shared data that its references meet. All pure over analyses.
 */
import type { JsonNode } from './json-tree.ts'
import { holdsPath } from './json-tree.ts'
import { overlaps, pathKey, startsWith, type DataPath } from './paths.ts'
import type { ModuleAnalysis, SourceFile } from './schema.ts'
import type { Origin } from './analysis.ts'

/** A shared module as it is in force. */
export interface SharedModule extends Origin {
  readonly id: string
  readonly file: SourceFile
  readonly analysis: ModuleAnalysis
}

/** Shared data as it is in force; `tree` looks into its text. */
export interface SharedData extends Origin {
  readonly id: string
  readonly at: DataPath
  readonly file: SourceFile
  readonly tree: JsonNode
}

export interface SharedPackage {
  readonly path: DataPath
  readonly modules: readonly SharedModule[]
}

/** Finds packages by what a reference may mean: those at, above and below it. */
export interface PackageIndex {
  readonly all: readonly SharedPackage[]
  readonly meeting: (ref: DataPath) => readonly SharedPackage[]
}

export function indexPackages(modules: readonly SharedModule[]): PackageIndex {
  const byPath = group(modules, ({ analysis }) => pathKey(analysis.package))
  const all = [...byPath.values()].flatMap((members): SharedPackage[] => {
    const [first] = members
    return first === undefined ? [] : [{ path: first.analysis.package, modules: members }]
  })
  const byHead = group(all, ({ path }) => path[0] ?? '')
  return {
    all,
    meeting: (ref) => {
      const [head] = ref
      return head === undefined ? all : (byHead.get(head) ?? []).filter(({ path }) => overlaps(path, ref))
    },
  }
}

export interface Reached {
  readonly packages: readonly SharedPackage[]
  readonly modules: readonly SharedModule[]
  /** All references, of the files themselves and of the modules reached. */
  readonly refs: readonly DataPath[]
}

/** What `files` reach, transitively. */
export function reach(files: readonly ModuleAnalysis[], index: PackageIndex): Reached {
  const refs = new Map<string, DataPath>()
  const packages = new Set<SharedPackage>()
  const pending: ModuleAnalysis[] = [...files]
  for (let module = pending.pop(); module !== undefined; module = pending.pop()) {
    for (const ref of module.refs) {
      const key = JSON.stringify(ref)
      if (refs.has(key)) continue
      refs.set(key, ref)
      for (const found of index.meeting(ref)) {
        if (packages.has(found)) continue
        packages.add(found)
        pending.push(...found.modules.map(({ analysis }) => analysis))
      }
    }
  }
  return { packages: [...packages], modules: [...packages].flatMap((found) => found.modules), refs: [...refs.values()] }
}

/** The shared data that some reference meets: at or below its path, or above it where the document holds that path. */
export function dataMet(refs: readonly DataPath[], data: readonly SharedData[]): readonly SharedData[] {
  return data.filter(({ at, tree }) =>
    refs.some((ref) => startsWith(at, ref) || (startsWith(ref, at) && holdsPath(tree, ref.slice(at.length)))),
  )
}

function group<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const known = groups.get(key)
    if (known === undefined) groups.set(key, [item])
    else known.push(item)
  }
  return groups
}

/**
 * The shared packages in force and what a policy takes of them: the modules that it reaches through references, and
 * the shared data that its references meet. All pure over analyses.
 */
import type { JsonNode } from './json-tree.ts'
import { holdsPath } from './json-tree.ts'
import { overlaps, pathKey, startsWith, type DataPath } from './paths.ts'
import type { ModuleAnalysis, SourceFile } from './schema.ts'
import type { Origin } from './analysis.ts'
import type { Readable } from './readable.ts'

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

/** A reference, and who makes it: a source whose reading is limited, or `null`. */
export interface Reference {
  readonly path: DataPath
  readonly reader: string | null
}

export interface Reached {
  readonly packages: readonly SharedPackage[]
  readonly modules: readonly SharedModule[]
  /** All references, of the files themselves and of the modules reached. */
  readonly refs: readonly Reference[]
}

/** A file, and the source whose reading counts for it; none when it may use everything. */
export interface Reader {
  readonly analysis: ModuleAnalysis
  readonly source?: string | undefined
}

/** What `files` reach, transitively; each module reaches what its own source may use. */
export function reach(files: readonly Reader[], index: PackageIndex, readable?: Readable): Reached {
  const readerOf = ({ source }: Reader) =>
    source !== undefined && readable?.isLimited(source) === true ? source : null
  const mayUse = (reader: string | null, module: SharedModule) =>
    reader === null || readable === undefined || readable.module(reader, module)
  const refs = new Map<string, Reference>()
  const packages = new Set<SharedPackage>()
  const modules = new Set<SharedModule>()
  const pending = files.map((file) => ({ analysis: file.analysis, reader: readerOf(file) }))
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { analysis, reader } = next
    for (const path of analysis.refs) {
      const key = JSON.stringify([reader, path])
      if (refs.has(key)) continue
      refs.set(key, { path, reader })
      for (const found of index.meeting(path)) {
        for (const module of found.modules) {
          if (modules.has(module) || !mayUse(reader, module)) continue
          packages.add(found)
          modules.add(module)
          pending.push({ analysis: module.analysis, reader: readerOf(module) })
        }
      }
    }
  }
  return { packages: [...packages], modules: [...modules], refs: [...refs.values()] }
}

/** The shared data that some reference meets: at or below its path, or above it where the document holds that path. */
export function dataMet(
  refs: readonly Reference[],
  data: readonly SharedData[],
  readable?: Readable,
): readonly SharedData[] {
  return data.filter((item) =>
    refs.some(
      ({ path, reader }) =>
        (startsWith(item.at, path) ||
          (startsWith(path, item.at) && holdsPath(item.tree, path.slice(item.at.length)))) &&
        (reader === null || readable === undefined || readable.data(reader, item)),
    ),
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

/**
 * Which shared modules and data of others a source's policies may use: what its read scope names, the libraries, and what
 * Edict ships. What a module that it uses needs in turn comes along, as far as that module's own source may use it.
 */
import { findingOf } from './analysis.ts'
import type { AnalysedFile, ArtifactPlan } from './artifact.ts'
import type { DeclaredPolicy } from './compose.ts'
import { holdsPath } from './json-tree.ts'
import type { PackageIndex, SharedData, SharedModule } from './packages.ts'
import { showPath, startsWith, type DataPath } from './paths.ts'
import { shippedSource } from './rbac.ts'
import type { Finding } from './schema.ts'
import { coversModule, coversPath, type Library, type ReadScope, type SourceScope } from './scope.ts'

export interface Readable {
  /** Whether its read scope limits a source at all. */
  readonly isLimited: (source: string) => boolean
  readonly module: (source: string, module: Pick<SharedModule, 'source' | 'id'>) => boolean
  readonly data: (source: string, data: Pick<SharedData, 'source' | 'at'>) => boolean
}

export function readableOf(scopes: ReadonlyMap<string, SourceScope>, libraries: readonly Library[]): Readable {
  const limits = new Map<string, ReadScope>()
  for (const [source, { read }] of scopes) if (read !== undefined) limits.set(source, read)
  const isFree = (source: string, owner: string) => source === owner || owner === shippedSource
  return {
    isLimited: (source) => limits.has(source),
    module: (source, { source: owner, id }) => {
      const patterns = limits.get(source)?.modules
      if (patterns === undefined || isFree(source, owner)) return true
      const shared = libraries.filter((library) => library.source === owner).flatMap(({ modules }) => modules)
      return coversModule({ policies: [], modules: [...patterns, ...shared], data: [] }, id)
    },
    data: (source, { source: owner, at }) => {
      const patterns = limits.get(source)?.data
      if (patterns === undefined || isFree(source, owner)) return true
      const shared = libraries.filter((library) => library.source === owner).flatMap(({ data }) => data)
      return coversPath([...patterns, ...shared], at)
    },
  }
}

export interface CheckReads {
  readonly policy: DeclaredPolicy
  readonly own: readonly AnalysedFile[]
  readonly index: PackageIndex
  readonly data: readonly SharedData[]
  readonly plan: Pick<ArtifactPlan, 'modules' | 'data'>
  readonly readable: Readable
}

/** References of a policy's own files to what its source may not use; a warning where part of a package is left out. */
export function checkReads({ policy, own, index, data, plan, readable }: CheckReads): readonly Finding[] {
  const { source } = policy
  if (!readable.isLimited(source)) return []
  const findings = new Map<string, Finding>()
  for (const { file, analysis } of own) {
    const report = (ref: DataPath, what: string, owner: string, severity: Finding['severity'] = 'error') => {
      const message = `it refers to ${showPath(ref)}, but ${what} of ${owner} is outside of what ${source} may read`
      const line = lineOf(file.text, ref) ?? analysis.packageLine
      findings.set(
        `${file.path} ${what}`,
        findingOf(policy, 'out_of_scope_read', message, { file: file.path, line, severity }),
      )
    }
    for (const ref of analysis.refs) {
      for (const { path, modules } of index.meeting(ref)) {
        const hidden = modules.filter((module) => !readable.module(source, module))
        const isNamed = startsWith(ref, path)
        const severity = hidden.length === modules.length ? 'error' : 'warning'
        for (const module of hidden) {
          if (isNamed) report(ref, `module ${module.id}`, module.source, severity)
          else if (plan.modules.includes(module)) report(ref, `module ${module.id}`, module.source)
        }
      }
      for (const item of data.filter((one) => !readable.data(source, one) && names(ref, one, plan)))
        report(ref, `data ${showPath(item.at)}`, item.source)
    }
  }
  return [...findings.values()]
}

/** The reference names something inside the document; or it reaches all around one that came along with a module. */
function names(ref: DataPath, item: SharedData, plan: CheckReads['plan']): boolean {
  if (startsWith(ref, item.at)) return holdsPath(item.tree, ref.slice(item.at.length))
  return startsWith(item.at, ref) && plan.data.includes(item)
}

/** The first line that spells the reference, or the beginning of it, as an import does. */
function lineOf(text: string, ref: DataPath): number | undefined {
  const lines = text.split('\n')
  for (let length = ref.length; length >= 0; length--) {
    const shown = length === 0 ? 'data[' : showPath(ref.slice(0, length))
    const index = lines.findIndex((line) => line.includes(shown) && !line.trimStart().startsWith('#'))
    if (index !== -1) return index + 1
  }
  return undefined
}

/** What goes into one policy's artifact, and the digest that names it: the same inputs never compile twice. */
import type { RegoFile } from './analysis.ts'
import type { DeclaredPolicy } from './compose.ts'
import { digestOf } from './digest.ts'
import { entryModule, entryPackage, type Entry } from './entry.ts'
import { joinData, type JoinedData } from './json-tree.ts'
import { dataMet, reach, type PackageIndex, type Reached, type SharedData, type SharedModule } from './packages.ts'
import type { DataPath } from './paths.ts'
import type { Readable } from './readable.ts'
import type { ModuleAnalysis, SourceFile } from './schema.ts'

export interface AnalysedFile {
  /** Of a shared module: the source that declares it. */
  readonly source?: string
  readonly file: SourceFile
  readonly analysis: ModuleAnalysis
}

/** What everything is built with. */
export interface Tool {
  readonly version: string
  readonly capabilities: string
}

export interface ArtifactPlan {
  /** What opa compiles: the policy's files, the shared modules that it reaches, the entry. */
  readonly files: readonly RegoFile[]
  /** The same with its tests and what those reach, for checking; null when it has no tests. */
  readonly checked: readonly RegoFile[] | null
  readonly modules: readonly SharedModule[]
  readonly data: readonly SharedData[]
  /** What its tests meet besides. */
  readonly testData: readonly SharedData[]
  readonly packages: readonly DataPath[]
  readonly entry: Entry
  readonly inputs: string
}

/** Changes whenever the way from inputs to artifact changes. */
const format = '1'

export interface PlanArtifact {
  readonly policy: Pick<DeclaredPolicy, 'rego' | 'tests' | 'sideFiles' | 'data'> & { readonly source?: string }
  /** The package whose document is the answer. */
  readonly packagePath: DataPath
  readonly entry: Entry
  readonly rego: readonly AnalysedFile[]
  readonly tests: readonly AnalysedFile[]
  readonly index: PackageIndex
  readonly data: readonly SharedData[]
  readonly tool: Tool
  /** What each source may use of others; without it, everything. */
  readonly readable?: Readable | undefined
  /** Its tests are run before it is published. */
  readonly tested?: boolean
}

export function planArtifact(options: PlanArtifact): ArtifactPlan {
  const { policy, packagePath, entry, rego, tests, index, data, tool, readable, tested = false } = options
  const readers = (files: readonly AnalysedFile[]) =>
    files.map(({ analysis, source = policy.source }) => ({ analysis, source }))
  const isOwn = new Set(rego.map(({ file }) => file.path))
  const reached = others(reach(readers(rego), index, readable), isOwn)
  const met = dataMet(reached.refs, data, readable)
  const modules = reached.modules.map(ofModule)
  const withTests = tests.length === 0 ? undefined : others(reach(readers([...rego, ...tests]), index, readable), isOwn)
  const testMet = withTests === undefined ? [] : dataMet(withTests.refs, data, readable)
  const testData = testMet.filter((item) => !met.includes(item))
  return {
    files: [...rego.map(regoFile), ...modules, entryModule(packagePath, entry)],
    checked:
      withTests === undefined
        ? null
        : [...rego.map(regoFile), ...tests.map(regoFile), ...withTests.modules.map(ofModule)],
    modules: reached.modules,
    data: met,
    testData,
    packages: [packagePath, entryPackage, ...reached.packages.map(({ path }) => path)],
    entry,
    inputs: digestOf([
      ['format', format],
      ['opa', tool.version, tool.capabilities],
      ...[...policy.rego, ...policy.tests, ...policy.sideFiles].map(named('own')),
      ...(policy.data === null ? [] : [policy.data].map(named('own'))),
      ...(withTests ?? reached).modules.map(({ file }) => named('module')(file)),
      ...met.map(({ file }) => named('data')(file)),
      ...(tested ? [['tested'], ...testData.map(({ file }) => named('data')(file))] : []),
    ]),
  }
}

/** A shared package reaches itself. */
function others(reached: Reached, own: ReadonlySet<string>): Reached {
  return { ...reached, modules: reached.modules.filter(({ file }) => !own.has(file.path)) }
}

/** The root of `data`: the shared data that is met, and over it the policy's own. */
export function artifactData(policy: Pick<DeclaredPolicy, 'data'>, plan: Pick<ArtifactPlan, 'data'>): JoinedData {
  const shared = plan.data.map(({ at, file }) => ({ at, text: file.text }))
  return joinData([...shared, ...(policy.data === null ? [] : [{ at: [], text: policy.data.text }])])
}

/** Everything that decides: what the answer's `x-policy-digest` shows. */
export function artifactDigest(wasm: string, data: string, entry: Entry): string {
  return digestOf([
    ['wasm', wasm],
    ['data', data],
    ['entry', entry.kind],
  ])
}

function named(role: string): (file: SourceFile) => readonly string[] {
  return (file) => [role, file.path, file.digest]
}

function regoFile({ file, analysis }: AnalysedFile): RegoFile {
  return { path: file.path, text: file.text, regoVersion: analysis.regoVersion }
}

function ofModule(module: SharedModule): RegoFile {
  return regoFile(module)
}

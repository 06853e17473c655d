/** A tests file beside shared modules, run against those that are in force; and which modules it is about. */
import type { ParsedModule } from '../../src/policy/analysis.ts'
import { artifactData, planArtifact, type ArtifactPlan } from '../../src/policy/artifact.ts'
import type { DeclaredModule } from '../../src/policy/compose.ts'
import { overlaps, pathKey, type DataPath } from '../../src/policy/paths.ts'
import type { Finding, ModuleAnalysis, SourceFile } from '../../src/policy/schema.ts'
import { regoTests, type RegoTest } from '../../src/testing/rego-tests.ts'
import { testFindings } from '../../src/testing/tester.ts'
import { buildRules, type PolicyTests, type TestStage } from './test-policy.ts'

export interface ModuleTestStage extends TestStage {
  readonly parsed: (file: SourceFile) => Promise<ParsedModule | undefined>
  /** What was run before, by what went into it. */
  readonly known: KnownTests
}

export interface KnownTests {
  readonly get: (inputs: string) => PolicyTests | undefined
  readonly set: (inputs: string, tests: PolicyTests) => void
}

export interface ModuleTests extends PolicyTests {
  /** It was run now: something that it reaches has changed, or this process has not run it yet. */
  readonly isNew: boolean
}

/** null: it cannot be parsed, or its source is not tested. */
export async function testModule(module: DeclaredModule, stage: ModuleTestStage): Promise<ModuleTests | null> {
  const { index, data, tool, readable, tester, known } = stage
  const { file, source, id } = module
  const parsed = file === null ? undefined : await stage.parsed(file)
  if (file === null || parsed?.ok !== true || tester?.isOn(source) !== true) return null
  const analysed = { file, analysis: parsed.analysis, source }
  const plan = planArtifact({
    policy: { rego: [], tests: [file], sideFiles: [], data: null, source },
    packagePath: parsed.analysis.package,
    entry: { kind: 'package', rule: null },
    rego: [],
    tests: [analysed],
    index,
    data,
    tool,
    readable,
    tested: true,
  })
  const key = [source, id, plan.inputs].join('\0')
  const before = known.get(key)
  if (before !== undefined) return { ...before, findings: before.findings.map(laidAt(module)), isNew: false }
  const tests = await run(module, { rules: regoTests([analysed]), plan }, stage)
  known.set(key, tests)
  return { ...tests, isNew: true }
}

/** At the door of the commit that is looked at now. */
const laidAt =
  ({ commit, author }: DeclaredModule) =>
  (finding: Finding): Finding => ({ ...finding, commit, ...(author !== null && { author }) })

interface Run {
  readonly rules: readonly RegoTest[]
  readonly plan: ArtifactPlan
}

async function run(module: DeclaredModule, { rules: tests, plan }: Run, stage: TestStage): Promise<PolicyTests> {
  const key = `module:${module.id}`
  const { source } = module
  const joined = artifactData({ data: null }, { data: plan.testData })
  const data = Buffer.from(joined.ok ? joined.text : '{}')
  const rules = await buildRules({ subject: { ...module, data: null }, rules: tests, plan, data }, stage)
  if (rules === null || 'findings' in rules)
    return { report: { key, source, results: [] }, findings: rules?.findings ?? [] }
  const tested = await stage.tester?.test({
    key,
    source,
    digest: plan.inputs,
    policy: rules.compiled,
    files: plan.checked ?? [],
    packagePath: [],
    cases: null,
    rules,
  })
  const { results = [] } = tested ?? {}
  return { report: { key, source, results }, findings: tested === undefined ? [] : testFindings(module, tested) }
}

export interface Neighbour {
  readonly module: DeclaredModule
  readonly analysis: ModuleAnalysis
}

/**
 * Of its source's modules: the one of the same name, and those of the package that it names (`lib.time_test` is about
 * `lib.time`); when there is none, those that it refers to.
 */
export function testedBy(
  test: Pick<Neighbour, 'module' | 'analysis'>,
  modules: readonly Neighbour[],
): readonly DeclaredModule[] {
  const { module, analysis } = test
  const beside = module.path.replace(/_test\.rego$/, '.rego')
  const named = new Set([pathKey(analysis.package), pathKey(withoutSuffix(analysis.package))])
  const own = modules.filter((other) => other.module.source === module.source)
  const near = own.filter((other) => other.module.path === beside || named.has(pathKey(other.analysis.package)))
  const met = own.filter((other) =>
    analysis.refs.some((ref) => ref.length > 0 && overlaps(ref, other.analysis.package)),
  )
  return (near.length > 0 ? near : met).map((other) => other.module)
}

const withoutSuffix = (path: DataPath): DataPath => [...path.slice(0, -1), (path.at(-1) ?? '').replace(/_test$/, '')]

/** A policy's tests, run on its artifact before anybody is given it. */
import type { Origin, ParsedModule } from '../src/policy/analysis.ts'
import { artifactData, planArtifact, type AnalysedFile, type ArtifactPlan } from '../src/policy/artifact.ts'
import { entryPath } from '../src/policy/entry.ts'
import type { DeclaredModule, DeclaredPolicy } from '../src/policy/compose.ts'
import type { Finding, PolicyMeta, SourceFile } from '../src/policy/schema.ts'
import { regoTests, testEntry, testEntrypoint, type RegoTest } from '../src/testing/rego-tests.ts'
import { testFindings, type Tester, type TestSubject } from '../src/testing/tester.ts'
import type { TestReport } from '../src/testing/test-result.ts'
import { testsFileName } from '../src/testing/test-file.ts'
import { errorFinding, type ArtifactStage, type Good } from './compile-artifact.ts'

export interface TestStage extends ArtifactStage {
  readonly tester?: Tester | undefined
  /** What is stored under a digest; without it, nothing is compared with what is in force. */
  readonly readBlob?: ((digest: string) => Promise<Uint8Array>) | undefined
}

/** Of a policy, or of the file beside a shared module. */
export interface PolicyTests {
  readonly report: TestReport
  readonly findings: readonly Finding[]
}

/** What there is to run; null: nothing, or it is not wanted. */
export interface PlannedTests {
  readonly tester: Tester
  readonly cases: SourceFile | null
  readonly rules: readonly RegoTest[]
}

export function plannedTests(
  { source, sideFiles }: DeclaredPolicy,
  tests: readonly AnalysedFile[],
  tester: Tester | undefined,
): PlannedTests | null {
  if (tester?.isOn(source) !== true) return null
  const cases = sideFiles.find(({ path }) => path.endsWith(`/${testsFileName}`)) ?? null
  const rules = regoTests(tests)
  return cases === null && rules.length === 0 ? null : { tester, cases, rules }
}

export interface TestRun {
  readonly policy: DeclaredPolicy
  readonly planned: PlannedTests
  readonly plan: ArtifactPlan
  readonly good: Good
  readonly stored: PolicyMeta | undefined
}

export async function testPolicy(run: TestRun, stage: TestStage): Promise<PolicyTests> {
  const { policy, planned, good } = run
  const { key, source } = policy
  const rules = await builtRules(run, stage)
  if (rules !== null && 'findings' in rules) return { report: { key, source, results: [] }, findings: rules.findings }
  const { tester, cases } = planned
  const { digest, wasm, data } = good
  const tested = await tester.test({ ...whatFor(run), digest, cases, rules, policy: { wasm, data } })
  const before = await resultsBefore(run, stage)
  const report = { key, source, results: tested.results, ...(before !== undefined && { before }) }
  return { report, findings: testFindings(policy, tested) }
}

function whatFor({ policy: { key, source, group, name }, plan }: TestRun) {
  const files = (plan.checked ?? plan.files).filter(({ path }) => path !== entryPath)
  return { key, source, files, packagePath: [group, name] }
}

/** The same cases on the artifact that stands in the store: what they cost there. A blob that is gone is no reason to fail. */
async function resultsBefore(run: TestRun, { readBlob }: TestStage): Promise<TestReport['before']> {
  const { tester, cases } = run.planned
  const { good, stored } = run
  const artifact = stored?.artifact ?? null
  if (cases === null || artifact === null || readBlob === undefined || stored?.digest === good.digest) return undefined
  try {
    const [wasm, data] = await Promise.all([readBlob(artifact.wasm), readBlob(artifact.data)])
    const digest = stored?.digest ?? ''
    const tested = await tester.test({ ...whatFor(run), digest, cases, rules: null, policy: { wasm, data } })
    return tested.results
  } catch {
    return undefined
  }
}

type BuiltRules = TestSubject['rules'] | { readonly findings: readonly Finding[] }

async function builtRules({ policy, planned, plan, good }: TestRun, stage: TestStage): Promise<BuiltRules> {
  const joined = artifactData(policy, { data: [...plan.data, ...plan.testData] })
  const data = joined.ok ? Buffer.from(joined.text) : good.data
  return buildRules({ subject: policy, rules: planned.rules, plan, data }, stage)
}

interface RuleBuild {
  readonly subject: Origin & Pick<DeclaredPolicy, 'data'>
  readonly rules: readonly RegoTest[]
  readonly plan: ArtifactPlan
  readonly data: Uint8Array
}

async function buildRules(build: RuleBuild, { opa, signal }: TestStage): Promise<BuiltRules> {
  const { subject, rules: tests, plan, data } = build
  if (tests.length === 0 || plan.checked === null) return null
  const entrypoints = tests.map((_, index) => testEntrypoint(index))
  const built = await opa.build([...plan.checked, testEntry(tests)], entrypoints, { signal })
  const main = tests[0]?.file ?? ''
  if (!built.ok) return { findings: built.errors.map((error) => errorFinding({ ...subject, main }, plan, error)) }
  return { tests, compiled: { wasm: built.wasm, data } }
}

/** The tests beside shared modules, against those that are in force. */
export async function testModules(
  tests: Iterable<DeclaredModule>,
  stage: TestStage & { readonly parsed: (file: SourceFile) => Promise<ParsedModule | undefined> },
): Promise<readonly PolicyTests[]> {
  const { index, data, tool, readable, tester } = stage
  const all: PolicyTests[] = []
  for (const module of tests) {
    // oxlint-disable-next-line no-await-in-loop
    const parsed = module.file === null ? undefined : await stage.parsed(module.file)
    if (module.file === null || parsed?.ok !== true || tester?.isOn(module.source) !== true) continue
    const file = { file: module.file, analysis: parsed.analysis, source: module.source }
    const plan = planArtifact({
      policy: { rego: [], tests: [module.file], sideFiles: [], data: null, source: module.source },
      packagePath: parsed.analysis.package,
      entry: { kind: 'package', rule: null },
      rego: [],
      tests: [file],
      index,
      data,
      tool,
      readable,
      tested: true,
    })
    // oxlint-disable-next-line no-await-in-loop
    all.push(await testModule(module, { rules: regoTests([file]), plan }, stage))
  }
  return all
}

async function testModule(
  module: DeclaredModule,
  { rules: tests, plan }: Pick<RuleBuild, 'rules' | 'plan'>,
  stage: TestStage,
): Promise<PolicyTests> {
  const key = `module:${module.id}`
  const { source } = module
  const joined = artifactData({ data: null }, { data: plan.testData })
  const data = Buffer.from(joined.ok ? joined.text : '{}')
  const rules = await buildRules({ subject: { ...module, data: null }, rules: tests, plan, data }, stage)
  if (rules === null || 'findings' in rules)
    return { report: { key, source, results: [] }, findings: rules?.findings ?? [] }
  const policy = rules.compiled
  const tested = await stage.tester?.test({
    key,
    source,
    digest: plan.inputs,
    policy,
    files: plan.checked ?? [],
    packagePath: [],
    cases: null,
    rules,
  })
  const { results = [] } = tested ?? {}
  return { report: { key, source, results }, findings: tested === undefined ? [] : testFindings(module, tested) }
}

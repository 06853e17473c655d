/** A policy's tests, run on its artifact before anybody is given it. */
import type { Origin } from '../../src/policy/analysis.ts'
import { artifactData, type AnalysedFile, type ArtifactPlan } from '../../src/policy/artifact.ts'
import { entryPath } from '../../src/policy/entry.ts'
import type { DeclaredPolicy } from '../../src/policy/compose.ts'
import type { Finding, PolicyMeta, SourceFile } from '../../src/policy/schema.ts'
import { regoTests, testEntry, testEntrypoint, type RegoTest } from '../../src/testing/rego-tests.ts'
import { testFindings, type Tester, type TestSubject } from '../../src/testing/tester.ts'
import type { TestReport } from '../../src/testing/test-result.ts'
import { testsFileName } from '../../src/testing/test-file.ts'
import { errorFinding, type ArtifactStage, type Good } from './compile-artifact.ts'

export interface TestStage extends ArtifactStage {
  readonly tester?: Tester | undefined
  /** What is stored under a digest; without it, nothing is compared with what is in force. */
  readonly readBlob?: ((digest: string) => Promise<Uint8Array>) | undefined
}

/** Of a policy, or of a file beside shared modules. */
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

export interface RuleBuild {
  readonly subject: Origin & Pick<DeclaredPolicy, 'data'>
  readonly rules: readonly RegoTest[]
  readonly plan: ArtifactPlan
  readonly data: Uint8Array
}

export async function buildRules(build: RuleBuild, { opa, signal }: TestStage): Promise<BuiltRules> {
  const { subject, rules: tests, plan, data } = build
  if (tests.length === 0 || plan.checked === null) return null
  const entrypoints = tests.map((_, index) => testEntrypoint(index))
  const built = await opa.build([...plan.checked, testEntry(tests)], entrypoints, { signal })
  const main = tests[0]?.file ?? ''
  if (!built.ok) return { findings: built.errors.map((error) => errorFinding({ ...subject, main }, plan, error)) }
  return { tests, compiled: { wasm: built.wasm, data } }
}

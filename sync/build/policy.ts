/** One policy: all checks, then its artifact, unless the stored one was made of the same inputs. */
import { findingOf, isError, type ParsedModule } from '../../src/policy/analysis.ts'
import { planArtifact, type AnalysedFile } from '../../src/policy/artifact.ts'
import type { DeclaredPolicy } from '../../src/policy/compose.ts'
import { entryOf } from '../../src/policy/entry.ts'
import { holdsPath } from '../../src/policy/json-tree.ts'
import { indexPackages, type PackageIndex, type SharedPackage } from '../../src/policy/packages.ts'
import { overlaps, showPath } from '../../src/policy/paths.ts'
import { shippedSource } from '../../src/policy/rbac.ts'
import { checkReads } from '../../src/policy/readable.ts'
import type { Artifact, Finding, PolicyMeta, RegoVersion, SourceFile } from '../../src/policy/schema.ts'
import type { TestReport } from '../../src/testing/test-result.ts'
import {
  checkDataFile,
  checkImports,
  checkJson,
  checkPackage,
  checkRegoFile,
  type PolicyLimits,
  type PolicyPackages,
} from '../../src/policy/validate.ts'
import { compile, takeArtifact } from './compile-artifact.ts'
import { plannedTests, testPolicy, type TestStage } from './test-policy.ts'

export interface PolicyStage extends TestStage {
  readonly limits: PolicyLimits
  readonly packages: PolicyPackages
  readonly parsed: (file: SourceFile) => Promise<ParsedModule | undefined>
}

export type PolicyResult =
  | {
      readonly kind: 'good'
      readonly artifact: Artifact
      readonly digest: string
      readonly inputs: string
      readonly regoVersion: RegoVersion
      readonly warnings: readonly Finding[]
      readonly tests: TestReport | null
    }
  /** Its stored artifact is made of these very inputs. */
  | { readonly kind: 'same'; readonly warnings: readonly Finding[] }
  | {
      readonly kind: 'refused'
      readonly findings: readonly Finding[]
      readonly regoVersion: RegoVersion
      readonly tests: TestReport | null
    }

export async function buildPolicy(
  policy: DeclaredPolicy,
  stored: PolicyMeta | undefined,
  stage: PolicyStage,
): Promise<PolicyResult> {
  const own = await analysed(policy.rego, stage)
  const tests = await analysed(policy.tests, stage)
  const regoVersion: RegoVersion = own.some(({ analysis }) => analysis.regoVersion === 0) ? 0 : 1
  const findings = await checkFiles(policy, own, tests, stage)
  const refused = (found: readonly Finding[], report: TestReport | null = null): PolicyResult => {
    return { kind: 'refused', findings: found, regoVersion, tests: report }
  }
  if (findings.some(isError)) return refused(findings)
  const packagePath = [policy.group, policy.name]
  const entry = entryOf(own.map(({ analysis }) => analysis))
  const { data, tool, readable } = stage
  const index = indexFor(policy, stage)
  const planned = plannedTests(policy, tests, stage.tester)
  const tested = planned !== null
  const plan = planArtifact({ policy, packagePath, entry, rego: own, tests, index, data, tool, readable, tested })
  if (readable !== undefined) findings.push(...checkReads({ policy, own, index, data, plan, readable }))
  if (findings.some(isError)) return refused(findings)
  if (stored?.artifact != null && stored.inputs === plan.inputs) return { kind: 'same', warnings: findings }
  const areTestsBuilt = planned !== null && planned.rules.length > 0
  const subject = { ...policy, main: `${policy.directory}/policy.rego` }
  const built = await compile(subject, { ...plan, areTestsBuilt }, stage)
  if ('findings' in built) return refused([...findings, ...built.findings])
  const run = planned === null ? null : await testPolicy({ policy, planned, plan, good: built, stored }, stage)
  findings.push(...(run?.findings ?? []))
  const report = run?.report ?? null
  if (findings.some(isError)) return refused(findings, report)
  await takeArtifact(built, stage)
  const { artifact, digest } = built
  return {
    kind: 'good',
    artifact,
    digest,
    inputs: plan.inputs,
    regoVersion,
    warnings: findings,
    tests: report,
  }
}

/** Its own data comes before a package that Edict ships. */
function indexFor({ data }: DeclaredPolicy, { index, json }: PolicyStage): PackageIndex {
  if (data === null) return index
  const isHidden = ({ path, modules }: SharedPackage): boolean =>
    modules.every(({ source }) => source === shippedSource) && holdsPath(json(data).tree(), path)
  const rest = index.all.filter((found) => !isHidden(found))
  return rest.length === index.all.length ? index : indexPackages(rest.flatMap(({ modules }) => modules))
}

async function analysed(files: readonly SourceFile[], { parsed }: PolicyStage): Promise<readonly AnalysedFile[]> {
  const all: AnalysedFile[] = []
  for (const file of files) {
    const result = await parsed(file)
    if (result?.ok === true) all.push({ file, analysis: result.analysis })
  }
  return all
}

async function checkFiles(
  policy: DeclaredPolicy,
  own: readonly AnalysedFile[],
  tests: readonly AnalysedFile[],
  stage: PolicyStage,
): Promise<Finding[]> {
  const { limits, json, packages, parsed } = stage
  const findings = [...policy.findings]
  for (const file of [...policy.rego, ...policy.tests])
    findings.push(...checkRegoFile(policy, file, await parsed(file), limits))
  for (const { file, analysis } of own) findings.push(...checkPackage(policy, file, analysis))
  for (const file of policy.sideFiles.filter(({ path }) => path.endsWith('.json'))) {
    findings.push(...checkJson(policy, file, json(file).verdict))
  }
  if (policy.data !== null) findings.push(...checkDataFile(policy, policy.data, json, limits))
  const isData = dataReader(policy, stage)
  for (const { file, analysis } of [...own, ...tests]) {
    findings.push(
      ...checkImports({ origin: policy, file, analysis, packages, own: [policy.group, policy.name], isData }),
    )
  }
  return [...findings, ...checkSharedPackages(policy, own, stage)]
}

/** Whether data of its own, or shared data, explains a reference that looks like another policy's package. */
function dataReader(policy: DeclaredPolicy, { json, data }: PolicyStage): (path: readonly string[]) => boolean {
  const { data: file } = policy
  const own = file !== null && json(file).verdict.ok ? json(file).tree : undefined
  return (path) =>
    (own !== undefined && holdsPath(own(), path)) || data.some(({ at }) => at.length > 0 && overlaps(at, path))
}

function checkSharedPackages(
  policy: DeclaredPolicy,
  own: readonly AnalysedFile[],
  { index }: PolicyStage,
): readonly Finding[] {
  const path = [policy.group, policy.name]
  const [met] = index.meeting(path)
  const [first] = own
  if (met === undefined || first === undefined) return []
  const message = `the package ${showPath(path)} meets the shared package ${showPath(met.path)} of ${met.modules[0]?.file.path ?? ''}`
  return [findingOf(policy, 'package_overlap', message, { file: first.file.path, line: first.analysis.packageLine })]
}

/** One policy: all checks, then its artifact, unless the stored one was made of the same inputs. */
import {
  findingOf,
  findingOfError,
  isError,
  type Origin,
  type ParsedModule,
  type RegoError,
} from '../src/policy/analysis.ts'
import {
  artifactData,
  artifactDigest,
  planArtifact,
  type AnalysedFile,
  type ArtifactPlan,
  type Tool,
} from '../src/policy/artifact.ts'
import type { DeclaredPolicy } from '../src/policy/compose.ts'
import { sha256 } from '../src/policy/digest.ts'
import type { Blob } from '../src/policy/documents.ts'
import { entryPath, entrypoint } from '../src/policy/entry.ts'
import { holdsPath } from '../src/policy/json-tree.ts'
import type { PackageIndex, SharedData } from '../src/policy/packages.ts'
import { overlaps, showPath } from '../src/policy/paths.ts'
import type { Artifact, Finding, PolicyMeta, RegoVersion, SourceFile } from '../src/policy/schema.ts'
import {
  checkDataFile,
  checkImports,
  checkJson,
  checkPackage,
  checkRegoFile,
  overlapFinding,
  shadowedPackage,
  shadowFinding,
  type JsonReader,
  type PolicyLimits,
  type PolicyPackages,
} from '../src/policy/validate.ts'
import type { CachedOpa } from '../src/opa/cached.ts'

export interface PolicyStage {
  readonly opa: Pick<CachedOpa, 'check' | 'build'>
  readonly tool: Tool
  readonly limits: PolicyLimits
  readonly json: JsonReader
  readonly packages: PolicyPackages
  readonly index: PackageIndex
  readonly data: readonly SharedData[]
  readonly parsed: (file: SourceFile) => Promise<ParsedModule | undefined>
  readonly takeBlob: (blob: Blob) => Promise<void>
  readonly signal?: AbortSignal | undefined
}

export type PolicyResult =
  | {
      readonly kind: 'good'
      readonly artifact: Artifact
      readonly digest: string
      readonly inputs: string
      readonly regoVersion: RegoVersion
      readonly warnings: readonly Finding[]
    }
  /** Its stored artifact is made of these very inputs. */
  | { readonly kind: 'same'; readonly warnings: readonly Finding[] }
  | { readonly kind: 'refused'; readonly findings: readonly Finding[]; readonly regoVersion: RegoVersion }

export async function buildPolicy(
  policy: DeclaredPolicy,
  stored: PolicyMeta | undefined,
  stage: PolicyStage,
): Promise<PolicyResult> {
  const own = await analysed(policy.rego, stage)
  const tests = await analysed(policy.tests, stage)
  const regoVersion: RegoVersion = own.some(({ analysis }) => analysis.regoVersion === 0) ? 0 : 1
  const findings = await checkFiles(policy, own, tests, stage)
  if (findings.some(isError)) return { kind: 'refused', findings, regoVersion }
  const plan = planArtifact({ policy, rego: own, tests, index: stage.index, data: stage.data, tool: stage.tool })
  if (stored?.artifact != null && stored.inputs === plan.inputs) return { kind: 'same', warnings: findings }
  const built = await compile(policy, plan, stage)
  if ('findings' in built) return { kind: 'refused', findings: [...findings, ...built.findings], regoVersion }
  return { kind: 'good', ...built, inputs: plan.inputs, regoVersion, warnings: findings }
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
): Promise<readonly Finding[]> {
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

type Compiled = { readonly artifact: Artifact; readonly digest: string } | { readonly findings: readonly Finding[] }

async function compile(policy: DeclaredPolicy, plan: ArtifactPlan, stage: PolicyStage): Promise<Compiled> {
  const { opa, signal, takeBlob } = stage
  const dataFindings = checkArtifactData(policy, plan, stage)
  const joined = artifactData(policy, plan)
  if (!joined.ok && dataFindings.length === 0) dataFindings.push(overlapOf(policy, plan, joined.path))
  const errors = plan.checked === null ? [] : await opa.check(plan.checked, { signal })
  const built = errors.length > 0 ? { ok: false as const, errors } : await opa.build(plan.files, entrypoint, { signal })
  const regoFindings = built.ok ? [] : built.errors.map((error) => errorFinding(policy, plan, error))
  if (!built.ok || !joined.ok || dataFindings.length > 0) return { findings: [...dataFindings, ...regoFindings] }
  const data = Buffer.from(joined.text)
  const artifact = { wasm: sha256(built.wasm), data: sha256(data), entry: plan.entry.kind }
  await takeBlob({ digest: artifact.wasm, bytes: built.wasm })
  await takeBlob({ digest: artifact.data, bytes: data })
  return { artifact, digest: artifactDigest(artifact.wasm, artifact.data, plan.entry) }
}

function checkArtifactData(policy: DeclaredPolicy, plan: ArtifactPlan, { json }: PolicyStage): Finding[] {
  const { data: file } = policy
  const own = file === null ? undefined : shadowedPackage([], json(file).tree, plan.packages)
  const shared = plan.data.flatMap(({ at, tree, file: { path } }) => {
    const shadowed = shadowedPackage(at, () => tree, plan.packages)
    return shadowed === undefined ? [] : [shadowFinding(policy, path, shadowed)]
  })
  return [...(own === undefined || file === null ? [] : [shadowFinding(policy, file.path, own)]), ...shared]
}

function overlapOf(policy: DeclaredPolicy, plan: ArtifactPlan, path: readonly string[]): Finding {
  const other = plan.data.find(({ at }) => overlaps(at, path))
  return overlapFinding(policy, policy.data?.path ?? '', path, other?.file.path ?? 'shared data')
}

/** An error in a shared module is shown where it stands; one in the generated entry, at the policy itself. */
function errorFinding(policy: DeclaredPolicy, plan: ArtifactPlan, error: RegoError): Finding {
  const main = `${policy.directory}/policy.rego`
  if (error.file === undefined || error.file === entryPath) {
    return findingOf(policy, error.code, error.message, { file: main })
  }
  const owner: Origin = plan.modules.find(({ file }) => file.path === error.file) ?? policy
  return findingOfError({ ...policy, source: owner.source }, error)
}

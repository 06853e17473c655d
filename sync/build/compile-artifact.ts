/** One artifact: data checked and joined, Rego checked with its tests and built; or the findings that forbid it. Keeps nothing. */
import { findingOf, findingOfError, type Origin, type RegoError } from '../../src/policy/analysis.ts'
import { artifactData, artifactDigest, type ArtifactPlan, type Tool } from '../../src/policy/artifact.ts'
import { sha256 } from '../../src/policy/digest.ts'
import type { Blob } from '../../src/policy/documents.ts'
import { entryPath, entrypoint } from '../../src/policy/entry.ts'
import type { PackageIndex, SharedData } from '../../src/policy/packages.ts'
import { overlaps } from '../../src/policy/paths.ts'
import type { Readable } from '../../src/policy/readable.ts'
import type { Artifact, Finding, SourceFile } from '../../src/policy/schema.ts'
import { overlapFinding, shadowedPackage, shadowFinding, type JsonReader } from '../../src/policy/validate.ts'
import type { CachedOpa } from '../../src/opa/cached.ts'

/** What every artifact of a cycle is built with. */
export interface ArtifactStage {
  readonly opa: Pick<CachedOpa, 'check' | 'build'>
  readonly tool: Tool
  readonly json: JsonReader
  readonly index: PackageIndex
  readonly data: readonly SharedData[]
  /** What each source may use of others; without it, everything. */
  readonly readable?: Readable | undefined
  readonly takeBlob: (blob: Blob) => Promise<void>
  readonly signal?: AbortSignal | undefined
}

export interface Good {
  readonly artifact: Artifact
  readonly digest: string
  readonly wasm: Uint8Array
  readonly data: Uint8Array
}

export type Compiled = Good | { readonly findings: readonly Finding[] }

/** What findings are about: its main file, and the data of its own. */
export interface Compilable extends Origin {
  readonly main: string
  readonly data: SourceFile | null
}

/** `areTestsBuilt`: building them checks them. */
type CompilePlan = ArtifactPlan & { readonly areTestsBuilt?: boolean }

export async function compile(subject: Compilable, plan: CompilePlan, stage: ArtifactStage): Promise<Compiled> {
  const { opa, signal } = stage
  const dataFindings = checkArtifactData(subject, plan, stage)
  const joined = artifactData(subject, plan)
  if (!joined.ok && dataFindings.length === 0) dataFindings.push(overlapOf(subject, plan, joined.path))
  const errors = plan.checked === null || plan.areTestsBuilt ? [] : await opa.check(plan.checked, { signal })
  const built = errors.length > 0 ? { ok: false as const, errors } : await opa.build(plan.files, entrypoint, { signal })
  const regoFindings = built.ok ? [] : built.errors.map((error) => errorFinding(subject, plan, error))
  if (!built.ok || !joined.ok || dataFindings.length > 0) return { findings: [...dataFindings, ...regoFindings] }
  const data = Buffer.from(joined.text)
  const artifact = { wasm: sha256(built.wasm), data: sha256(data), entry: plan.entry.kind }
  const digest = artifactDigest(artifact.wasm, artifact.data, plan.entry)
  return { artifact, digest, wasm: built.wasm, data }
}

export async function takeArtifact({ artifact, wasm, data }: Good, { takeBlob }: ArtifactStage): Promise<void> {
  await takeBlob({ digest: artifact.wasm, bytes: wasm })
  await takeBlob({ digest: artifact.data, bytes: data })
}

function checkArtifactData(subject: Compilable, plan: ArtifactPlan, { json }: ArtifactStage): Finding[] {
  const { data: file } = subject
  const own = file === null ? undefined : shadowedPackage([], json(file).tree, plan.packages)
  const shared = plan.data.flatMap(({ at, tree, file: { path } }) => {
    const shadowed = shadowedPackage(at, () => tree, plan.packages)
    return shadowed === undefined ? [] : [shadowFinding(subject, path, shadowed)]
  })
  return [...(own === undefined || file === null ? [] : [shadowFinding(subject, file.path, own)]), ...shared]
}

function overlapOf(subject: Compilable, plan: ArtifactPlan, path: readonly string[]): Finding {
  const other = plan.data.find(({ at }) => overlaps(at, path))
  return overlapFinding(subject, subject.data?.path ?? '', path, other?.file.path ?? 'shared data')
}

/** An error in a shared module is shown where it stands; one in the generated entry, at the policy itself. */
export function errorFinding(subject: Compilable, plan: ArtifactPlan, error: RegoError): Finding {
  if (error.file === undefined || error.file === entryPath) {
    return findingOf(subject, error.code, error.message, { file: subject.main })
  }
  const owner: Origin = plan.modules.find(({ file }) => file.path === error.file) ?? subject
  return findingOfError({ ...subject, source: owner.source }, error)
}

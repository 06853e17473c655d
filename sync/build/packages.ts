/**
 * What answers for each shared package, and the shared data as a whole. A package that was built of the same inputs is
 * the stored object itself; one that cannot be built keeps its last good artifact.
 */
import { compareText, isError, type Origin } from '../../src/policy/analysis.ts'
import { planArtifact } from '../../src/policy/artifact.ts'
import { digestOf, sha256 } from '../../src/policy/digest.ts'
import { nextStatus } from '../../src/policy/documents.ts'
import { joinData } from '../../src/policy/json-tree.ts'
import type { SharedPackage } from '../../src/policy/packages.ts'
import { showPath } from '../../src/policy/paths.ts'
import type { Finding, PackageDocument } from '../../src/policy/schema.ts'
import { compile, takeArtifact, type ArtifactStage } from './compile-artifact.ts'
import { mapLimit } from '../map-limit.ts'

export interface BuildPackages extends ArtifactStage {
  readonly stored: readonly PackageDocument[]
  /** Ids whose blobs are gone: built again. */
  readonly broken: ReadonlySet<string>
  readonly now: Date
}

export interface PackagesInForce {
  readonly packages: readonly PackageDocument[]
  readonly findings: readonly Finding[]
}

const concurrency = 8

export async function buildPackages(options: BuildPackages): Promise<PackagesInForce> {
  const { index, stored, broken, signal } = options
  const before = new Map(stored.filter(({ _id }) => !broken.has(_id)).map((document) => [document._id, document]))
  const all = index.all.toSorted((a, b) => compareText(showPath(a.path), showPath(b.path)))
  const built = await mapLimit(all, concurrency, async (found) => {
    signal?.throwIfAborted()
    return buildPackage(found, before.get(showPath(found.path)), options)
  })
  const root = await sharedData(before.get(showPath([])), options)
  return {
    packages: [...root, ...built.map(({ document }) => document)],
    findings: built.flatMap(({ findings }) => findings),
  }
}

interface BuiltPackage {
  readonly document: PackageDocument
  readonly findings: readonly Finding[]
}

async function buildPackage(
  found: SharedPackage,
  before: PackageDocument | undefined,
  stage: BuildPackages,
): Promise<BuiltPackage> {
  const { index, data, tool, readable, now } = stage
  const origin = originOf(found)
  const plan = planArtifact({
    policy: { rego: found.modules.map(({ file }) => file), tests: [], sideFiles: [], data: null },
    packagePath: found.path,
    entry: { kind: 'package', rule: null },
    rego: found.modules,
    tests: [],
    index,
    data,
    tool,
    readable,
  })
  const sources = [...new Set(found.modules.map(({ source }) => source))].sort()
  const isSame = before !== undefined && before.inputs === plan.inputs && before.sources.join() === sources.join()
  if (isSame) return { document: before, findings: before.status.findings }
  const compiled = await compile({ ...origin, main: found.modules[0]?.file.path ?? '', data: null }, plan, stage)
  if ('artifact' in compiled) await takeArtifact(compiled, stage)
  const findings = 'findings' in compiled ? compiled.findings : []
  const phase = findings.some(isError) ? ('Quarantined' as const) : ('Ready' as const)
  const good = 'artifact' in compiled ? compiled : { artifact: before?.artifact ?? null, digest: before?.digest ?? '' }
  return {
    document: {
      _id: showPath(found.path),
      path: [...found.path],
      repository: origin.source,
      sources,
      digest: good.digest,
      artifact: good.artifact,
      inputs: plan.inputs,
      sharedData: null,
      commit: origin.commit,
      status: nextStatus({ before: before?.status, phase, findings, by: origin, now }),
      updated: now,
      revision: 0,
    },
    findings,
  }
}

function originOf({ modules: [first] }: SharedPackage): Origin {
  return first ?? { source: '', commit: '', author: null }
}

/** None when there is no shared data; what stands when it cannot be joined, which the data's own findings tell of. */
async function sharedData(before: PackageDocument | undefined, stage: BuildPackages): Promise<PackageDocument[]> {
  const { data, takeBlob, now } = stage
  const [first] = data
  if (first === undefined) return []
  const inputs = digestOf([['shared data'], ...data.map(({ id, file }) => [id, file.digest])])
  if (before?.inputs === inputs) return [before]
  const joined = joinData(data.map(({ at, file }) => ({ at, text: file.text })))
  if (!joined.ok) return before === undefined ? [] : [before]
  const bytes = Buffer.from(joined.text)
  const digest = sha256(bytes)
  await takeBlob({ digest, bytes })
  return [
    {
      _id: showPath([]),
      path: [],
      repository: first.source,
      sources: [...new Set(data.map(({ source }) => source))].sort(),
      digest,
      artifact: null,
      inputs,
      sharedData: digest,
      commit: first.commit,
      status: nextStatus({ before: before?.status, phase: 'Ready', findings: [], by: first, now }),
      updated: now,
      revision: 0,
    },
  ]
}

/**
 * What an explanation compiles: the policy's own files, and of the shared modules those that its artifact contains. The
 * same functions choose them as when it was built.
 */
import { EdictError } from '../errors.ts'
import type { Opa } from '../opa/run.ts'
import { planArtifact, type AnalysedFile, type ArtifactPlan } from '../policy/artifact.ts'
import { entryOf } from '../policy/entry.ts'
import { indexPackages, type SharedData, type SharedModule } from '../policy/packages.ts'
import { overlaps } from '../policy/paths.ts'
import type { Readable } from '../policy/readable.ts'
import type { SourceFile } from '../policy/schema.ts'
import type { RulePath } from './clause.ts'

/** A shared module that may be reached. */
export interface Candidate {
  readonly source: string
  readonly id: string
  /** null: look into it. */
  readonly package: RulePath | null
  readonly read: () => Promise<SourceFile>
}

export interface PlanSubject {
  readonly policy: {
    readonly source: string
    readonly group: string
    readonly name: string
    /** Without tests. */
    readonly rego: readonly SourceFile[]
  }
  readonly candidates: readonly Candidate[]
  readonly data?: readonly SharedData[]
  readonly readable?: Readable | undefined
  readonly parse: Opa['parse']
}

/** Throws `policy_invalid` when a file does not parse. */
export async function planSubject(options: PlanSubject): Promise<ArtifactPlan> {
  const { policy, candidates, data = [], readable, parse } = options
  const analysed = async (file: SourceFile): Promise<AnalysedFile> => {
    const parsed = await parse(file.text)
    if (parsed.ok) return { file, analysis: parsed.analysis }
    const [first] = parsed.errors
    throw new EdictError('policy_invalid', `${file.path}:${first?.row ?? 1}: ${first?.message ?? 'it does not parse'}`)
  }
  const rego = await Promise.all(policy.rego.map(analysed))
  const modules = await reached(rego, candidates, analysed)
  return planArtifact({
    policy: { source: policy.source, rego: policy.rego, tests: [], sideFiles: [], data: null },
    packagePath: [policy.group, policy.name],
    entry: entryOf(rego.map(({ analysis }) => analysis)),
    rego,
    tests: [],
    index: indexPackages(modules),
    data,
    tool: { version: '', capabilities: '' },
    ...(readable === undefined ? {} : { readable }),
  })
}

/** All that might be reached; who may read what is judged with the plan. */
async function reached(
  rego: readonly AnalysedFile[],
  candidates: readonly Candidate[],
  analysed: (file: SourceFile) => Promise<AnalysedFile>,
): Promise<readonly SharedModule[]> {
  const found = new Map<Candidate, SharedModule>()
  const open = async (candidate: Candidate): Promise<SharedModule> => {
    const { source, id, read } = candidate
    const { file, analysis } = await analysed(await read())
    return { source, id, commit: '', author: null, file, analysis }
  }
  const looked = new Map<Candidate, SharedModule>()
  const pathOf = async (candidate: Candidate): Promise<RulePath> => {
    if (candidate.package !== null) return candidate.package
    const module = looked.get(candidate) ?? (await open(candidate))
    looked.set(candidate, module)
    return module.analysis.package
  }
  const pending = rego.flatMap(({ analysis }) => analysis.refs)
  for (let ref = pending.pop(); ref !== undefined; ref = pending.pop()) {
    for (const candidate of candidates) {
      // oxlint-disable-next-line no-await-in-loop
      if (found.has(candidate) || !overlaps(await pathOf(candidate), ref)) continue
      // oxlint-disable-next-line no-await-in-loop
      const module = looked.get(candidate) ?? (await open(candidate))
      found.set(candidate, module)
      pending.push(...module.analysis.refs)
    }
  }
  // In the order of the candidates, whatever led to them.
  return candidates.flatMap((candidate) => found.get(candidate) ?? [])
}

/** Results of the checks → the documents that the store should hold. What did not change is the stored object itself. */
import { isError, sortFindings, type Origin } from '../../src/policy/analysis.ts'
import type { DeclaredPolicy } from '../../src/policy/compose.ts'
import { digestOf } from '../../src/policy/digest.ts'
import { moduleDocument, moduleKey, nextStatus, policyDocument, type Blob } from '../../src/policy/documents.ts'
import type {
  Finding,
  ModuleDocument,
  PolicyDocument,
  PolicyKey,
  PolicyMeta,
  PolicyStatus,
} from '../../src/policy/schema.ts'
import { isOfItsFile } from '../sources/blame-findings.ts'
import type { PolicyResult } from './policy.ts'
import type { BuildOptions, Desired } from './built.ts'
import type { Declared } from './declare.ts'
import { policyTests } from '../../src/testing/planned-tests.ts'
import { mapLimit } from '../map-limit.ts'
import type { PackagesInForce } from './packages.ts'
import type { DataInForce } from './shared-data.ts'
import type { ModulesInForce } from './shared-modules.ts'
import type { StoredReader } from '../sources/standing-source.ts'

/** Who last touched a file. */
export type BlameFile = (
  source: string,
  path: string,
  commit: string,
) => Promise<{ readonly commit: string; readonly author: string } | null>

export type Results = ReadonlyMap<PolicyKey, PolicyResult>

export interface Finish {
  readonly deps: Pick<StoredReader, 'readPolicy'> & { readonly blame?: BlameFile }
  readonly options: BuildOptions
  readonly declared: Declared
  readonly results: Results
  readonly modules: ModulesInForce
  readonly data: DataInForce
  readonly packages: PackagesInForce
  readonly takeBlob: (blob: Blob) => Promise<void>
}

export async function desiredPolicies(state: Finish): Promise<readonly Desired[]> {
  const { options, declared, results } = state
  const before = new Map(options.stored.policies.map((document) => [document._id, document]))
  const all = await mapLimit([...results], 4, async ([key, result]) => {
    const policy = declared.composition.policies.get(key)
    return policy === undefined ? [] : [await desiredPolicy(policy, result, before.get(key), state)]
  })
  return all.flat()
}

async function desiredPolicy(
  policy: DeclaredPolicy,
  result: PolicyResult,
  before: PolicyMeta | undefined,
  state: Finish,
): Promise<Desired> {
  const { declared, options, takeBlob } = state
  const now = options.now ?? new Date()
  const stands = declared.standing.has(policy.source)
  const large: Blob[] = []
  const take = (blob: Blob): void => void large.push(blob)
  const statusOf = async (): Promise<PolicyStatus> => {
    if (result.kind === 'refused') return refusedStatus(before?.status, result.findings, policy, state)
    if (stands && before?.status.phase === 'Quarantined') return before.status
    return nextStatus({ before: before?.status, phase: 'Ready', findings: result.warnings, by: policy, now })
  }
  if (before !== undefined && stands && before.artifact === null) return before
  const status = await statusOf()
  if (before !== undefined && result.kind === 'same') return inForceStill(policy, before, status, state)
  if (before !== undefined && before.artifact !== null && result.kind === 'refused') {
    return inForceStill(policy, before, status, state)
  }
  const built = result.kind === 'good' ? ofGood(result, now) : neverGood(policy, result)
  const document = policyDocument({ policy, ...built, status, now, take })
  for (const blob of large) await takeBlob(blob)
  return document
}

type Decides = Pick<PolicyDocument, 'artifact' | 'digest' | 'inputs' | 'regoVersion' | 'tests'>

function ofGood(result: Extract<PolicyResult, { kind: 'good' }>, now: Date): Decides {
  const { artifact, digest, inputs, regoVersion, tests } = result
  return { artifact, digest, inputs, regoVersion, tests: policyTests(tests, now) }
}

function neverGood(policy: DeclaredPolicy, result: PolicyResult): Decides {
  const regoVersion = result.kind === 'refused' ? result.regoVersion : 1
  return { artifact: null, digest: '', inputs: refusedInputs(policy), regoVersion, tests: null }
}

/** The stored content under a new status; when another source has taken the policy over, the whole document. */
async function inForceStill(
  policy: DeclaredPolicy,
  before: PolicyMeta,
  status: PolicyStatus,
  { deps }: Finish,
): Promise<Desired> {
  if (before.repository === policy.source) return { ...before, status }
  const whole = await deps.readPolicy(policy.key)
  return whole === null ? { ...before, status } : { ...whole, repository: policy.source, status }
}

/** Names the text of what never was good, so that another bad version replaces it. */
function refusedInputs(policy: DeclaredPolicy): string {
  const files = [...policy.rego, ...policy.tests, ...policy.sideFiles, ...(policy.data === null ? [] : [policy.data])]
  return digestOf([['refused'], ...files.map(({ path, digest }) => [path, digest])])
}

/** New findings are laid at the door of the commit that last touched the file. */
async function refusedStatus(
  before: PolicyStatus | undefined,
  findings: readonly Finding[],
  origin: Origin,
  { deps, options }: Finish,
): Promise<PolicyStatus> {
  const now = options.now ?? new Date()
  const status = nextStatus({ before, phase: 'Quarantined', findings: sortFindings(findings), by: origin, now })
  const first = findings.find((finding) => isError(finding) && finding.file !== undefined)
  if (
    status === before ||
    deps.blame === undefined ||
    first?.file === undefined ||
    first.source !== origin.source ||
    !isOfItsFile(first)
  )
    return status
  const blame = await deps.blame(origin.source, first.file, origin.commit)
  return blame === null ? status : { ...status, commit: blame.commit, author: blame.author }
}

export async function desiredModuleDocuments(state: Finish): Promise<readonly ModuleDocument[]> {
  const { options, declared, modules, data, takeBlob } = state
  const now = options.now ?? new Date()
  const before = new Map(options.stored.modules.map((document) => [document._id, document]))
  const warnings = [...modules.findings, ...data.findings].filter((finding) => !isError(finding))
  const documents: ModuleDocument[] = []
  const all = [
    ...modules.modules.map(({ analysis, ...item }) => {
      return { ...item, kind: 'module' as const, package: analysis.package, refused: modules.refused }
    }),
    ...data.data.map(({ source, commit, author, id, file }) => {
      return { source, commit, author, id, file, kind: 'data' as const, package: undefined, refused: data.refused }
    }),
  ]
  for (const { kind, id, package: path, file, refused, source, commit, author } of all) {
    const key = moduleKey(source, file.path)
    const known = before.get(key)
    if (known !== undefined && declared.composition.unclaimed.has(key)) {
      documents.push(known)
      continue
    }
    const bad = refused.get(key)
    const fragment = options.fragments.find((candidate) => candidate.source === source)
    const origin =
      bad === undefined || fragment === undefined
        ? { source, commit, author }
        : { source, commit: fragment.commit, author: fragment.author }
    const stands = declared.standing.has(source)
    const own = warnings.filter((finding) => finding.source === source && finding.file === file.path)
    const status =
      bad !== undefined
        ? await refusedStatus(known?.status, bad, origin, state)
        : stands && known !== undefined
          ? known.status
          : nextStatus({ before: known?.status, phase: 'Ready', findings: own, by: origin, now })
    const isKnown = known !== undefined && known.digest === file.digest && known.kind === kind
    if (isKnown && (path === undefined || known.package !== undefined)) documents.push({ ...known, status })
    else {
      const large: Blob[] = []
      documents.push(
        moduleDocument({
          kind,
          id,
          package: path,
          file,
          origin: { source, commit, author },
          status,
          now,
          take: (blob) => void large.push(blob),
        }),
      )
      for (const blob of large) await takeBlob(blob)
    }
  }
  return documents
}

/**
 * Fragments and what is stored → everything an apply needs: documents, blobs, plan, findings. The one pipeline of the
 * worker, the server and a dry run: compose, validate, compile, plan. Writes nothing but the opa cache; takes no lease.
 */
import { compareText, isError, sortFindings, type Origin, type ParsedModule } from '../src/policy/analysis.ts'
import { compose, type Composition, type DeclaredModule, type DeclaredPolicy } from '../src/policy/compose.ts'
import { digestOf } from '../src/policy/digest.ts'
import { moduleDocument, moduleKey, nextStatus, policyDocument, type Blob } from '../src/policy/documents.ts'
import { entryPackage } from '../src/policy/entry.ts'
import { indexPackages } from '../src/policy/packages.ts'
import { heldSources, plan as planOf, type HeldSource, type Plan } from '../src/policy/plan.ts'
import type {
  Finding,
  Fragment,
  ModuleDocument,
  PolicyDocument,
  PolicyKey,
  PolicyMeta,
  PolicyStatus,
  SourceFile,
} from '../src/policy/schema.ts'
import {
  createJsonReader,
  defaultLimits,
  checkRegoFile,
  policyPackages,
  type PolicyLimits,
} from '../src/policy/validate.ts'
import type { CachedOpa } from '../src/opa/cached.ts'
import type { OnProgress } from '../src/progress.ts'
import { buildPolicy, type PolicyResult, type PolicyStage } from './build-policy.ts'
import { mapLimit } from './map-limit.ts'
import { dataInForce } from './shared-data.ts'
import { modulesInForce } from './shared-modules.ts'
import { standingFragment, storedFile, type StoredReader } from './standing-source.ts'

export interface BuildDeps extends StoredReader {
  readonly opa: CachedOpa
  readonly limits?: Partial<PolicyLimits>
  /** Who last touched a file, for the status of what was refused; without it the fragment's commit is named. */
  readonly blame?: (
    source: string,
    path: string,
    commit: string,
  ) => Promise<{ readonly commit: string; readonly author: string } | null>
}

export interface BuildOptions {
  readonly fragments: readonly Fragment[]
  /** Configured sources that could not be read: what is in force of them stays. Any other stored source is removed. */
  readonly absent?: ReadonlySet<string>
  readonly stored: {
    readonly policies: readonly PolicyMeta[]
    readonly modules: readonly ModuleDocument[]
    /** Ids of documents whose blobs are gone: written again. */
    readonly broken?: ReadonlySet<string>
  }
  /** By source: the commit whose removals were confirmed. */
  readonly confirmed?: ReadonlyMap<string, string>
  /** Given each blob as soon as it is made, so that they need not all be held; otherwise they are in `blobs`. */
  readonly takeBlob?: (blob: Blob) => Promise<void>
  readonly now?: Date
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal | undefined
}

export interface Built {
  /** Two fragments declare the same: everything stays as it is. */
  readonly conflict: boolean
  readonly findings: ReadonlyMap<string, readonly Finding[]>
  readonly plan: Plan
  readonly held: readonly HeldSource[]
  /** As the store's apply takes them; `revision` is the store's to set. */
  readonly documents: {
    readonly create: readonly PolicyDocument[]
    readonly replace: readonly PolicyDocument[]
    readonly remove: readonly PolicyKey[]
    readonly statuses: readonly { readonly key: PolicyKey; readonly status: PolicyStatus }[]
    readonly modules: { readonly put: readonly ModuleDocument[]; readonly remove: readonly string[] }
  }
  /** Something that decides changes: a new revision. Otherwise only statuses and what never was good. */
  readonly changesForce: boolean
  readonly blobs: readonly Blob[]
  readonly counts: ReadonlyMap<
    string,
    { readonly policies: number; readonly modules: number; readonly quarantined: number }
  >
}

export type Builder = (options: BuildOptions) => Promise<Built>

const concurrency = 8

export function createBuilder(deps: BuildDeps): Builder {
  const limits = { ...defaultLimits, ...deps.limits }
  const json = createJsonReader(limits)
  let version: Promise<string> | undefined
  return async (options) => {
    const { signal } = options
    const declared = await declare(deps, options)
    if (declared.composition.conflict) return asItIs(options, declared)
    const { composition } = declared
    version ??= deps.opa.version({ signal })
    version.catch(() => (version = undefined))
    const tool = { version: await version, capabilities: deps.opa.capabilitiesDigest }
    const parsed = createParser(deps.opa, limits, signal)
    await parseAll(composition, parsed, options)
    const blobs = new Map<string, Blob>()
    const takeBlob = options.takeBlob ?? (async (blob: Blob) => void blobs.set(blob.digest, blob))
    const packages = policyPackages(composition.policies.values())
    const readStored = (document: ModuleDocument) => storedFile(document, (text) => deps.readText(text, signal))
    const shared = { limits, stored: options.stored.modules, readStored, signal }
    const modules = await modulesInForce(composition.modules.values(), { ...shared, opa: deps.opa, packages, parsed })
    const index = indexPackages(modules.modules)
    const taken = [...index.all.map(({ path }) => path), entryPackage, ...packagePaths(packages)]
    const data = await dataInForce(composition.data.values(), { ...shared, json, packages: taken })
    const stage = { opa: deps.opa, tool, limits, json, packages, index, data: data.data, parsed, takeBlob, signal }
    const results = await buildAll(composition, stage, options)
    return finish({
      deps,
      options,
      declared,
      results,
      modules,
      data,
      takeBlob,
      blobs,
      testFindings: await checkModuleTests(composition, parsed, limits),
    })
  }
}

function packagePaths(packages: ReadonlyMap<string, ReadonlySet<string>>): readonly (readonly string[])[] {
  return [...packages].flatMap(([group, names]) => [...names].map((name) => [group, name]))
}

interface Declared {
  readonly composition: Composition
  readonly held: readonly HeldSource[]
  /** Sources whose stored content stands in for them. */
  readonly standing: ReadonlySet<string>
}

/** Composes; a source that is held back is then replaced by what is in force of it. */
async function declare(deps: BuildDeps, options: BuildOptions): Promise<Declared> {
  const { fragments, absent = new Set<string>(), stored, confirmed = new Map<string, string>(), signal } = options
  const known = new Map<string, PolicyMeta[]>()
  for (const policy of stored.policies) known.set(policy.repository, [...(known.get(policy.repository) ?? []), policy])
  const names = new Map(
    [...known].map(([source, policies]) => [
      source,
      policies.map((policy) => ({ ...policy, key: policy._id as PolicyKey })),
    ]),
  )
  const stand = (sources: Iterable<string>) =>
    Promise.all([...sources].map((source) => standingFragment({ ...deps, ...stored, source, signal })))
  const present = fragments.filter(({ source }) => !absent.has(source))
  const away = await stand(absent)
  const first = compose({ fragments: [...present, ...away], known: names })
  if (first.conflict) return { composition: first, held: [], standing: absent }
  const held = heldSources({ fragments: present, declared: first.policies, stored: stored.policies, confirmed })
  const standing = new Set([...absent, ...held.map(({ source }) => source)])
  const rest = present.filter(({ source }) => !standing.has(source))
  const second =
    held.length === 0
      ? first
      : compose({ fragments: [...rest, ...away, ...(await stand(held.map(({ source }) => source)))], known: names })
  return { composition: withStoredOrigins(second, standing, options), held, standing }
}

/** What stands in keeps the commit and author it was applied with. */
function withStoredOrigins(
  composition: Composition,
  standing: ReadonlySet<string>,
  { stored }: BuildOptions,
): Composition {
  if (standing.size === 0) return composition
  const policies = new Map(stored.policies.map((document) => [document._id, document]))
  const modules = new Map(stored.modules.map((document) => [document._id, document]))
  const originOf = (document: PolicyMeta | ModuleDocument | undefined) =>
    document === undefined ? {} : { commit: document.commit, author: document.author }
  const module = <T extends DeclaredModule>(all: ReadonlyMap<string, T>) =>
    new Map(
      [...all].map(([id, item]): [string, T] => [
        id,
        standing.has(item.source) ? { ...item, ...originOf(modules.get(moduleKey(item.source, item.path))) } : item,
      ]),
    )
  return {
    ...composition,
    policies: new Map(
      [...composition.policies].map(([key, policy]) => [
        key,
        standing.has(policy.source) ? { ...policy, ...originOf(policies.get(key)) } : policy,
      ]),
    ),
    modules: module(composition.modules),
    data: module(composition.data),
  }
}

type Parser = (file: SourceFile) => Promise<ParsedModule | undefined>

function createParser(opa: CachedOpa, { maxRego }: PolicyLimits, signal: AbortSignal | undefined): Parser {
  return async (file) =>
    Buffer.byteLength(file.text) > maxRego ? undefined : opa.parseKnown(file.text, file.digest, { signal })
}

/** Asks for all analyses, several at a time; what follows finds them in memory. */
async function parseAll(
  { policies, modules, moduleTests }: Composition,
  parsed: Parser,
  { onProgress, signal }: BuildOptions,
): Promise<void> {
  const shared = [...modules.values(), ...moduleTests.values()].flatMap(({ file }) => file ?? [])
  const own = [...policies.values()].flatMap((policy) => [...policy.rego, ...policy.tests])
  let done = 0
  const files = [...shared, ...own]
  await mapLimit(files, concurrency, async (file) => {
    signal?.throwIfAborted()
    await parsed(file)
    onProgress?.({ phase: 'parse', done: ++done, total: files.length })
  })
}

async function checkModuleTests(
  { moduleTests }: Composition,
  parsed: Parser,
  limits: PolicyLimits,
): Promise<readonly Finding[]> {
  const all = [...moduleTests.values()].map(async (test) =>
    test.file === null ? test.findings : checkRegoFile(test, test.file, await parsed(test.file), limits),
  )
  return (await Promise.all(all)).flat()
}

type Results = ReadonlyMap<PolicyKey, PolicyResult>

async function buildAll(
  composition: Composition,
  stage: PolicyStage,
  { stored, onProgress, signal }: BuildOptions,
): Promise<Results> {
  const before = new Map(stored.policies.map((document) => [document._id, document]))
  const policies = [...composition.policies.values()].toSorted((a, b) => compareText(a.key, b.key))
  let done = 0
  const results = await mapLimit(policies, concurrency, async (policy) => {
    signal?.throwIfAborted()
    const known = stored.broken?.has(policy.key) === true ? undefined : before.get(policy.key)
    const result = await buildPolicy(policy, known, stage)
    onProgress?.({ phase: 'compile', done: ++done, total: policies.length })
    return [policy.key, result] as const
  })
  return new Map(results)
}

interface Finish {
  readonly deps: BuildDeps
  readonly options: BuildOptions
  readonly declared: Declared
  readonly results: Results
  readonly modules: Awaited<ReturnType<typeof modulesInForce>>
  readonly data: Awaited<ReturnType<typeof dataInForce>>
  readonly testFindings: readonly Finding[]
  readonly takeBlob: (blob: Blob) => Promise<void>
  readonly blobs: ReadonlyMap<string, Blob>
}

async function finish(state: Finish): Promise<Built> {
  const { options, declared, results, modules, data, blobs } = state
  const { stored } = options
  const policies = await desiredPolicies(state)
  const desiredModules = await desiredModuleDocuments(state)
  const plan = planOf({
    desired: { policies, modules: desiredModules },
    stored,
    held: declared.held,
    restore: new Set(
      policies.filter((document) => 'rego' in document && stored.broken?.has(document._id)).map(({ _id }) => _id),
    ),
  })
  const documents = documentsOf(plan, policies, desiredModules)
  const refused = [...results.values()].flatMap((result) =>
    result.kind === 'refused' ? result.findings : result.warnings,
  )
  const findings = bySource([
    ...declared.composition.findings,
    ...modules.findings,
    ...data.findings,
    ...state.testFindings,
    ...refused,
  ])
  return {
    conflict: false,
    findings,
    plan,
    held: declared.held,
    documents,
    changesForce: changesForce(plan, documents),
    blobs: [...blobs.values()],
    counts: countsOf(policies, desiredModules),
  }
}

type Desired = PolicyMeta | PolicyDocument

async function desiredPolicies(state: Finish): Promise<readonly Desired[]> {
  const { options, declared, results } = state
  const before = new Map(options.stored.policies.map((document) => [document._id, document]))
  return Promise.all(
    [...results].flatMap(([key, result]) => {
      const policy = declared.composition.policies.get(key)
      return policy === undefined ? [] : [desiredPolicy(policy, result, before.get(key), state)]
    }),
  )
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
  const built = result.kind === 'good' ? result : neverGood(policy, result)
  const document = policyDocument({ policy, ...pick(built), status, now, take })
  for (const blob of large) await takeBlob(blob)
  return document
}

type Decides = Pick<PolicyDocument, 'artifact' | 'digest' | 'inputs' | 'regoVersion'>

function pick({ artifact, digest, inputs, regoVersion }: Decides): Decides {
  return { artifact, digest, inputs, regoVersion }
}

function neverGood(policy: DeclaredPolicy, result: PolicyResult): Decides {
  const regoVersion = result.kind === 'refused' ? result.regoVersion : 1
  return { artifact: null, digest: '', inputs: refusedInputs(policy), regoVersion }
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
  if (status === before || deps.blame === undefined || first?.file === undefined || first.source !== origin.source)
    return status
  const blame = await deps.blame(origin.source, first.file, origin.commit)
  return blame === null ? status : { ...status, commit: blame.commit, author: blame.author }
}

async function desiredModuleDocuments(state: Finish): Promise<readonly ModuleDocument[]> {
  const { options, declared, modules, data, takeBlob } = state
  const now = options.now ?? new Date()
  const before = new Map(options.stored.modules.map((document) => [document._id, document]))
  const warnings = [...modules.findings, ...data.findings].filter((finding) => !isError(finding))
  const documents: ModuleDocument[] = []
  const all = [
    ...modules.modules.map((item) => ({ ...item, kind: 'module' as const, refused: modules.refused })),
    ...data.data.map(({ source, commit, author, id, file }) => ({
      source,
      commit,
      author,
      id,
      file,
      kind: 'data' as const,
      refused: data.refused,
    })),
  ]
  for (const { kind, id, file, refused, source, commit, author } of all) {
    const key = moduleKey(source, file.path)
    const known = before.get(key)
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
    if (known !== undefined && known.digest === file.digest && known.kind === kind) documents.push({ ...known, status })
    else {
      const large: Blob[] = []
      documents.push(
        moduleDocument({
          kind,
          id,
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

function documentsOf(plan: Plan, policies: readonly Desired[], modules: readonly ModuleDocument[]): Built['documents'] {
  const byKey = new Map(policies.map((document) => [document._id, document]))
  const moduleByKey = new Map(modules.map((document) => [document._id, document]))
  const whole = (keys: readonly string[]) => keys.flatMap((key) => wholeDocument(byKey.get(key)))
  const change = plan.modules
  return {
    create: whole(plan.policies.create),
    replace: whole(plan.policies.replace),
    remove: plan.policies.remove as readonly PolicyKey[],
    statuses: plan.policies.status.flatMap((key) => {
      const status = byKey.get(key)?.status
      return status === undefined ? [] : [{ key: key as PolicyKey, status }]
    }),
    modules: {
      put: [...change.create, ...change.replace, ...change.status].flatMap((key) => moduleByKey.get(key) ?? []),
      remove: change.remove,
    },
  }
}

function wholeDocument(document: Desired | undefined): readonly PolicyDocument[] {
  return document !== undefined && 'rego' in document ? [document] : []
}

function changesForce({ modules }: Plan, { create, replace, remove }: Built['documents']): boolean {
  const good = [...create, ...replace].some(({ artifact }) => artifact !== null)
  return good || remove.length + modules.create.length + modules.replace.length + modules.remove.length > 0
}

function bySource(findings: readonly Finding[]): ReadonlyMap<string, readonly Finding[]> {
  const unique = new Map(findings.map((finding) => [JSON.stringify(finding), finding]))
  const sources = new Map<string, Finding[]>()
  for (const finding of sortFindings([...unique.values()]))
    sources.set(finding.source, [...(sources.get(finding.source) ?? []), finding])
  return sources
}

function countsOf(policies: readonly Desired[], modules: readonly ModuleDocument[]): Built['counts'] {
  const counts = new Map<string, { policies: number; modules: number; quarantined: number }>()
  const of = (source: string) => {
    const known = counts.get(source) ?? { policies: 0, modules: 0, quarantined: 0 }
    counts.set(source, known)
    return known
  }
  for (const { repository, status } of policies) {
    const count = of(repository)
    count.policies++
    if (status.phase === 'Quarantined') count.quarantined++
  }
  for (const { repository } of modules) of(repository).modules++
  return counts
}

/** A Conflict: every document stays as it is. */
function asItIs({ stored }: BuildOptions, { composition, held }: Declared): Built {
  const plan = planOf({ desired: stored, stored, held })
  return {
    conflict: true,
    findings: bySource(composition.findings),
    plan,
    held,
    documents: documentsOf(plan, stored.policies, stored.modules),
    changesForce: false,
    blobs: [],
    counts: countsOf(stored.policies, stored.modules),
  }
}

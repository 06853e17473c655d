/**
 * Fragments and what is stored → everything an apply needs: documents, blobs, plan, findings. The one pipeline of the
 * worker, the server and a dry run: compose, validate, compile, plan. Writes nothing but the opa cache; takes no lease.
 */
import { LRUCache } from 'lru-cache'
import { compareText, type ParsedModule } from '../../src/policy/analysis.ts'
import type { Composition } from '../../src/policy/compose.ts'
import { moduleKey, type Blob } from '../../src/policy/documents.ts'
import { entryPackage } from '../../src/policy/entry.ts'
import { holdsPath } from '../../src/policy/json-tree.ts'
import { startsWith } from '../../src/policy/paths.ts'
import { plan as planOf } from '../../src/policy/plan.ts'
import { shippedSource } from '../../src/policy/rbac.ts'
import type { Finding, Fragment, ModuleDocument, PolicyMeta, SourceFile } from '../../src/policy/schema.ts'
import {
  checkRegoFile,
  createJsonReader,
  defaultLimits,
  policyPackages,
  type JsonReader,
  type PolicyLimits,
  type PolicyPackages,
} from '../../src/policy/validate.ts'
import { ownership } from '../../src/policy/ownership.ts'
import { readableOf } from '../../src/policy/readable.ts'
import { coversPackage } from '../../src/policy/scope.ts'
import type { Tester } from '../../src/testing/tester.ts'
import { urgently, type CachedOpa } from '../../src/opa/cached.ts'
import { buildPackages } from './packages.ts'
import { buildPolicy, type PolicyStage } from './policy.ts'
import {
  asItIs,
  bySource,
  changesForce,
  countsOf,
  documentsOf,
  type BuildOptions,
  type BuildRequest,
  type Built,
} from './built.ts'
import { declare, declareLoaded, type Declared } from './declare.ts'
import { desiredModuleDocuments, desiredPolicies, type BlameFile, type Finish, type Results } from './desired.ts'
import { leftAlone } from '../sources/left-alone.ts'
import { mapLimit } from '../map-limit.ts'
import { dataInForce } from './shared-data.ts'
import { modulesInForce, type SharedStage } from './shared-modules.ts'
import { storedFile, type StoredReader } from '../sources/standing-source.ts'
import { testedModules } from './tested-modules.ts'
import type { PolicyTests } from './test-policy.ts'

export type { BuildOptions, BuildRequest, Built, StoredContent } from './built.ts'

export interface BuildDeps extends StoredReader {
  readonly opa: CachedOpa
  readonly limits?: Partial<PolicyLimits>
  /** Shared modules that are in force unless somebody declares them. */
  readonly defaults?: Fragment
  /** Who last touched a file, for the status of what was refused; without it the fragment's commit is named. */
  readonly blame?: BlameFile
  /** Runs the policies' tests; without it, none are run. */
  readonly tester?: Tester | undefined
  /** What is stored under a digest: what tests cost on what is in force is compared. */
  readonly readBlob?: (digest: string) => Promise<Uint8Array>
}

export type Builder = (request: BuildRequest) => Promise<Built>

const concurrency = 8

export function createBuilder(deps: BuildDeps): Builder {
  const limits = { ...defaultLimits, ...deps.limits }
  const json = createJsonReader(limits)
  const known = new LRUCache<string, PolicyTests>({ max: 1_000 })
  return async (request) => {
    const { signal } = request
    const opa = request.urgent === true ? urgently(deps.opa) : deps.opa
    const loaded = declareLoaded(deps, request)
    if (loaded.conflict) return asItIs(loaded)
    const stored = typeof request.stored === 'function' ? await request.stored() : request.stored
    const options = { ...request, stored }
    const declared = await declare(deps, options, loaded)
    const { composition } = declared
    if (composition.conflict) return asItIs(composition)
    const parsed = createParser(opa, limits, signal)
    await parseAll(composition, parsed, options)
    const packages = policyPackages(composition.policies.values())
    const readStored = (document: ModuleDocument) => storedFile(document, (text) => deps.readText(text, signal))
    const tool = { version: await opa.version({ signal }), capabilities: opa.capabilitiesDigest }
    const { blobs, takeBlob } = collectBlobs(options)
    const { tester, readBlob } = deps
    const readable = options.scopes === undefined ? undefined : readableOf(options.scopes, options.libraries ?? [])
    const common = { opa, tool, limits, json, packages, readable, parsed, takeBlob, tester, readBlob, signal }
    const shared = { limits, stored: declared.managed.modules, readStored, signal }
    const around = { ...shared, ...boundaries(deps, options, declared, json), opa, packages, parsed }
    const tested = await testedModules({
      composition,
      stage: { ...common, known },
      mode: options.testModules ?? 'hold',
      modulesInForce: (failing) => modulesInForce(composition.modules.values(), { ...around, failing }),
      dataInForce: (index) => {
        const taken = [...index.all.map(({ path }) => path), entryPackage, ...packagePaths(packages)]
        return dataInForce(composition.data.values(), { ...shared, json, packages: taken })
      },
    })
    const { modules, index, data } = tested
    const stage = { ...common, index, data: data.data }
    const results = await buildAll(composition, stage, options)
    const packagesInForce = await buildPackages({
      ...stage,
      stored: stored.packages,
      broken: stored.broken ?? new Set(),
      now: options.now ?? new Date(),
    })
    const ofTests = [...(await checkModuleTests(composition, parsed, limits)), ...tested.findings]
    const state = { deps, options, declared, results, modules, data, packages: packagesInForce, takeBlob }
    const built = await finish(state, blobs, ofTests)
    return { ...built, tests: [...built.tests, ...tested.reports] }
  }
}

type Boundaries = Pick<SharedStage, 'mayHold' | 'dataMeets' | 'shippedReplaced'>

/** Where shared modules may lie. */
function boundaries(
  { defaults }: BuildDeps,
  { scopes }: BuildOptions,
  { composition, standing }: Declared,
  json: JsonReader,
): Boundaries {
  const shipped = [...composition.modules.values()].filter(({ source }) => source === defaults?.source)
  return {
    mayHold: ({ source, path }, packagePath) => {
      const scope = scopes?.get(source)
      const isStored = standing.has(source) || composition.unclaimed.has(moduleKey(source, path))
      return scope === undefined || isStored || coversPackage(scope, packagePath)
    },
    dataMeets: (path) =>
      [...composition.data.values()].some(
        ({ at, file }) =>
          startsWith(at, path) ||
          (startsWith(path, at) &&
            file !== null &&
            json(file).verdict.ok &&
            holdsPath(json(file).tree(), path.slice(at.length))),
      ),
    shippedReplaced: shipped.length < (defaults?.files.length ?? 0),
  }
}

function collectBlobs({
  takeBlob,
}: BuildOptions): Pick<Finish, 'takeBlob'> & { readonly blobs: ReadonlyMap<string, Blob> } {
  const blobs = new Map<string, Blob>()
  return { blobs, takeBlob: takeBlob ?? (async (blob) => void blobs.set(blob.digest, blob)) }
}

function packagePaths(packages: PolicyPackages): readonly (readonly string[])[] {
  return [...packages].flatMap(([group, names]) => [...names].map((name) => [group, name]))
}

type Parser = (file: SourceFile) => Promise<ParsedModule | undefined>

function createParser(opa: CachedOpa, { maxRego }: PolicyLimits, signal: AbortSignal | undefined): Parser {
  return async (file) =>
    Buffer.byteLength(file.text) > maxRego ? undefined : opa.parseKnown(file.text, file.digest, { signal })
}

/** Asks for all analyses of what sources declare, several at a time; what follows finds them in memory. */
async function parseAll(
  { policies, modules, moduleTests }: Composition,
  parsed: Parser,
  { onProgress, signal }: BuildOptions,
): Promise<void> {
  const isOwn = ({ source }: { readonly source: string }) => source !== shippedSource
  const shared = [...modules.values(), ...moduleTests.values()].filter(isOwn).flatMap(({ file }) => file ?? [])
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

/** Policies of sources that are configured no more. */
function leftPolicies({ declared, options: { stored } }: Finish): readonly PolicyMeta[] {
  const managed = new Set(declared.managed.policies)
  return stored.policies.filter((policy) => stored.dropped?.has(policy.repository) === true && !managed.has(policy))
}

async function finish(
  state: Finish,
  blobs: ReadonlyMap<string, Blob>,
  testFindings: readonly Finding[],
): Promise<Built> {
  const { options, declared, results, modules, data, packages } = state
  const { stored } = options
  const policies = await desiredPolicies(state)
  const desiredModules = await desiredModuleDocuments(state)
  const lost = policies.filter((document) => 'rego' in document && stored.broken?.has(document._id) === true)
  const plan = planOf({
    desired: { policies, modules: desiredModules, packages: packages.packages },
    stored: { ...declared.managed, packages: stored.packages },
    held: declared.held,
    restore: new Set(lost.map(({ _id }) => _id)),
  })
  const documents = documentsOf(plan, { policies, modules: desiredModules, packages: packages.packages })
  const ofPolicies = [...results.values()].flatMap((result) =>
    result.kind === 'refused' ? result.findings : result.warnings,
  )
  const { findings, outOfScope } = declared.composition
  const left = leftAlone(declared.composition, declared.managed, options)
  return {
    conflict: false,
    findings: bySource([
      ...findings,
      ...left,
      ...modules.findings,
      ...data.findings,
      ...testFindings,
      ...packages.findings,
      ...ofPolicies,
    ]),
    plan,
    held: declared.held,
    outOfScope,
    ownership: ownership(declared.composition, modules.modules),
    documents,
    changesForce: changesForce(plan, documents),
    blobs: [...blobs.values()],
    tests: [...results.values()].flatMap((result) => (result.kind === 'same' ? [] : (result.tests ?? []))),
    counts: countsOf([...policies, ...leftPolicies(state)], desiredModules),
  }
}

/** What was built → the plan as it is written down: whose commits, what changes, how the texts differ. */
import { randomUUID } from 'node:crypto'
import { sha256 } from '../src/policy/digest.ts'
import { diffDocuments, mostCompared, type DocumentPair, type FileText, type FileTexts } from '../src/policy/diff.ts'
import { storedText, type Blob } from '../src/policy/documents.ts'
import {
  fragmentDigest,
  planDigest,
  plannedChange,
  type PlanDocument,
  type PlannedRequest,
  type PlannedOwner,
  type PlannedSource,
} from '../src/policy/plan-document.ts'
import type { ModuleDocument, PolicyDocument, StoredText } from '../src/policy/schema.ts'
import type { ApiWrites } from '../src/store/api-writes.ts'
import type { Readable } from '../src/store/readable.ts'
import { costChanges, plannedTests } from '../src/testing/planned-tests.ts'
import type { Built } from './build/built.ts'
import type { Seen } from './sources/source-status.ts'

export interface PlannerDeps {
  readonly readPolicies: (keys: readonly string[]) => Promise<Readable<PolicyDocument>>
  readonly readText: (text: StoredText) => Promise<string>
  readonly putBlobs: (blobs: readonly Blob[]) => Promise<unknown>
}

export interface PlanOptions {
  readonly built: Built
  readonly baseRevision: number
  readonly seen: readonly Seen[]
  /** Sources whose fragment is not part of it: what is in force of them is. */
  readonly standing: ReadonlySet<string>
  /** The sources that it is about: those that wait, or that are turned back. */
  readonly subject: readonly string[]
  /** What the API is asked for with it. */
  readonly requests?: readonly PlannedRequest[]
  /** Who had a hand in the commits that it takes up. */
  readonly authors?: readonly string[]
  readonly stored: { readonly modules: readonly ModuleDocument[] }
  readonly kind?: PlanDocument['kind']
  readonly message?: string
  readonly now: Date
}

/** Findings and differences of more documents than this are only counted. */
const mostFindings = 500
const mostDocuments = 1_000

/** Whose commits it is made of; what the base revision holds already needs no digest. */
function plannedSources({ seen, standing }: Pick<PlanOptions, 'seen' | 'standing'>): readonly PlannedSource[] {
  return seen.flatMap(({ source: { name }, before, fragment }) => {
    const isTaken = fragment !== null && !standing.has(name)
    if (isTaken && fragment.commit !== before?.commit)
      return [{ name, commit: fragment.commit, revision: fragment.revision, digest: fragmentDigest(fragment) }]
    return before?.commit == null ? [] : [{ name, commit: before.commit, revision: before.revision ?? '', digest: '' }]
  })
}

/** The sources whose content it changes. */
export function changedSources(options: Pick<PlanOptions, 'seen' | 'standing'>): readonly string[] {
  return plannedSources(options).flatMap(({ name, digest }) => (digest === '' ? [] : [name]))
}

export type Identity = Pick<PlanOptions, 'built' | 'baseRevision' | 'seen' | 'standing' | 'requests'>

export function plannedRequests(granted: ApiWrites | null): readonly PlannedRequest[] {
  return (granted?.entries ?? []).flatMap(({ request: id, actor, action, resource, counts }) =>
    id === null ? [] : [{ id, actor, change: { action, resource, rules: counts } }],
  )
}

export function digestOfPlan(options: Identity): string {
  const { built, baseRevision, requests = [] } = options
  const { create, replace, modules } = built.documents
  const desired = { policies: [...create, ...replace], modules: modules.put }
  return planDigest({ baseRevision, sources: plannedSources(options), requests, plan: built.plan, desired })
}

export async function planDocument(options: PlanOptions, deps: PlannerDeps): Promise<PlanDocument> {
  const { built, baseRevision, subject, kind = 'sync', message = '', now } = options
  const diffs = diffDocuments([...(await policyPairs(options, deps)), ...(await modulePairs(options, deps))])
  return {
    _id: randomUUID(),
    digest: digestOfPlan(options),
    kind,
    baseRevision,
    sources: [...plannedSources(options)],
    subject: [...subject],
    changes: { policies: plannedChange(built.plan.policies), modules: plannedChange(built.plan.modules) },
    owners: ownersOf(built),
    diffs: await putText(JSON.stringify(diffs), deps),
    findings: [...built.findings.values()].flat().slice(0, mostFindings),
    tests: plannedTests(built.tests),
    cost: costChanges(built.tests),
    requests: [...(options.requests ?? [])],
    authors: [...(options.authors ?? [])],
    status: 'Waiting',
    message,
    createdAt: now,
    decidedAt: null,
    decidedBy: null,
    revision: null,
  }
}

function ownersOf({ documents, ownership }: Built): PlannedOwner[] {
  const policies = [...documents.create, ...documents.replace].map(({ _id }) => `policy:${_id}`)
  const modules = documents.modules.put.map(({ kind, id }) => `${kind}:${id}`)
  return [...policies, ...modules]
    .slice(0, mostDocuments)
    .flatMap((key) => (ownership.get(key) ?? []).map(({ source, file }) => ({ key, source, file })))
}

async function putText(text: string, { putBlobs }: PlannerDeps): Promise<StoredText> {
  const large: Blob[] = []
  const stored = storedText(text, (blob) => void large.push(blob))
  await putBlobs(large)
  return stored
}

async function policyPairs({ built }: PlanOptions, deps: PlannerDeps): Promise<readonly DocumentPair[]> {
  const { create, replace, remove } = built.documents
  const after = new Map([...create, ...replace].map((document) => [document._id, document]))
  const keys = [...after.keys(), ...remove].sort().slice(0, mostDocuments)
  const known = new Set([...built.plan.policies.replace, ...remove])
  const before = await deps.readPolicies(keys.filter((key) => known.has(key)))
  const old = new Map(before.items.map((document) => [document._id, document]))
  return Promise.all(
    keys.map(async (key) => ({
      key: `policy:${key}`,
      before: await textsOf(old.get(key), deps),
      after: await textsOf(after.get(key), deps),
    })),
  )
}

async function textsOf(document: PolicyDocument | undefined, deps: PlannerDeps): Promise<FileTexts | null> {
  if (document === undefined) return null
  const { _id, rego, data, files } = document
  const parts: readonly (readonly [string, StoredText])[] = [
    ['policy.rego', rego],
    ...(data === null ? [] : [['data.json', data] as const]),
    ...files.map(({ path, text }) => [path, text] as const),
  ]
  const texts = parts.map(async ([name, text]) => [`${_id}/${name}`, await fileText(text, deps)] as const)
  return new Map(await Promise.all(texts))
}

async function modulePairs({ built, stored }: PlanOptions, deps: PlannerDeps): Promise<readonly DocumentPair[]> {
  const { create, replace, remove } = built.plan.modules
  const before = new Map(stored.modules.map((document) => [document._id, document]))
  const after = new Map(built.documents.modules.put.map((document) => [document._id, document]))
  const keys = [...create, ...replace, ...remove].sort().slice(0, mostDocuments)
  const texts = async (document: ModuleDocument | undefined): Promise<FileTexts | null> =>
    document === undefined ? null : new Map([[document.path, await fileText(document.text, deps)]])
  return Promise.all(
    keys.map(async (key) => ({
      key: `module:${key}`,
      before: await texts(before.get(key)),
      after: await texts(after.get(key)),
    })),
  )
}

/** What is too large to be compared is not even read. */
async function fileText(text: StoredText, { readText }: PlannerDeps): Promise<FileText> {
  if (typeof text === 'string') return { digest: sha256(text), bytes: Buffer.byteLength(text), text }
  const { blob: digest, size: bytes } = text
  return { digest, bytes, text: bytes > mostCompared ? null : await readText(text) }
}

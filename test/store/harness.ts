/** Stores on a database of their own, sample documents, and a replica that records what it is told. */
import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll } from 'vitest'
import { enforceOpen, type Enforce } from '../../src/auth/enforce.ts'
import type { PlanDocument } from '../../src/policy/plan-document.ts'
import type { ModuleDocument, PolicyDocument, PolicyKey, SourceDocument } from '../../src/policy/schema.ts'
import type { ApplyPlan } from '../../src/store/apply.ts'
import type { StoreChange } from '../../src/store/events.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { type FollowState, follow } from '../../src/store/watch.ts'
import { person } from '../setup/actors.ts'

const log = pino({ level: 'silent' })

export interface OpenedStore extends Store {
  readonly abort: () => void
}

interface OpenOptions {
  readonly uri: string
  readonly database: string
  readonly replicaId?: string
  readonly enforce?: Enforce
  readonly identityProvider?: boolean
}

export function open(options: OpenOptions): OpenedStore {
  const stopping = new AbortController()
  const store = openStore({ enforce: enforceOpen, ...options, log, signal: stopping.signal })
  const abort = () => stopping.abort()
  afterAll(async () => {
    abort()
    await store.close()
  })
  return { ...store, abort }
}

export async function prepared(options: OpenOptions): Promise<OpenedStore> {
  const store = open(options)
  await store.ensureCollections()
  return store
}

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export const wasm = new TextEncoder().encode('a compiled module')
export const data = new TextEncoder().encode('{}')
export const blobs = [wasm, data].map((bytes) => ({ digest: digestOf(bytes), bytes }))

export function policy(key: PolicyKey, over: Partial<PolicyDocument> = {}): PolicyDocument {
  const [group = '', name = '', version = ''] = key.split('/')
  return {
    _id: key,
    repository: 'platform',
    group,
    name,
    version,
    rego: `package ${group}.${name}\nallow := true`,
    data: null,
    files: [],
    tests: null,
    regoVersion: 1,
    digest: `digest of ${key}`,
    inputs: `inputs of ${key}`,
    artifact: { wasm: digestOf(wasm), data: digestOf(data), entry: 'package' },
    commit: 'c1',
    author: 'Ada <ada@example.org>',
    status: { phase: 'Ready', findings: [], since: new Date(0) },
    updated: new Date(0),
    revision: 0,
    ...over,
  }
}

export const module: ModuleDocument = {
  _id: 'platform:rbac/core.rego',
  repository: 'platform',
  kind: 'module',
  id: 'rbac/core',
  path: 'rbac/core.rego',
  text: 'package rbac.core',
  digest: 'm',
  commit: 'c1',
  author: null,
  status: { phase: 'Ready', findings: [], since: new Date(0) },
  updated: new Date(0),
  revision: 0,
}

export const source: SourceDocument = {
  _id: 'platform',
  kind: 'git',
  location: 'https://git.example.org/platform.git',
  phase: 'Ready',
  reason: 'Succeeded',
  message: '',
  findings: [],
  commit: 'c1',
  revision: 'main@sha1:c1',
  lastSeenCommit: 'c1',
  lastAttempt: new Date(0),
  lastSuccess: new Date(0),
  held: null,
  confirmed: null,
  counts: { policies: 1, modules: 0, quarantined: 0 },
}

export const planRecord = (over: Partial<PlanDocument> = {}): PlanDocument => ({
  _id: randomUUID(),
  digest: 'digest of the plan',
  kind: 'sync',
  baseRevision: 0,
  sources: [{ name: 'platform', commit: 'c1', revision: 'main@sha1:c1', digest: 'f1' }],
  subject: ['platform'],
  owners: [],
  changes: {
    policies: { create: [], replace: [], remove: [], keep: 0 },
    modules: { create: [], replace: [], remove: [], keep: 0 },
  },
  diffs: '[]',
  findings: [],
  tests: null,
  cost: null,
  requests: [],
  authors: [],
  status: 'Waiting',
  message: '',
  createdAt: new Date(),
  decidedAt: null,
  decidedBy: null,
  revision: null,
  ...over,
})

export const plan = (over: Partial<ApplyPlan> = {}): ApplyPlan => ({
  baseRevision: 0,
  record: planRecord(),
  archived: { policies: [], modules: [] },
  create: [],
  replace: [],
  remove: [],
  modules: { put: [], remove: [] },
  packages: { put: [], remove: [] },
  sources: [],
  revision: { sources: [{ name: 'platform', commit: 'c1', revision: 'main@sha1:c1' }] },
  ...over,
})

/** What a cycle does at its end. */
export async function applyPlan(store: Store, wanted: Partial<ApplyPlan>) {
  await store.blobs.put(blobs)
  const lease = await store.leases.acquire({ holder: 'test', ttlMs: 30_000 })
  if (lease === null) throw new Error('the lease is taken')
  const { revision } = await store.head()
  const made = plan({ baseRevision: revision, ...wanted })
  const archived = await store.archive(made)
  const applied = await store.apply({ plan: { ...made, archived }, lease, actor: person('sync') })
  await store.leases.release(lease)
  return applied
}

export interface Replica {
  readonly policies: Map<string, { readonly digest: string }>
  readonly locks: Set<string>
  readonly states: FollowState[]
  readonly changes: StoreChange[]
  readonly snapshots: number
  readonly sequence: number
  readonly isReady: () => boolean
  readonly stop: () => void
}

export function startReplica(store: Store): Replica {
  const stopping = new AbortController()
  const policies = new Map<string, { readonly digest: string }>()
  const locks = new Set<string>()
  const states: FollowState[] = []
  const changes: StoreChange[] = []
  const seen = { snapshots: 0, sequence: -1 }
  void follow({
    store,
    signal: stopping.signal,
    onState: (state) => states.push(state),
    onSnapshot: (snapshot) => {
      policies.clear()
      locks.clear()
      for (const item of snapshot.policies) policies.set(item._id, item)
      for (const lock of snapshot.locks) locks.add(lock._id)
      seen.snapshots += 1
      seen.sequence = snapshot.sequence
    },
    onChange: (change) => {
      for (const item of change.policies) policies.set(item._id, item)
      for (const key of change.removed) policies.delete(key)
      for (const lock of change.locks.set) locks.add(lock._id)
      for (const key of change.locks.removed) locks.delete(key)
      changes.push(change)
      seen.sequence = change.sequence
    },
  })
  afterAll(() => stopping.abort())
  return {
    policies,
    locks,
    states,
    changes,
    get snapshots() {
      return seen.snapshots
    },
    get sequence() {
      return seen.sequence
    },
    isReady: () => states.at(-1)?.ready === true,
    stop: () => stopping.abort(),
  }
}

/** Fails after ten seconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; await delay(5)) if (await condition()) return
  throw new Error(`not within ten seconds: ${String(condition)}`)
}

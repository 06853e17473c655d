/**
 * A server and an application over one registry, with everything else in memory; the engine is a fake whose policies are
 * written as functions, or the real one.
 */
import type { AuditMark } from '../../src/store/audit-chain.ts'
import { request as httpRequest } from 'node:http'
import { localActor, resolveLocalActor } from '../../src/auth/actor.ts'
import { createAuthz } from '../../src/auth/authz.ts'
import { defaultRules } from '../../src/auth/default-rules.ts'
import { createRateLimit } from '../../src/auth/rate-limit.ts'
import type { Enforce } from '../../src/auth/enforce.ts'
import { defaultSettings } from '../../src/engine/decision.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { Outcome } from '../../src/engine/outcome.ts'
import type { LoadedPolicy } from '../../src/engine/policy.ts'
import type { OwnershipIndex } from '../../src/policy/ownership.ts'
import type {
  CycleOutcome,
  LockDocument,
  PolicyKey,
  PolicyMeta,
  SourceDocument,
  RevisionDocument,
} from '../../src/policy/schema.ts'
import { EdictError } from '../../src/errors.ts'
import type { PlanSummary } from '../../src/policy/plan-document.ts'
import type { Rule } from '../../src/policy/rules.ts'
import { createApp } from '../../src/http/app.ts'
import { createAtRevision } from '../../src/http/at-revision.ts'
import { createOpenBatch } from '../../src/http/batch/open-batch.ts'
import { createAdmission } from '../../src/http/admit.ts'
import { createDocuments } from '../../src/http/opa/documents.ts'
import { createDecide, type DecideOptions } from '../../src/http/decide.ts'
import { createHostGuard } from '../../src/http/host-guard.ts'
import { createMayEvaluate } from '../../src/http/may-evaluate.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { createAddressOf } from '../../src/http/client.ts'
import type { Identity } from '../../src/http/middleware/identify.ts'
import type { Confirmation } from '../../src/http/routes/lock.ts'
import type { Health } from '../../src/http/routes/operation.ts'
import type { SignInWithOidc } from '../../src/http/routes/sign-in.ts'
import type { WebhookVerdict } from '../../src/http/routes/webhook.ts'
import type { RunDraft } from '../../src/http/routes/dry-run.ts'
import { createServer } from '../../src/http/server.ts'
import { createArchive } from '../../src/registry/archive.ts'
import { createRegistry, type RegistryChange } from '../../src/registry/registry.ts'

export type FakePolicy = LoadedPolicy['evaluate']

export const value = (json: string): Outcome => ({ kind: 'value', json: Buffer.from(json), cost: 42 })

/** `{"input": …, "header": …}`: what the policy got. */
export const echo: FakePolicy = (input, { header }) => {
  const text = input === undefined ? undefined : Buffer.from(input).toString()
  if (text !== undefined && text.startsWith('oops')) {
    return { kind: 'invalid_input', code: 'invalid_json', message: 'expected a JSON value', position: 0 }
  }
  return value(`{"input":${text ?? '"undefined"'},"header":${JSON.stringify(header('X-Test'))}}`)
}

/** A blob is the name of a fake policy; a module is looked up by identity. */
export const fakeEngine = (policies: Readonly<Record<string, FakePolicy>>) => {
  const names = new Map<WebAssembly.Module, string>()
  const compiled: string[] = []
  const engine: Engine = {
    compile: async (wasm) => {
      const module = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))
      const name = Buffer.from(wasm).toString()
      names.set(module, name)
      compiled.push(name)
      return module
    },
    load: ({ module }) => {
      const evaluate = policies[names.get(module) ?? '']
      if (evaluate === undefined) throw new Error('no such fake')
      return { bytes: 1000, evaluate }
    },
  }
  return { engine, compiled }
}

export const meta = (key: string, options: Partial<PolicyMeta> & { readonly wasm?: string } = {}): PolicyMeta => {
  const [group = '', name = '', version = ''] = key.split('/')
  const { wasm = 'echo', ...rest } = options
  return {
    _id: key,
    repository: 'main',
    group,
    name,
    version,
    regoVersion: 1,
    digest: `digest-of-${wasm}`,
    inputs: 'inputs',
    artifact: { wasm, data: '{}', entry: 'package' },
    commit: 'c0ffee',
    author: 'alice',
    status: { phase: 'Ready', findings: [], since: new Date(0) },
    updated: new Date(0),
    revision: 7,
    ...rest,
  }
}

export const lockDocument = (key: string, until: Date | null = null): LockDocument => ({
  _id: key,
  actor: 'local',
  reason: null,
  since: new Date(0),
  until,
})

export const change = (options: Partial<RegistryChange>): RegistryChange => ({
  policies: [],
  removed: [],
  locks: new Map(),
  revision: 1,
  sequence: 1,
  ...options,
})

export const silentLog = { info: () => undefined, warn: () => undefined, error: () => undefined }

export const blobOf = async (digest: string): Promise<Uint8Array> => Buffer.from(digest)

const sourceDocument: SourceDocument = {
  _id: 'main',
  kind: 'git',
  location: 'https://git.example.org/main.git',
  phase: 'Ready',
  reason: 'Succeeded',
  message: 'applied',
  findings: [],
  commit: 'c0ffee',
  revision: 'main@sha1:c0ffee',
  lastSeenCommit: 'c0ffee',
  lastAttempt: new Date(0),
  lastSuccess: new Date(0),
  held: null,
  confirmed: null,
  counts: { policies: 3, modules: 0, quarantined: 0 },
}

const planChange = { create: ['example/echo/1.0'], replace: [], remove: [], keep: 2 }

const planSummary: PlanSummary = {
  _id: 'plan-1',
  digest: 'd1',
  kind: 'sync',
  baseRevision: 4,
  sources: [{ name: 'main', commit: 'c0ffee', revision: 'main@sha1:c0ffee', digest: 'f1' }],
  subject: ['main'],
  owners: [],
  changes: { policies: planChange, modules: { create: [], replace: [], remove: [], keep: 0 } },
  findings: [],
  tests: null,
  cost: null,
  requests: [],
  authors: [],
  status: 'Waiting',
  message: '',
  createdAt: new Date(0),
  decidedAt: null,
  decidedBy: null,
  revision: null,
}

const revisionDocument: RevisionDocument = {
  _id: 5,
  at: new Date(0),
  sources: [{ name: 'main', commit: 'c0ffee', revision: 'main@sha1:c0ffee' }],
  created: ['example/echo/1.0'],
  replaced: [],
  removed: [],
  policies: 3,
  plan: 'plan-1',
}

export interface FixtureOptions {
  readonly policies?: Readonly<Record<string, FakePolicy>>
  readonly engine?: Engine
  readonly loadBlob?: (digest: string, signal: AbortSignal) => Promise<Uint8Array>
  readonly limits?: Partial<{
    maxBatch: number
    maxBatchBody: number
    maxBody: number
    maxConcurrent: number
    maxHeaders: number
    requestTimeoutMs: number
  }>
  readonly loopbackOnly?: boolean
  readonly consoleFolder?: string
  readonly signIn?: SignInWithOidc
  readonly decide?: Partial<Pick<DecideOptions, 'stale' | 'decisionLog' | 'log'>>
  readonly identity?: Partial<Identity>
  readonly enforce?: Enforce
  readonly evaluate?: readonly string[]
  readonly now?: () => number
  readonly runDraft?: RunDraft
}

const auditMark: AuditMark = { sequence: 1, hash: 'ab'.repeat(32) }

export const createFixture = (options: FixtureOptions = {}) => {
  const { now = Date.now } = options
  const limits = {
    ...{ maxBatch: 5, maxBatchBody: 3000, maxDepth: 500 },
    maxBody: 1000,
    maxConcurrent: 100,
    maxHeaders: 8192,
    requestTimeoutMs: 10_000,
    ...options.limits,
  }
  const engine = options.engine ?? fakeEngine({ echo, ...options.policies }).engine
  const loadBlob = options.loadBlob ?? blobOf
  const registry = createRegistry({ engine, loadBlob, maxPolicies: 100, log: silentLog, now })
  const held = {
    source: sourceDocument as SourceDocument | null,
    outcome: { at: new Date(0), ok: true, revision: 8, message: 'applied', findings: [] } as CycleOutcome | null,
    confirmation: { confirmed: ['a'], silent: [], pending: [] } as Confirmation,
    ownership: new Map() as OwnershipIndex,
    verdict: { ok: true } as WebhookVerdict,
    health: { store: true, stream: true, firstSync: true } as Health,
    submitted: [] as object[],
    plan: planSummary,
    released: [] as string[],
    /** What revision 5 held; 3 is gone, and none is newer than 8. */
    past: new Map<string, PolicyMeta>(),
    enforced: [] as string[],
    rules: [] as Rule[],
    storeDown: false,
    stop: new AbortController(),
  }
  const locked = new Map<string, LockDocument>()
  const guardStore = (): void => {
    if (held.storeDown) throw new EdictError('store_unavailable', 'the store cannot be reached')
  }
  const setLock = (key: PolicyKey, lock: LockDocument | null): AuditMark => {
    guardStore()
    if (lock !== null && locked.has(key)) throw new EdictError('already_locked', `${key} is locked already`)
    if (lock === null && !locked.delete(key)) throw new EdictError('not_locked', `${key} is not locked`)
    if (lock !== null) locked.set(key, lock)
    registry.swap(change({ locks: new Map([[key, lock]]), sequence: registry.state.sequence + 1 }))
    return { sequence: registry.state.sequence, hash: 'ab'.repeat(32) }
  }
  const enforce: Enforce = async (actor, action, resource) => {
    const keys = [resource].flat().map(({ kind, key }) => `${kind} ${key}`)
    held.enforced.push(`${actor?.id} ${action} ${keys.join(', ')}`)
    return options.enforce?.(actor, action, resource) ?? actor ?? localActor
  }
  const sources = { list: async () => (held.source === null ? [] : [held.source]) }
  const metrics = createMetrics({ registry, sources: sources.list, maxLabels: 3 })
  const decide = createDecide({ registry, stale: 'serve', metrics, log: silentLog, now, ...options.decide })
  const batches = {
    ...{ registry, metrics, log: silentLog, now, maxInput: limits.maxBody },
    stale: 'serve' as const,
    ...options.decide,
  }
  const openBatch = createOpenBatch(batches)
  const pastOf = (revision: number): ReadonlyMap<string, PolicyMeta> => {
    guardStore()
    if (revision === 5) return held.past
    throw revision < 8
      ? new EdictError('revision_gone', `revision ${revision} is not kept any more`)
      : new EdictError('not_found', `there is no revision ${revision}`)
  }
  const archive = createArchive({ engine, loadBlob, settingsOf: () => defaultSettings })
  const atRevision = createAtRevision({
    ...batches,
    archive,
    policyAt: async (revision, key) => pastOf(revision).get(key) ?? null,
  })
  const guard = createHostGuard({ loopbackOnly: () => options.loopbackOnly ?? true })
  const admission = createAdmission({ registry, stale: options.decide?.stale ?? 'serve' })
  const readDocument = createDocuments({
    ...{ registry, metrics, readBlob: async (digest: string) => loadBlob(digest, new AbortController().signal) },
    admission,
    decisionLog: options.decide?.decisionLog,
  })
  const mode = options.identity?.mode ?? (() => 'open' as const)
  const mayEvaluate = createMayEvaluate({ groups: options.evaluate ?? [], mode, enforce })
  const app = createApp({
    decide,
    openBatch,
    atRevision,
    readDocument,
    admission,
    explainPolicy: async (key, _, mayStart) => {
      mayStart()
      const answer = { decision: {}, asked: [], rules: [], unavailable: [], notes: [] }
      return { policy: key, repository: 'main', commit: 'c0ffee', digest: 'd', revision: 7, ...answer }
    },
    showIds: options.decide?.decisionLog !== undefined,
    registry,
    guard,
    metrics,
    enforce,
    authzInForce: () => createAuthz({ rules: defaultRules, protectedKeys: [] }),
    policies: {
      read: async () => {
        guardStore()
        return { rego: 'package example.echo\n', data: null, files: [], tests: null }
      },
    },
    audit: {
      list: async () => [],
      each: async function* () {},
      verify: async () => ({ ok: true, entries: 0, head: null }),
    },
    locks: {
      lock: async ({ key, actor, reason, until }) =>
        setLock(key, { ...lockDocument(key, until), actor: actor.id, reason }),
      unlock: async ({ key }) => setLock(key, null),
      confirmed: async () => held.confirmation,
    },
    sources: { ...sources, get: async (name) => (held.source?._id === name ? held.source : null) },
    webhooks: { isConfigured: (name) => name === 'main', last: async () => new Map([['main', new Date(0)]]) },
    requests: {
      submit: async (request) => {
        guardStore()
        held.submitted.push({ ...request, actor: request.actor.id })
        return { id: 'request-1' }
      },
      outcome: async () => held.outcome,
    },
    ownership: async () => {
      guardStore()
      return held.ownership
    },
    plans: {
      list: async ({ status }) => ({
        items: [held.plan].filter((plan) => status === undefined || plan.status === status),
        next: null,
      }),
      get: async (id) => (held.plan._id === id ? { ...held.plan, diffs: [] } : null),
      reject: async (id, { actor, reason }) => {
        if (held.plan._id !== id) throw new EdictError('plan_not_found', `no plan ${id}`)
        held.plan = {
          ...held.plan,
          status: 'Rejected',
          message: reason ?? '',
          decidedBy: actor.id,
          decidedAt: new Date(0),
        }
        return { plan: held.plan, sequence: 9, hash: 'abc' }
      },
    },
    revisions: {
      list: async () => [revisionDocument],
      originsOf: async () => new Map([[5, { repository: 'main', commit: 'c0ffee', author: 'alice' }]]),
      get: async (revision) => {
        pastOf(revision)
        return revisionDocument
      },
    },
    holds: {
      release: async (source) => {
        if (held.released.includes(source)) throw new EdictError('conflict', `nothing holds ${source}`)
        held.released.push(source)
        return { sequence: 9, hash: 'abc' }
      },
    },
    applyChange: async () => held.outcome ?? { at: new Date(0), ok: false, revision: null, message: '', findings: [] },
    modules: { list: async () => [], read: async () => null },
    rules: {
      list: async () => ({ items: held.rules, total: held.rules.length }),
      get: async (id) => held.rules.find(({ _id }) => _id === id) ?? null,
    },
    readStats: async () => new Map(),
    runDraft: options.runDraft ?? (async () => ({ findings: [], evaluated: null, explained: null })),
    prefixes: ['/api', '/auth-api/api'],
    verifyWebhook: () => held.verdict,
    health: () => held.health,
    identity: {
      mode: () => 'open',
      resolveActor: resolveLocalActor,
      addressOf: createAddressOf([]),
      mutations: createRateLimit({ perMinute: 0, of: 'changes' }),
      failures: createRateLimit({ perMinute: 0, of: 'failures' }),
      ...options.identity,
    },
    mayEvaluate,
    tokens: {
      create: async ({ by, ...token }) => {
        guardStore()
        return { ...auditMark, token: { ...token, created: new Date(0), createdBy: by?.id ?? 'local', revoked: null } }
      },
      revoke: async () => Promise.reject(new EdictError('not_found', 'no token')),
      list: async () => [],
      confirmed: async () => held.confirmation,
    },
    signIn: options.signIn ?? null,
    consoleFolder: options.consoleFolder ?? '/nowhere',
    authz: {
      state: () => ({
        ...{ file: null, digest: null, since: new Date(0), problem: null, rules: defaultRules, protectedKeys: [] },
      }),
      replicas: async () => [],
      reload: async () => ({ digest: 'd', sequence: 1, hash: 'ab'.repeat(32) }),
      confirmed: async () => held.confirmation,
    },
    limits,
    log: silentLog,
    signal: held.stop.signal,
    version: '1.2.3',
  })
  const server = createServer({ app, decide, guard, mayEvaluate, limits, metrics, log: silentLog })
  return { app, server, registry, metrics, held, decide }
}

export type Fixture = ReturnType<typeof createFixture>

export interface Call {
  readonly method?: string
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

export interface Reply {
  readonly status: number
  readonly header: (name: string) => string | null
  readonly text: string
}

export type Door = (path: string, call?: Call) => Promise<Reply>

export const throughApp =
  ({ app }: Fixture): Door =>
  async (path, { method = 'GET', body, headers = {} } = {}) => {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    const init = { method, headers, ...(bytes === undefined ? {} : { body: Uint8Array.from(bytes) }) }
    const response = await app.request(path, init)
    return { status: response.status, header: (name) => response.headers.get(name), text: await response.text() }
  }

export const throughSocket =
  (port: number): Door =>
  (path, { method = 'GET', body, headers = {} } = {}) =>
    new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
      const request = httpRequest({ port, host: '127.0.0.1', path, method, headers: { ...length, ...headers } })
      request.on('response', (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            header: (name) => response.headers[name]?.toString() ?? null,
            text: Buffer.concat(chunks).toString(),
          }),
        )
      })
      request.on('error', reject)
      request.end(body)
    })

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { CachedOpa } from '../../src/opa/cached.ts'
import type { ApiChange } from '../../src/policy/api-change.ts'
import { shipped } from '../../src/policy/rbac.ts'
import type { CycleOutcome } from '../../src/policy/schema.ts'
import { enforceOpen } from '../../src/auth/enforce.ts'
import { collectionsOf } from '../../src/store/collections.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { createApiSource } from '../../sync/sources/api-source.ts'
import { createReconciler, type Reconciler } from '../../sync/cycle.ts'
import type { Source } from '../../sync/sources/source.ts'
import { cachedOpa } from '../opa/opa-for-tests.ts'
import { useMongo } from '../setup/mongo.ts'
import { person } from '../setup/actors.ts'
import { memorySource } from './build/built-world.ts'

const mongo = useMongo()
const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' })

let opa: CachedOpa
let folder: string
let store: Store
let database: string
const stops: (() => Promise<void>)[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edict-approval-'))
  opa = await cachedOpa(join(folder, 'opa'))
})
afterAll(async () => {
  for (const stop of stops) await stop()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(() => {
  database = mongo.database()
  store = open()
})

const open = (): Store => {
  const stop = new AbortController()
  const opened = openStore({ enforce: enforceOpen, uri: mongo.uri, database, log, signal: stop.signal })
  stops.push(async () => {
    stop.abort()
    await opened.close()
  })
  return opened
}

const reconciler = (sources: readonly Source[] = [], approval = ['api'], on: Store = store): Reconciler =>
  createReconciler({
    store: on,
    sources: [...sources, createApiSource('api', on)],
    approval: new Set(approval),
    opa,
    defaults: shipped,
    log,
  })

const ask = (change: ApiChange, { actor = 'ada', dryRun = false } = {}): Promise<string> =>
  store.requests.submit({ reason: 'change', source: 'api', commit: null, actor: person(actor), change, dryRun })
/** As a caller is told. */
const told = async (id: string): Promise<CycleOutcome> => {
  const outcome = await store.requests.waitFor(id, { timeoutMs: 0 })
  if (outcome === 'pending') throw new Error('nobody has answered')
  return outcome
}
const upload = (id: string, rego: string): ApiChange => ({ kind: 'modules', put: [{ id, rego }], remove: [] })
const extra = (role: string) => `package rbac\n\nrole_check(assignment) if assignment.role == "${role}"\n`
const rule = (id: string, role: string, is_active = true): ApiChange => ({
  kind: 'rules',
  put: [{ id, service_name: 'engine', resource_type: 'workflow', role, action: 'read', is_active }],
  patch: [],
  remove: [],
})
const modules = async () =>
  (await store.policies.modules()).items.flatMap(({ repository, id }) => (repository === 'api' ? [id] : []))
const ruleIds = async () => [...(await store.rules.all()).values()].map(({ _id }) => _id).sort()
const waiting = async () => {
  const plan = await store.plans.waiting()
  if (plan === null) throw new Error('no plan waits')
  return plan
}
const approve = (sync: Reconciler, plan: string, actor = 'bob') =>
  sync.cycle({ sources: [], approve: [{ plan, actor }] })
const actions = async () =>
  (await store.audit.list({ limit: 100 })).map(({ action, actor, resource }) => [action, actor, resource]).reverse()

test('a change is not in force but waits in a plan, which is what its caller is told, until somebody approves it', async () => {
  const sync = reconciler()
  await sync.cycle({})
  const base = await store.head()
  const id = await ask(upload('rbac/custom', extra('analyst')))
  const two = await ask(rule('r1', 'admin'), { actor: 'eve' })
  await sync.cycle({})
  const plan = await waiting()
  expect(plan).toMatchObject({
    subject: ['api'],
    requests: [
      { id, actor: 'ada', change: { action: 'module.upload', resource: 'rbac/custom' } },
      { id: two, actor: 'eve', change: { action: 'rules.change', rules: { created: 1, updated: 0, removed: 0 } } },
    ],
    changes: { modules: { create: ['api:edict/rules/data.json', 'api:rbac/custom.rego'] } },
  })
  for (const one of [id, two]) expect(await told(one)).toMatchObject({ ok: true, waits: true, plan: plan._id })
  expect([await modules(), await ruleIds(), (await store.head()).revision]).toEqual([[], [], base.revision])
  expect(await store.sources.get('api')).toMatchObject({
    phase: 'Stalled',
    reason: 'AwaitingApproval',
    plan: plan._id,
    message: expect.stringContaining('2 changes') as string,
  })
  // Nothing to do: no new plan, no entry, and nobody is woken for it.
  const head = await store.head()
  expect(await sync.cycle({})).toMatchObject({ deferred: 0, changed: null })
  expect(await store.head()).toEqual(head)
  expect(await store.requests.take()).toEqual([])
  expect((await approve(sync, plan._id)).refused.size).toBe(0)
  expect([await modules(), await ruleIds()]).toEqual([['edict/rules', 'rbac/custom'], ['r1']])
  for (const one of [id, two]) {
    const outcome = await told(one)
    expect(outcome).toMatchObject({ ok: true, message: 'applied', revision: base.revision + 1 })
    expect(outcome.waits).toBeUndefined()
  }
  expect(await store.plans.get(plan._id)).toMatchObject({ status: 'Applied', decidedBy: 'bob' })
  expect((await actions()).slice(-6)).toEqual([
    ['plan.ask', 'ada', 'rbac/custom'],
    ['plan.ask', 'eve', 'rbac/engine'],
    ['plan.create', 'local', plan._id],
    ['module.upload', 'ada', 'rbac/custom'],
    ['rules.change', 'eve', 'rbac/engine'],
    ['sync.apply', 'bob', 'policies'],
  ])
  const entries = await store.audit.list({ limit: 2 })
  for (const { details } of entries) expect(details).toMatchObject({ plan: { id: plan._id } })
  expect(await store.audit.verify()).toMatchObject({ ok: true })
  expect((await store.sources.get('api'))?.reason).toBe('Succeeded')
})

test('a newer change makes a plan of both, in the order in which they came; a bad one is refused alone', async () => {
  const sync = reconciler()
  const first = await ask(upload('rbac/m', extra('one')))
  await sync.cycle({})
  const old = await waiting()
  const bad = await ask(upload('rbac/m', 'package rbac\n\nrole_check(a) if {\n'))
  const second = await ask(upload('rbac/n', extra('two')))
  await sync.cycle({})
  const newer = await waiting()
  expect(await store.plans.get(old._id)).toMatchObject({ status: 'Superseded' })
  expect(newer.requests.map(({ id }) => id)).toEqual([first, second])
  expect(await told(bad)).toMatchObject({ ok: false, code: 'invalid' })
  for (const id of [first, second]) expect(await told(id)).toMatchObject({ waits: true, plan: newer._id })
  const third = await ask(upload('rbac/m', extra('three')))
  const same = await ask(upload('rbac/n', extra('two')))
  await sync.cycle({})
  const last = await waiting()
  // What the plan does already needs no place in it.
  expect(await told(same)).toMatchObject({ ok: true, waits: true, plan: last._id })
  expect(last.requests.map(({ id }) => id)).toEqual([first, second, third])
  expect((await approve(sync, newer._id)).refused.get(newer._id)).toMatchObject({ code: 'conflict' })
  expect(await modules()).toEqual([])
  expect((await approve(sync, last._id)).refused.size).toBe(0)
  const texts = (await store.policies.modules()).items.map(({ id, text }) => [id, text])
  expect(texts).toContainEqual(['rbac/m', extra('three')])
  expect(texts).toContainEqual(['rbac/n', extra('two')])
})

test('rejecting drops what was asked for: it is answered, and comes back with nothing', async () => {
  const sync = reconciler()
  const id = await ask(rule('r1', 'admin'))
  await sync.cycle({})
  const plan = await waiting()
  await store.plans.reject(plan._id, { actor: person('bob'), reason: 'too wide' })
  expect(await told(id)).toMatchObject({ ok: false, code: 'conflict', message: 'rejected by bob: too wide' })
  await sync.cycle({})
  expect(await store.plans.waiting()).toBeNull()
  expect((await store.sources.get('api'))?.reason).toBe('Succeeded')
  const other = await ask(upload('rbac/custom', extra('analyst')))
  await sync.cycle({})
  expect((await waiting()).requests.map((request) => request.id)).toEqual([other])
  expect((await approve(sync, plan._id)).refused.get(plan._id)?.message).toContain('Rejected')
  await approve(sync, (await waiting())._id)
  expect([await modules(), await ruleIds()]).toEqual([['rbac/custom'], []])
})

test('another process takes over what waits, with the same plan, and nothing of it expires', async () => {
  const id = await ask(rule('r1', 'admin'))
  await reconciler().cycle({})
  const plan = await waiting()
  const other = open()
  const sync = reconciler([], ['api'], other)
  await sync.cycle({})
  expect((await waiting())._id).toBe(plan._id)
  const { requests } = collectionsOf(store.connection.db)
  const expiring = async () => (await requests.find({ waits: null }).hint('expiry').toArray()).map(({ _id }) => _id)
  expect(await expiring()).not.toContain(id)
  expect(await store.requests.withdraw(id)).toBe(false)
  await approve(sync, plan._id)
  expect(await ruleIds()).toEqual(['r1'])
  expect(await expiring()).toContain(id)
})

test('a plan whose base moved on is stale, and another one takes its place with the same changes', async () => {
  const app = memorySource('app', { 'app/gate/1.0/policy.rego': 'package app.gate\n\nallow := 1\n' })
  const sync = reconciler([app.source])
  await sync.cycle({})
  const id = await ask(upload('rbac/custom', extra('analyst')))
  await sync.cycle({})
  const old = await waiting()
  app.set({ 'app/gate/1.0/policy.rego': 'package app.gate\n\nallow := 2\n' })
  expect((await sync.cycle({ approve: [{ plan: old._id, actor: 'bob' }] })).refused.get(old._id)?.message).toContain(
    'stale',
  )
  expect(await modules()).toEqual([])
  const next = await waiting()
  expect(next).toMatchObject({ baseRevision: 2, requests: [{ id }] })
  expect(await told(id)).toMatchObject({ waits: true, plan: next._id })
  await approve(sync, next._id)
  expect(await modules()).toEqual(['rbac/custom'])
})

test('a commit that waits and a change that waits are one plan; what an applied commit takes is dropped from it', async () => {
  const app = memorySource('app', { 'lib/a.rego': 'package lib.a\n\nx := 1\n' })
  const both = reconciler([app.source], ['api', 'app'])
  const id = await ask(upload('rbac/custom', extra('analyst')))
  await both.cycle({})
  const plan = await waiting()
  expect(plan).toMatchObject({ subject: ['api', 'app'], requests: [{ id }] })
  await approve(both, plan._id)
  expect(await modules()).toEqual(['rbac/custom'])
  expect((await store.sources.get('app'))?.commit).toBe('app0')
  const taken = await ask(upload('rbac/taken', extra('x')))
  await both.cycle({})
  expect(await told(taken)).toMatchObject({ waits: true })
  app.set({ 'lib/a.rego': 'package lib.a\n\nx := 1\n', 'rbac/taken.rego': extra('y') })
  const sync = reconciler([app.source])
  await sync.cycle({})
  expect(await told(taken)).toMatchObject({ ok: false, code: 'conflict' })
  expect(await store.plans.waiting()).toBeNull()
})

test('in a Conflict of others what waits goes on waiting, and what is new is refused', async () => {
  const one = memorySource('one', { 'lib/a.rego': 'package lib.a\n\nx := 1\n' })
  const two = memorySource('two', { 'lib/b.rego': 'package lib.b\n\nx := 1\n' })
  const sync = reconciler([one.source, two.source])
  const id = await ask(upload('rbac/custom', extra('analyst')))
  await sync.cycle({})
  two.set({ 'lib/a.rego': 'package lib.a\n\nx := 2\n' })
  const late = await ask(upload('rbac/late', extra('late')))
  await sync.cycle({})
  expect(await told(late)).toMatchObject({ ok: false, code: 'conflict' })
  expect(await told(id)).toMatchObject({ ok: true, waits: true })
  two.set({ 'lib/b.rego': 'package lib.b\n\nx := 2\n' })
  await sync.cycle({})
  expect((await waiting()).requests.map((request) => request.id)).toEqual([id])
  await approve(sync, (await waiting())._id)
  expect(await modules()).toEqual(['rbac/custom'])
})

test('a dry run is answered at once, and a change that decides nothing waits like any other', async () => {
  const sync = reconciler()
  const dry = await ask(rule('r1', 'admin'), { dryRun: true })
  const inactive = await ask(rule('r2', 'admin', false))
  await sync.cycle({})
  expect(await told(dry)).toMatchObject({ ok: true, preview: { rules: { created: 1 } } })
  expect(await told(inactive)).toMatchObject({ waits: true })
  expect(await ruleIds()).toEqual([])
  await approve(sync, (await waiting())._id)
  expect(await ruleIds()).toEqual(['r2'])
})

test('once the API is applied at once again, what waits is applied', async () => {
  const id = await ask(rule('r1', 'admin'))
  await reconciler().cycle({})
  const plan = await waiting()
  await reconciler([], []).cycle({})
  expect(await told(id)).toMatchObject({ ok: true, message: 'applied' })
  expect(await ruleIds()).toEqual(['r1'])
  expect(await store.plans.get(plan._id)).toMatchObject({ status: 'Stale' })
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { CachedOpa } from '../../src/opa/cached.ts'
import { enforceOpen } from '../../src/auth/enforce.ts'
import type { Opa } from '../../src/opa/run.ts'
import type { ApiChange } from '../../src/policy/api-change.ts'
import { shipped } from '../../src/policy/rbac.ts'
import type { CycleOutcome } from '../../src/policy/schema.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { createApiSource } from '../../sync/sources/api-source.ts'
import { createReconciler, type ReconcilerDeps } from '../../sync/cycle.ts'
import type { Source } from '../../sync/sources/source.ts'
import { cachedOpa, realOpa } from '../opa/opa-for-tests.ts'
import { person } from '../setup/actors.ts'
import { useMongo } from '../setup/mongo.ts'
import { fragment, type Files } from './build/built-world.ts'

const mongo = useMongo()
const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' })

let opa: CachedOpa
let folder: string
let store: Store
/** Called before what says `slow` is built. */
let beforeSlow: () => Promise<void> = async () => undefined
const stops: (() => Promise<void>)[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edict-lane-'))
  const real = realOpa()
  const gated: Opa = {
    ...real,
    build: async (files, ...rest) => {
      if (files.some(({ text }) => text.includes('slow'))) await beforeSlow()
      return real.build(files, ...rest)
    },
  }
  opa = await cachedOpa(join(folder, 'opa'), gated)
})
afterAll(async () => {
  for (const stop of stops) await stop()
  await rm(folder, { recursive: true, force: true })
})

beforeEach(() => {
  const stop = new AbortController()
  store = openStore({ uri: mongo.uri, database: mongo.database(), log, signal: stop.signal, enforce: enforceOpen })
  const opened = store
  stops.push(async () => {
    stop.abort()
    await opened.close()
  })
  beforeSlow = async () => undefined
})

/** A source in memory, at a commit that counts up. */
const fixed = (name: string, files: Files) => {
  let current = fragment(name, files, `${name}0`)
  let count = 0
  let loads = 0
  const source: Source = {
    name,
    kind: 'directory',
    describe: () => name,
    blame: async () => null,
    load: async () => {
      loads += 1
      return current
    },
  }
  const set = (next: Files) => (current = fragment(name, next, `${name}${(count += 1)}`))
  return { source, set, loads: () => loads }
}

const reconciler = (sources: readonly Source[], more: Partial<ReconcilerDeps> = {}) => {
  const on = more.store ?? store
  const all = [...sources, createApiSource('api', on)]
  return createReconciler({ store: on, sources: all, opa, defaults: shipped, log, ...more })
}

const ask = (change: ApiChange, dryRun = false): Promise<string> =>
  store.requests.submit({ reason: 'change', source: 'api', commit: null, actor: person('ada'), change, dryRun })
const outcomeOf = async (id: string): Promise<CycleOutcome | null> => (await store.requests.find(id))?.outcome ?? null
const upload = (id: string, rego: string): ApiChange => ({ kind: 'modules', put: [{ id, rego }], remove: [] })
const extra = (role: string) => `package rbac\n\nrole_check(assignment) if assignment.role == "${role}"\n`
const gate = (value: string) => ({
  'app/gate/1.0/policy.rego': `package app.gate\n\nallow := data.rbac.allow\n\nvalue := "${value}"\n`,
})
const regoOf = async (key: 'app/gate/1.0') => (await store.policies.get(key))?.rego
const modules = async () => (await store.policies.modules()).items.map(({ _id }) => _id)

/** A gate that is waited at until it is opened. */
const barrier = () => {
  let arrive: () => void = () => undefined
  let open: () => void = () => undefined
  const arrived = new Promise<void>((resolve) => (arrive = resolve))
  const opened = new Promise<void>((resolve) => (open = resolve))
  const pass = (): Promise<void> => {
    arrive()
    return opened
  }
  return { arrived, open, pass }
}

describe('beside a cycle that compiles', () => {
  test('an upload is in force before it, and what it applies then holds both', async () => {
    const app = fixed('app', gate('one'))
    const sync = reconciler([app.source])
    await sync.cycle({})
    app.set(gate('slow'))
    const { arrived, open, pass } = barrier()
    beforeSlow = pass
    const cycle = sync.cycle({ leaveChanges: true })
    await arrived
    const loads = app.loads()
    const id = await ask(upload('rbac/custom', extra('analyst')))
    expect(await sync.change({})).toMatchObject({ kind: 'done', revision: 2, answered: 1, deferred: 0, again: false })
    expect(await outcomeOf(id)).toMatchObject({ ok: true, revision: 2 })
    expect(await modules()).toContain('api:rbac/custom.rego')
    expect(await regoOf('app/gate/1.0')).toContain('"one"')
    expect(await store.sources.get('app')).toMatchObject({ commit: 'app0', phase: 'Ready' })
    expect(app.loads()).toBe(loads)
    open()
    expect(await cycle).toMatchObject({ ok: true, revision: 3, changed: { replaced: 1 } })
    expect(await regoOf('app/gate/1.0')).toContain('"slow"')
    expect(await modules()).toContain('api:rbac/custom.rego')
    const sources = (await store.sources.list()).items
    const fragments = await Promise.all([app.source.load({}), createApiSource('api', store).load({})])
    expect(new Map(sources.map(({ _id, commit }) => [_id, commit]))).toEqual(
      new Map(fragments.map(({ source, commit }) => [source, commit])),
    )
    expect(await sync.cycle({})).toMatchObject({ changed: null, revision: 3 })
    expect(await store.audit.verify()).toMatchObject({ ok: true })
  })

  test('a broken one, a dry run and one that changes nothing are answered, and nothing is applied', async () => {
    const app = fixed('app', gate('one'))
    const sync = reconciler([app.source])
    await sync.cycle({})
    app.set(gate('slow two'))
    const { arrived, open, pass } = barrier()
    beforeSlow = pass
    const cycle = sync.cycle({ leaveChanges: true })
    await arrived
    const broken = await ask(upload('rbac/broken', 'package rbac\n\nx if y\n'))
    const dry = await ask(upload('rbac/dry', extra('dry')), true)
    expect(await sync.change({})).toMatchObject({ revision: null, answered: 2 })
    expect(await outcomeOf(broken)).toMatchObject({ ok: false, code: 'invalid', findings: [{ line: 3 }] })
    expect(await outcomeOf(dry)).toMatchObject({ ok: true, preview: { policies: { replace: ['app/gate/1.0'] } } })
    expect(await sync.change({})).toMatchObject({ revision: null, answered: 0 })
    open()
    expect(await cycle).toMatchObject({ revision: 2 })
  })

  test('a key that both come to claim: who was first has it, and the other is a Conflict', async () => {
    const app = fixed('app', gate('one'))
    const sync = reconciler([app.source])
    await sync.cycle({})
    app.set({ ...gate('slow three'), 'rbac/taken.rego': extra('git') })
    const { arrived, open, pass } = barrier()
    beforeSlow = pass
    const cycle = sync.cycle({ leaveChanges: true })
    await arrived
    const id = await ask(upload('rbac/taken', extra('mine')))
    await sync.change({})
    expect(await outcomeOf(id)).toMatchObject({ ok: true, revision: 2 })
    open()
    expect(await cycle).toMatchObject({ ok: false, revision: 2 })
    expect(await store.sources.get('app')).toMatchObject({ reason: 'Conflict', commit: 'app0' })
  })

  test('one that is overtaken twice is not overtaken a third time', async () => {
    const app = fixed('app', gate('one'))
    let archived = 0
    let ended = false
    const ids: string[] = []
    const changes: Promise<unknown>[] = []
    const overtaken: Store = {
      ...store,
      // The last thing before the lease is taken.
      archive: async (documents) => {
        const isOfCycle =
          !ended && documents.replace.some(({ rego }) => typeof rego === 'string' && rego.includes('late'))
        if (isOfCycle) {
          archived += 1
          ids.push(await ask(upload(`rbac/m${archived}`, extra(`r${archived}`))))
          const change = sync.change({})
          changes.push(change)
          // The third is to wait for this cycle.
          await (archived < 3 ? change : Promise.race([change, sleep(1000)]))
        }
        return store.archive(documents)
      },
    }
    const sync = reconciler([app.source], { store: overtaken })
    await sync.cycle({})
    app.set(gate('late'))
    const report = await sync.cycle({ leaveChanges: true })
    ended = true
    expect(report).toMatchObject({ ok: true, revision: 4 })
    await Promise.all(changes)
    expect(archived).toBe(3)
    expect((await Promise.all(ids.map(outcomeOf))).map((outcome) => outcome?.revision)).toEqual([2, 3, 5])
    expect(await regoOf('app/gate/1.0')).toContain('"late"')
    expect(await store.audit.verify()).toMatchObject({ ok: true })
  })

  test('another worker that only comes to another commit is noticed, though it makes no revision', async () => {
    const app = fixed('app', gate('one'))
    let interfere = async (): Promise<unknown> => undefined
    const noticing: Store = {
      ...store,
      archive: async (documents) => {
        const meanwhile = interfere
        interfere = async () => undefined
        await meanwhile()
        return store.archive(documents)
      },
    }
    const sync = reconciler([app.source], { store: noticing })
    await sync.cycle({})
    app.set(gate('one'))
    interfere = () => reconciler([app.source]).cycle({ leaveChanges: true })
    const id = await ask(upload('rbac/custom', extra('analyst')))
    expect(await sync.change({})).toMatchObject({ kind: 'done', revision: 2 })
    expect(await outcomeOf(id)).toMatchObject({ ok: true, revision: 2 })
    expect(await store.sources.get('app')).toMatchObject({ commit: 'app1' })
  })
})

describe('a change', () => {
  test('is left to a cycle until one has ended, and while the composition is in Conflict', async () => {
    const app = fixed('app', { ...gate('one'), 'rbac/taken.rego': extra('git') })
    const sync = reconciler([app.source])
    const first = await ask(upload('rbac/mine', extra('mine')))
    expect(await sync.change({})).toEqual({ kind: 'declined' })
    await sync.cycle({})
    expect(await outcomeOf(first)).toMatchObject({ ok: true })
    app.set({ ...gate('one'), 'rbac/mine.rego': extra('git') })
    expect(await sync.cycle({})).toMatchObject({ ok: false })
    const other = await ask(upload('rbac/other', extra('other')))
    expect(await sync.change({})).toEqual({ kind: 'declined' })
    expect(await outcomeOf(other)).toBeNull()
    await sync.cycle({ sources: [] })
    expect(await outcomeOf(other)).toMatchObject({ ok: false, code: 'conflict' })
  })

  test('is not taken by a cycle that leaves it', async () => {
    const sync = reconciler([fixed('app', gate('one')).source])
    await sync.cycle({})
    const id = await ask(upload('rbac/custom', extra('analyst')))
    await sync.cycle({ leaveChanges: true })
    expect(await outcomeOf(id)).toBeNull()
    await sync.change({})
    expect(await outcomeOf(id)).toMatchObject({ ok: true })
  })

  test('leaves a source that was turned back as it is', async () => {
    const app = fixed('app', gate('one'))
    const sync = reconciler([app.source])
    await sync.cycle({})
    app.set(gate('two'))
    await sync.cycle({})
    await sync.rollback({ revision: 1, actor: person('ada') })
    const before = await store.sources.get('app')
    const id = await ask(upload('rbac/custom', extra('analyst')))
    expect(await sync.change({})).toMatchObject({ revision: 4 })
    expect(await outcomeOf(id)).toMatchObject({ ok: true, revision: 4 })
    expect(await regoOf('app/gate/1.0')).toContain('"one"')
    expect(await store.sources.get('app')).toEqual(before)
    await sync.cycle({})
    expect(await regoOf('app/gate/1.0')).toContain('"one"')
  })

  test('that is to be approved is left to a cycle, and a plan that waits with it is kept', async () => {
    const sync = reconciler([fixed('app', gate('one')).source], { approval: new Set(['api']) })
    await sync.cycle({})
    const id = await ask(upload('rbac/custom', extra('analyst')))
    expect(await sync.change({})).toEqual({ kind: 'declined' })
    await sync.cycle({ sources: [], leaveChanges: true })
    const waiting = await store.plans.waiting()
    expect(waiting?.requests).toMatchObject([{ id }])
    await sync.cycle({ leaveChanges: true })
    expect(await store.plans.waiting()).toMatchObject({ _id: waiting?._id })
    await sync.cycle({ leaveChanges: true, approve: [{ plan: waiting?._id ?? '', actor: 'bob' }] })
    expect(await outcomeOf(id)).toMatchObject({ ok: true, revision: 2 })
  })

  test('makes a plan that waits stale, and says that it is to be made again', async () => {
    const app = fixed('app', gate('one'))
    const sync = reconciler([app.source], { approval: new Set(['app']) })
    await sync.cycle({})
    const [first] = (await store.plans.list({ limit: 1 })).items
    await sync.cycle({ approve: [{ plan: first?._id ?? '', actor: 'ada' }] })
    app.set(gate('two'))
    await sync.cycle({})
    const waiting = await store.plans.waiting()
    expect(waiting).toMatchObject({ subject: ['app'] })
    const { revision } = await store.head()
    await ask(upload('rbac/custom', extra('analyst')))
    expect(await sync.change({})).toMatchObject({ revision: revision + 1, again: true })
    expect(await store.plans.get(waiting?._id ?? '')).toMatchObject({ status: 'Stale' })
    expect(await regoOf('app/gate/1.0')).toContain('"one"')
    await sync.cycle({ sources: [], leaveChanges: true })
    expect(await store.plans.waiting()).toMatchObject({ subject: ['app'], baseRevision: revision + 1 })
  })

  test('that mends what another source has is in force at once, and asks for that one to be looked at', async () => {
    const app = fixed('app', { 'app/gate/1.0/policy.rego': 'package app.gate\n\nallow := data.lib.helper(1)\n' })
    const sync = reconciler([app.source])
    await sync.cycle({})
    expect((await store.policies.get('app/gate/1.0'))?.status.phase).toBe('Quarantined')
    await ask(upload('lib/helper', 'package lib\n\nhelper(x) := x\n'))
    expect(await sync.change({})).toMatchObject({ again: true })
    expect((await store.policies.get('app/gate/1.0'))?.status.phase).toBe('Ready')
    await sync.cycle({ sources: [], leaveChanges: true })
    expect(await store.sources.get('app')).toMatchObject({ phase: 'Ready', findings: [] })
  })

  test('is made once, though two workers and their cycles are at it', async () => {
    const apps = [fixed('app', gate('one')), fixed('app', gate('one'))]
    const workers = apps.map(({ source }) => reconciler([source]))
    for (const worker of workers) await worker.cycle({})
    const ids = await Promise.all(Array.from({ length: 12 }, (_, n) => ask(upload(`rbac/m${n}`, extra(`r${n}`)))))
    for (const { set } of apps) set(gate('two'))
    await Promise.all(workers.flatMap((worker) => [worker.cycle({ leaveChanges: true }), worker.change({})]))
    for (const worker of workers) await worker.change({})
    const outcomes = await Promise.all(ids.map(outcomeOf))
    expect(outcomes.every((outcome) => outcome?.ok)).toBe(true)
    expect(new Set(outcomes.map((outcome) => outcome?.sequence)).size).toBe(12)
    const entries = await store.audit.list({ limit: 100 })
    expect(entries.filter(({ action }) => action === 'module.upload')).toHaveLength(12)
    expect(await regoOf('app/gate/1.0')).toContain('"two"')
    expect(await store.audit.verify()).toMatchObject({ ok: true })
  })
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { CachedOpa } from '../../src/opa/cached.ts'
import type { Opa } from '../../src/opa/run.ts'
import type { ApiChange } from '../../src/policy/api-change.ts'
import { shipped } from '../../src/policy/rbac.ts'
import type { CycleOutcome } from '../../src/policy/schema.ts'
import { enforceOpen } from '../../src/auth/enforce.ts'
import { collectionsOf } from '../../src/store/collections.ts'
import { keepPast } from '../../src/store/past-rules.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { createApiSource } from '../../sync/sources/api-source.ts'
import { createReconciler, type Reconciler } from '../../sync/cycle.ts'
import type { Source } from '../../sync/sources/source.ts'
import { cachedOpa, realOpa } from '../opa/opa-for-tests.ts'
import { useMongo } from '../setup/mongo.ts'
import { memorySource } from './build/built-world.ts'
import { person } from '../setup/actors.ts'

const mongo = useMongo()
const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' })

let opa: CachedOpa
let folder: string
let store: Store
/** Times that opa was run. */
let runs = 0
const stops: (() => Promise<void>)[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edict-api-'))
  const real = realOpa()
  const counted: Opa = {
    ...real,
    build: (...args) => {
      runs += 1
      return real.build(...args)
    },
    check: (...args) => {
      runs += 1
      return real.check(...args)
    },
    parse: (...args) => {
      runs += 1
      return real.parse(...args)
    },
  }
  opa = await cachedOpa(join(folder, 'opa'), counted)
})
afterAll(async () => {
  for (const stop of stops) await stop()
  await rm(folder, { recursive: true, force: true })
})

const open = (database: string): Store => {
  const stop = new AbortController()
  const opened = openStore({ enforce: enforceOpen, uri: mongo.uri, database, log, signal: stop.signal })
  stops.push(async () => {
    stop.abort()
    await opened.close()
  })
  return opened
}
let database: string
beforeEach(() => {
  database = mongo.database()
  store = open(database)
})

const reconciler = (sources: readonly Source[] = [], on: Store = store): Reconciler =>
  createReconciler({ store: on, sources: [...sources, createApiSource('api', on)], opa, defaults: shipped, log })

const ask = (change: ApiChange, { actor = 'ada', dryRun = false } = {}): Promise<string> =>
  store.requests.submit({ reason: 'change', source: 'api', commit: null, actor: person(actor), change, dryRun })

const outcomeOf = async (id: string): Promise<CycleOutcome | null> => (await store.requests.find(id))?.outcome ?? null

const upload = (id: string, rego: string): ApiChange => ({ kind: 'modules', put: [{ id, rego }], remove: [] })
const remove = (id: string): ApiChange => ({ kind: 'modules', put: [], remove: [id] })
let serial = 0
const rule = (service_name: string, role: string, action: string, is_active = true) => ({
  id: `rule${(serial += 1)}`,
  service_name,
  resource_type: 'workflow',
  role,
  action,
  is_active,
})
const rules = (...put: ReturnType<typeof rule>[]): ApiChange => ({ kind: 'rules', put, patch: [], remove: [] })

const extra = (role: string) =>
  `package rbac\n\nrole_check(assignment) if {\n\tassignment.role == "${role}"\n\tinput.action == "export_data"\n}\n`
const asking = { 'app/gate/1.0/policy.rego': 'package app.gate\n\nallow := data.rbac.allow\n' }

const modules = async () => (await store.policies.modules()).items.map(({ _id }) => _id)

describe('changes through the API', () => {
  test('an upload is in force when it is answered, as a module with its author, one audit entry and a number', async () => {
    const sync = reconciler([memorySource('app', asking).source])
    await sync.cycle({})
    const id = await ask(upload('rbac/custom', extra('analyst')))
    await sync.cycle({ sources: ['api'] })
    expect(await outcomeOf(id)).toMatchObject({ ok: true, revision: 2, sequence: 2 })
    expect(await modules()).toEqual(['api:rbac/custom.rego', 'edict:edict/rules.rego', 'edict:rbac/core.rego'])
    const [document] = (await store.policies.modules()).items
    expect(document).toMatchObject({ repository: 'api', id: 'rbac/custom', author: 'ada', revision: 2 })
    const entries = await store.audit.list({ limit: 2 })
    expect(entries.map(({ action, resource, actor }) => [action, resource, actor])).toEqual([
      ['sync.apply', 'policies', 'local'],
      ['module.upload', 'rbac/custom', 'ada'],
    ])
    expect(await store.audit.verify()).toMatchObject({ ok: true })
  })

  test('what comes in together is one plan and one transaction, and a bad one is taken out alone', async () => {
    const sync = reconciler([memorySource('app', asking).source])
    await sync.cycle({})
    const good = await Promise.all(Array.from({ length: 30 }, (_, i) => ask(upload(`rbac/m${i}`, extra(`r${i}`)))))
    const broken = await ask(upload('rbac/broken', 'package rbac\n\nrole_check(a) if {\n'))
    const unsafe = await ask(upload('rbac/unsafe', 'package rbac\n\nother if undefined_function(1)\n'))
    await sync.cycle({ sources: ['api'] })
    const { sequence, revision } = await store.head()
    expect([sequence, revision]).toEqual([1 + 30 + 1, 2])
    const answers = await Promise.all(good.map(outcomeOf))
    expect(answers.every((answer) => answer?.ok === true && answer.revision === 2)).toBe(true)
    expect(new Set(answers.map((answer) => answer?.sequence)).size).toBe(30)
    expect(await outcomeOf(broken)).toMatchObject({
      ok: false,
      code: 'invalid',
      findings: [
        { file: 'rbac/broken.rego', line: expect.any(Number) as number, column: expect.any(Number) as number },
      ],
    })
    expect(await outcomeOf(unsafe)).toMatchObject({ ok: false, code: 'invalid', findings: [{ line: 3, column: 10 }] })
    expect(await modules()).toHaveLength(32)
  })

  test('a change that breaks what others have is refused, among many, and only it', async () => {
    const policy = { 'app/gate/1.0/policy.rego': 'package app.gate\n\nallow := data.lib.helper(1)\n' }
    const sync = reconciler([memorySource('app', policy).source])
    const helper = await ask(upload('lib/helper', 'package lib\n\nhelper(x) := x\n'))
    await sync.cycle({})
    expect(await outcomeOf(helper)).toMatchObject({ ok: true })
    const others = await Promise.all([1, 2, 3].map((n) => ask(upload(`rbac/m${n}`, extra(`r${n}`)))))
    const breaking = await ask(remove('lib/helper'))
    await sync.cycle({ sources: ['api'] })
    expect(await outcomeOf(breaking)).toMatchObject({ ok: false, code: 'invalid' })
    for (const id of others) expect(await outcomeOf(id)).toMatchObject({ ok: true, revision: 2 })
    expect((await store.policies.get('app/gate/1.0'))?.status.phase).toBe('Ready')
  })

  test('what another source declares is a conflict for the caller, and nothing changes', async () => {
    const app = memorySource('app', { ...asking, 'rbac/taken.rego': extra('taken') })
    const sync = reconciler([app.source])
    await sync.cycle({})
    const mine = await ask(upload('rbac/taken', extra('mine')))
    const generated = await ask(rules(rule('taken', 'admin', 'read')))
    const fine = await ask(rules(rule('free', 'admin', 'read')))
    await sync.cycle({ sources: ['api'] })
    for (const id of [mine, generated]) expect(await outcomeOf(id)).toMatchObject({ ok: false, code: 'conflict' })
    expect((await outcomeOf(mine))?.message).toContain('rbac/taken is declared by app')
    expect(await outcomeOf(fine)).toMatchObject({ ok: true })
    // Git takes what rules own: a Conflict for all, until somebody gives way.
    app.set({ ...asking, 'rbac/free.rego': extra('free') })
    const during = await ask(upload('rbac/other', extra('other')))
    expect(await sync.cycle({})).toMatchObject({ ok: false })
    expect(await outcomeOf(during)).toMatchObject({ ok: false, code: 'conflict' })
    const way = await ask(remove('rbac/free'))
    expect(await sync.cycle({})).toMatchObject({ ok: true })
    expect(await outcomeOf(way)).toMatchObject({ ok: true })
    expect(await modules()).toContain('app:rbac/free.rego')
    expect([...(await store.rules.all()).keys()]).toEqual([])
  })

  test('rules own their module: uploading over it is a conflict, and the reverse; deleting it deletes them', async () => {
    const sync = reconciler()
    await ask(rules(rule('engine', 'admin', 'read'), rule('engine', 'viewer', 'read', false)))
    await sync.cycle({})
    const over = await ask(upload('rbac/engine', extra('x')))
    const written = await ask(upload('rbac/written', extra('x')))
    const reverse = await ask(rules(rule('written', 'admin', 'read')))
    const core = await ask(rules(rule('core', 'admin', 'read')))
    await sync.cycle({})
    for (const id of [over, reverse, core]) expect(await outcomeOf(id)).toMatchObject({ ok: false, code: 'conflict' })
    expect(await outcomeOf(written)).toMatchObject({ ok: true })
    const gone = await ask(remove('rbac/engine'))
    const missing = await ask(remove('rbac/nothing'))
    await sync.cycle({})
    expect(await outcomeOf(gone)).toMatchObject({ ok: true })
    expect(await outcomeOf(missing)).toMatchObject({ ok: false, code: 'not_found', message: 'Policy not found' })
    expect((await store.rules.all()).size).toBe(0)
    expect(await modules()).not.toContain('api:edict/rules/data.json')
  })

  test('a change of rules runs opa not once, and a change of metadata alone makes no table', async () => {
    const sync = reconciler([memorySource('app', asking).source])
    await ask(rules(rule('engine', 'admin', 'read')))
    await sync.cycle({})
    const before = await store.policies.get('app/gate/1.0')
    runs = 0
    await ask(rules(rule('engine', 'admin', 'write')))
    await sync.cycle({ sources: ['api'] })
    const after = await store.policies.get('app/gate/1.0')
    expect(after?.artifact?.data).not.toBe(before?.artifact?.data)
    expect(after?.artifact?.wasm).toBe(before?.artifact?.wasm)
    const inactive = await ask(rules(rule('engine', 'nobody', 'write', false)))
    await sync.cycle({ sources: ['api'] })
    expect(await outcomeOf(inactive)).toMatchObject({ ok: true })
    expect((await store.rules.all()).size).toBe(3)
    expect((await store.policies.get('app/gate/1.0'))?.revision).toBe(after?.revision)
    expect(runs).toBe(0)
  })

  test('two workers on one store answer each change once, whoever takes it', async () => {
    const second = open(database)
    const workers = [reconciler(), reconciler([], second)]
    await workers[0]?.cycle({})
    const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(rules(rule(`s${n % 5}`, `r${n}`, 'read')))))
    await Promise.all(workers.flatMap((worker) => [worker.cycle({}), worker.cycle({})]))
    const sequences = (await Promise.all(ids.map(outcomeOf))).map((outcome) => outcome?.sequence)
    expect(new Set(sequences).size).toBe(20)
    const changes = (await store.audit.list({ limit: 100 })).filter(({ action }) => action === 'rules.change')
    expect(changes).toHaveLength(20)
    expect((await store.rules.all()).size).toBe(20)
    expect((await second.rules.all()).size).toBe(20)
    expect(await store.audit.verify()).toMatchObject({ ok: true })
  })

  test('two uploads of one module that come in together are both in force, one after the other', async () => {
    const sync = reconciler()
    await sync.cycle({})
    const ids = [await ask(upload('rbac/m', extra('one'))), await ask(upload('rbac/m', extra('two')))]
    expect(await sync.cycle({})).toMatchObject({ deferred: 1 })
    expect((await Promise.all(ids.map(outcomeOf))).map((outcome) => outcome?.revision)).toEqual([2, undefined])
    expect(await sync.cycle({})).toMatchObject({ deferred: 0 })
    expect(await outcomeOf(ids[1] ?? '')).toMatchObject({ ok: true, revision: 3 })
    expect((await store.policies.modules()).items[0]?.text).toBe(extra('two'))
  })

  test('a dry run says what would come of it and stores nothing', async () => {
    const sync = reconciler([memorySource('app', asking).source])
    await sync.cycle({})
    const { sequence } = await store.head()
    const good = await ask(upload('rbac/m', extra('one')), { dryRun: true })
    const bad = await ask(upload('rbac/m', 'package rbac\n\nx if y\n'), { dryRun: true })
    const some = await ask(rules(rule('engine', 'admin', 'read')), { dryRun: true })
    await sync.cycle({})
    expect(await outcomeOf(good)).toMatchObject({
      ok: true,
      preview: { policies: { replace: ['app/gate/1.0'] }, modules: { create: ['api:rbac/m.rego'] } },
    })
    expect(await outcomeOf(bad)).toMatchObject({ ok: false, code: 'invalid', findings: [{ line: 3 }] })
    expect(await outcomeOf(some)).toMatchObject({ ok: true, preview: { rules: { created: 1 } } })
    expect(await store.head()).toMatchObject({ sequence })
  })

  test('a request that was withdrawn is never done', async () => {
    const sync = reconciler()
    await sync.cycle({})
    const id = await ask(upload('rbac/m', extra('one')))
    expect(await store.requests.withdraw(id)).toBe(true)
    await sync.cycle({})
    expect(await modules()).not.toContain('api:rbac/m.rego')
    expect(await store.requests.withdraw(id)).toBe(false)
  })
})

describe('going back', () => {
  test('turns modules and rules of the API back in one revision, and holds nobody', async () => {
    const sync = reconciler()
    const [kept, changed, deleted, off] = [
      rule('engine', 'admin', 'read'),
      rule('engine', 'admin', 'write'),
      rule('gone', 'viewer', 'read'),
      rule('engine', 'nobody', 'read', false),
    ]
    await ask(upload('rbac/custom', extra('analyst')))
    await ask(rules(kept, changed, deleted, off))
    await sync.cycle({})
    const { revision } = await store.head()
    const table = async () =>
      (await store.policies.modules()).items.find(({ kind, repository }) => kind === 'data' && repository === 'api')
    const stored = async () =>
      [...(await store.rules.all({ thorough: true })).values()]
        .map(({ _id, service_name, role, action, is_active }) => [_id, service_name, role, action, is_active])
        .sort(([a], [b]) => String(a).localeCompare(String(b)))
    const [before, then] = [await table(), await stored()]
    await ask(upload('rbac/custom', extra('auditor')))
    await ask(upload('rbac/second', extra('clerk')))
    await ask({ kind: 'rules', put: [], patch: [{ id: changed.id, is_active: false }], remove: [deleted.id] })
    await sync.cycle({})
    // Another rule of the same name, another that only then was.
    const again = { ...deleted, id: 'other' }
    await ask(rules(again, rule('late', 'viewer', 'read')))
    await ask({ kind: 'rules', put: [], patch: [{ id: off.id, role: 'somebody' }], remove: [] })
    await sync.cycle({})
    expect(await stored()).toHaveLength(5)
    expect(await sync.rollback({ revision, actor: person('ada') })).toMatchObject({ ok: true, revision: revision + 3 })
    expect(await modules()).toContain('api:rbac/custom.rego')
    expect(await modules()).not.toContain('api:rbac/second.rego')
    const custom = (await store.policies.modules()).items.find(({ _id }) => _id === 'api:rbac/custom.rego')
    expect(await store.policies.readText(custom?.text ?? '')).toBe(extra('analyst'))
    expect([await stored(), (await table())?.digest]).toEqual([then, before?.digest])
    expect((await store.rules.get(kept.id))?.revision).toBe(revision)
    expect(await store.rules.get(deleted.id)).toMatchObject({ updated_by: 'ada', revision: revision + 3 })
    const [last, rows] = await store.audit.list({ limit: 2 })
    expect([last?.action, last?.actor, rows?.action, rows?.actor]).toEqual([
      'revision.rollback',
      'ada',
      'rules.change',
      'ada',
    ])
    expect(rows?.details).toMatchObject({ rules: { created: 1, updated: 2, removed: 2 }, plan: last?.details['plan'] })
    expect(await sync.cycle({})).toMatchObject({ changed: null, revision: revision + 3 })
    expect(await store.holds.list()).toEqual([])
    const later = await ask(upload('rbac/second', extra('clerk')))
    await sync.cycle({})
    expect(await outcomeOf(later)).toMatchObject({ ok: true })
    // Forth again, to what was there in between.
    await sync.rollback({ revision: revision + 2, actor: person('ada') })
    expect((await stored()).map(([id]) => id)).toContain('other')
    expect(await store.rules.get(changed.id)).toMatchObject({ is_active: false })
    expect(await store.rules.get(deleted.id)).toBeNull()
  })

  test('rules that decide nothing are turned back, too; to what is in force does nothing', async () => {
    const sync = reconciler()
    const off = rule('engine', 'nobody', 'read', false)
    await ask(rules(off))
    await sync.cycle({})
    const { revision } = await store.head()
    await ask({ kind: 'rules', put: [], patch: [], remove: [off.id] })
    await sync.cycle({})
    expect(await sync.rollback({ revision, actor: person('ada') })).toMatchObject({ revision: revision + 2 })
    expect(await store.rules.get(off.id)).toMatchObject({ is_active: false })
    expect(await sync.rollback({ revision, actor: person('ada') })).toMatchObject({
      revision: revision + 2,
      plan: null,
    })
  })

  test('further back than one transaction goes is refused, and changes nothing', async () => {
    const sync = reconciler()
    await ask(rules(rule('engine', 'admin', 'read')))
    await sync.cycle({})
    const { revision } = await store.head()
    await ask(rules(rule('engine', 'viewer', 'read')))
    await sync.cycle({})
    const stamp = {
      created_at: new Date(0),
      created_by: 'ada',
      updated_at: new Date(0),
      updated_by: 'ada',
      revision: 1,
    }
    const many = Array.from({ length: 20_001 }, (_, i) => {
      const { id: _id, ...fields } = rule('engine', `role${i}`, 'read')
      return { _id: `${_id}@1`, from: 1, to: revision + 1, rule: { ...fields, ...stamp, _id } }
    })
    await collectionsOf(store.connection.db).pastRules.insertMany(many)
    await expect(sync.rollback({ revision, actor: person('ada') })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('go back in steps') as string,
    })
    expect((await store.head()).revision).toBe(revision + 1)
  })

  test('a change that came to nothing leaves no past behind', async () => {
    const sync = reconciler()
    const one = rule('engine', 'admin', 'read')
    await ask(rules(one))
    await sync.cycle({})
    const { revision } = await store.head()
    // As an apply leaves it that is cut off before its transaction.
    await keepPast(store.connection.db, [one.id], revision + 1)
    await ask(rules(rule('engine', 'viewer', 'read')))
    await sync.cycle({})
    const ids = async (at: number) => (await store.rules.at(at)).map(({ _id }) => _id)
    expect([await ids(revision), (await ids(revision + 1)).length]).toEqual([[one.id], 2])
    await ask({ kind: 'rules', put: [], patch: [], remove: [one.id] })
    await sync.cycle({})
    expect([await ids(revision), (await ids(revision + 1)).includes(one.id), await ids(revision + 2)]).toMatchObject([
      [one.id],
      true,
      { length: 1 },
    ])
    await store.revisions.prune({ count: 1, ageMs: 0 })
    expect(await collectionsOf(store.connection.db).pastRules.countDocuments()).toBe(0)
  })
})

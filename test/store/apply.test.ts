import { MongoClient } from 'mongodb'
import { expect, it } from 'vitest'
import type { PolicyKey } from '../../src/policy/schema.ts'
import { useMongo } from '../setup/mongo.ts'
import { applyPlan, blobs, module, plan, policy, prepared, source } from './harness.ts'
import { person } from '../setup/actors.ts'

const mongo = useMongo()

it('a plan becomes one revision: policies, modules, sources, the revision and the audit entry', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  const create = [policy('gaiax/example/1.0'), policy('gaiax/example/2.0')]
  expect(await applyPlan(store, { create, modules: { put: [module], remove: [] }, sources: [source] })).toEqual({
    revision: 1,
    sequence: 1,
  })
  await applyPlan(store, {
    replace: [policy('gaiax/example/1.0', { commit: 'c2', digest: 'd2' })],
    remove: ['gaiax/example/2.0'],
    modules: { put: [], remove: [module._id] },
  })
  expect((await store.policies.stored()).items).toMatchObject([{ _id: 'gaiax/example/1.0', digest: 'd2', revision: 2 }])
  expect((await store.policies.modules()).items).toEqual([])
  expect(await store.sources.get('platform')).toEqual(source)
  const [second, first] = await store.revisions.list({ limit: 5 })
  expect(first).toMatchObject({ _id: 1, created: ['gaiax/example/1.0', 'gaiax/example/2.0'], policies: 2 })
  expect(second).toMatchObject({
    _id: 2,
    replaced: ['gaiax/example/1.0'],
    removed: ['gaiax/example/2.0'],
    policies: 1,
  })
  expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 2 })
  const of = (policy: string) => store.revisions.list({ policy, limit: 5 })
  expect((await of('gaiax/example/2.0')).map(({ _id }) => _id)).toEqual([2, 1])
  expect(await of('gaiax/other/1.0')).toEqual([])
  const origins = await store.revisions.originsOf('gaiax/example/1.0', [1, 2])
  expect([origins.get(1)?.commit, origins.get(2)?.commit]).toEqual(['c1', 'c2'])
})

it('a plan whose base has moved is a conflict and changes nothing', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  await applyPlan(store, { create: [policy('a/b/1')] })
  await expect(applyPlan(store, { baseRevision: 0, remove: ['a/b/1'] })).rejects.toMatchObject({ code: 'conflict' })
  expect((await store.policies.stored()).items).toHaveLength(1)
  expect(await store.head()).toMatchObject({ sequence: 1, revision: 1 })
})

it('a holder that lost the lease cannot write, and tokens only rise', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  await store.blobs.put(blobs)
  const late = await store.leases.acquire({ holder: 'late', ttlMs: 1500 })
  expect(await store.leases.acquire({ holder: 'next', ttlMs: 1000 })).toBeNull()
  await new Promise((resolve) => setTimeout(resolve, 1600))
  const next = await store.leases.acquire({ holder: 'next', ttlMs: 10_000 })
  if (late === null || next === null) throw new Error('no lease')
  expect(next.token).toBeGreaterThan(late.token)
  const wanted = plan({ create: [policy('a/b/1')] })
  await expect(store.apply({ plan: wanted, lease: late, actor: person('sync') })).rejects.toMatchObject({
    code: 'conflict',
  })
  expect(await store.leases.renew(late, 1000)).toBe(false)
  expect(await store.leases.renew(next, 1000)).toBe(true)
  expect(await store.apply({ plan: wanted, lease: next, actor: person('sync') })).toMatchObject({ revision: 1 })
  await store.leases.release(next)
  expect(await store.leases.acquire({ holder: 'late', ttlMs: 1000 })).not.toBeNull()
})

it('a plan that names a blob which is not stored is refused', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  const lost = policy('a/b/1', { data: { blob: 'f'.repeat(64), size: 300_000 } })
  await expect(applyPlan(store, { create: [lost] })).rejects.toThrow('f'.repeat(64))
})

it('1,000 policies are applied in one transaction', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  const rego = `package a.b\n${'# some text\n'.repeat(2000)}`
  const create = Array.from({ length: 1000 }, (_, index) =>
    policy(`a/p${index}/1` as PolicyKey, { rego: index === 0 ? rego : `${rego}# ${index}` }),
  )
  await applyPlan(store, { create })
  expect((await store.policies.stored()).items).toHaveLength(1000)
  const first = await store.policies.get('a/p0/1')
  expect(await store.policies.readText(first?.rego ?? '')).toBe(rego)
})

it('a status alone makes no revision and leaves the texts', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  await applyPlan(store, { create: [policy('a/b/1')] })
  const lease = await store.leases.acquire({ holder: 'test', ttlMs: 1000 })
  if (lease === null) throw new Error('no lease')
  const status = { phase: 'Quarantined' as const, findings: [], since: new Date(7), commit: 'bad' }
  const statusPlan = {
    baseRevision: 1,
    statuses: [{ key: 'a/b/1' as const, status }],
    put: [],
    modules: [],
    sources: [],
  }
  expect(await store.applyStatus({ plan: statusPlan, lease, actor: person('sync') })).toEqual({
    revision: 1,
    sequence: 2,
  })
  expect(await store.policies.get('a/b/1')).toEqual({ ...policy('a/b/1'), status, revision: 1 })
})

it('pages are stable, filters meet, and a document changed by hand is named while the rest is listed', async () => {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database })
  const keys = ['a/p/1', 'a/p/2', 'a/q/1', 'b/p/1', 'b/r.*/1'] as const
  await applyPlan(store, { create: keys.map((key) => policy(key)) })
  await store.locks.lock('a/q/1', { actor: person('alice'), reason: null, until: null })
  const idsOf = async (query: Omit<Parameters<typeof store.policies.list>[0], 'limit'>) =>
    (await store.policies.list({ limit: 10, ...query })).items.map(({ policy: { _id } }) => _id)
  const first = await store.policies.list({ limit: 2 })
  expect(first.next).toBe('a/p/2')
  expect(await idsOf({ cursor: 'a/p/2' })).toEqual(['a/q/1', 'b/p/1', 'b/r.*/1'])
  expect(await idsOf({ group: 'a', name: 'p' })).toEqual(['a/p/1', 'a/p/2'])
  expect(await idsOf({ locked: true })).toEqual(['a/q/1'])
  expect(await idsOf({ locked: false, group: 'a' })).toEqual(['a/p/1', 'a/p/2'])
  expect(await idsOf({ q: 'R.*' })).toEqual(['b/r.*/1'])
  expect(await idsOf({ phase: 'Quarantined' })).toEqual([])
  expect(await idsOf({ repository: 'nobody' })).toEqual([])

  const client = new MongoClient(mongo.uri)
  await client
    .db(database)
    .collection<{ _id: string }>('policies')
    .updateOne({ _id: 'a/p/1' }, { $set: { digest: 5 } }, { bypassDocumentValidation: true })
  await client.close()
  const stored = await store.policies.stored()
  expect(stored.items).toHaveLength(4)
  expect(stored.problems).toMatchObject([{ id: 'a/p/1', message: expect.stringContaining('digest') }])
  await expect(store.policies.get('a/p/1')).rejects.toThrow('a/p/1 in policies')
  expect(await idsOf({ group: 'a' })).toEqual(['a/p/2', 'a/q/1'])
})

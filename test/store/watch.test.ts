import { setTimeout as delay } from 'node:timers/promises'
import { type Db, MongoClient } from 'mongodb'
import { afterAll, expect, it } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import { useMongo } from '../setup/mongo.ts'
import { applyPlan, policy, prepared, startReplica, until } from './harness.ts'
import { person } from '../setup/actors.ts'

const mongo = useMongo()
const by = { actor: person('alice'), reason: null, until: null }
const client = new MongoClient(mongo.uri)
afterAll(() => client.close())

async function following(): Promise<{ store: Store; db: Db; replica: ReturnType<typeof startReplica> }> {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database })
  await applyPlan(store, { create: [policy('a/b/1'), policy('a/c/1')] })
  await store.locks.lock('a/c/1', by)
  const replica = startReplica(store)
  await until(replica.isReady)
  return { store, db: client.db(database), replica }
}

/** What the worker does about a request, with the two policies as desired state. */
async function restore(store: Store): Promise<void> {
  await until(async () => (await store.requests.take()).length > 0)
  const requests = await store.requests.take()
  expect(requests.map(({ reason }) => reason)).toContain('restore')
  await store.ensureCollections()
  const stored = new Set((await store.policies.stored()).items.map(({ _id }) => _id))
  const create = [policy('a/b/1'), policy('a/c/1')].filter(({ _id }) => !stored.has(_id))
  if (create.length > 0) await applyPlan(store, { create })
  const { revision } = await store.head()
  const ids = requests.map(({ _id }) => _id)
  await store.requests.complete(ids, { at: new Date(), ok: true, revision, message: '', findings: [] })
}

it('a replica gets a snapshot, then every change whole and once, without texts', async () => {
  const { store, replica } = await following()
  expect([...replica.policies.keys()]).toEqual(['a/b/1', 'a/c/1'])
  expect([...replica.locks]).toEqual(['a/c/1'])
  const { sequence } = await applyPlan(store, {
    create: [policy('a/d/1')],
    replace: [policy('a/b/1', { digest: 'new' })],
    remove: ['a/c/1'],
  })
  await until(() => replica.sequence === sequence)
  expect(replica.changes).toHaveLength(1)
  expect(replica.changes[0]).toMatchObject({ removed: ['a/c/1'], sequence, revision: 2 })
  expect(replica.changes[0]?.policies.map((meta) => [meta._id, 'rego' in meta])).toEqual([
    ['a/d/1', false],
    ['a/b/1', false],
  ])
  expect(replica.policies.get('a/b/1')).toMatchObject({ digest: 'new' })
  expect([...replica.locks]).toEqual(['a/c/1'])
  expect(replica.snapshots).toBe(1)
  expect(replica.states).toEqual([{ ready: true }])
})

it('a replica of an empty server is ready and learns of the first revision', async () => {
  const store = await prepared({ uri: mongo.uri, database: `${mongo.database()}` })
  const replica = startReplica(store)
  await until(replica.isReady)
  await applyPlan(store, { create: [policy('a/b/1')] })
  await until(() => replica.policies.size === 1)
})

it.each(['policies', 'locks', 'head', 'audit'])(
  'when the collection %s is dropped, the replica keeps what it has until a cycle has restored it',
  async (name) => {
    const { store, db, replica } = await following()
    await db.collection(name).drop()
    await until(() => !replica.isReady())
    await delay(100)
    expect([replica.policies.size, replica.locks.size, replica.snapshots]).toEqual([2, 1, 1])
    await restore(store)
    await until(replica.isReady)
    expect([replica.policies.size, replica.locks.size, replica.snapshots]).toEqual([2, 1, 2])
    expect(await db.collection('policies').indexExists('identity')).toBe(true)
    await store.locks.lock('a/b/1', by)
    await until(() => replica.locks.size === 2)
  },
)

it('when policies is renamed or the whole database dropped, the replica keeps what it has, too', async () => {
  const { store, db, replica } = await following()
  await db.collection('policies').rename('elsewhere')
  await until(() => !replica.isReady())
  await restore(store)
  await until(replica.isReady)
  await db.dropDatabase()
  await until(() => !replica.isReady())
  await delay(100)
  expect(replica.policies.size).toBe(2)
  await restore(store)
  await until(replica.isReady)
  expect(replica.policies.size).toBe(2)
})

it('a replica that starts while a collection is missing is not ready until a cycle has restored it', async () => {
  const { store, db, replica } = await following()
  replica.stop()
  await db.collection('policies').drop()
  const again = startReplica(store)
  await until(() => again.states.length > 0)
  expect([again.isReady(), again.snapshots]).toEqual([false, 0])
  await expect(store.locks.lock('a/b/1', by)).rejects.toMatchObject({ code: 'store_unavailable' })
  await restore(store)
  await until(again.isReady)
  expect([again.policies.size, again.locks.size]).toEqual([2, 1])
})

it('a failed restoration is not believed: the replica asks again', async () => {
  const { store, db, replica } = await following()
  await db.collection('policies').drop()
  await until(async () => (await store.requests.take()).length > 0)
  const ids = (await store.requests.take()).map(({ _id }) => _id)
  const failed = { at: new Date(), ok: false, revision: null, message: 'the source is away', findings: [] }
  await store.ensureCollections()
  await store.requests.complete(ids, failed)
  await restore(store)
  await until(replica.isReady)
  expect([replica.policies.size, replica.snapshots]).toEqual([2, 2])
})

it('a collection that comes back empty with the same revision is not believed', async () => {
  const { store, db, replica } = await following()
  replica.stop()
  const again = startReplica(store)
  await until(again.isReady)
  await db.collection('policies').deleteMany({})
  await until(async () => (await store.requests.take()).length > 0)
  expect([again.policies.size, again.isReady()]).toEqual([2, true])
  await restore(store)
  await until(() => again.changes.length === 1)
  expect(again.changes[0]?.policies).toHaveLength(2)
})

it('a document changed by hand stands as it last did and a cycle is asked for', async () => {
  const { store, db, replica } = await following()
  const policies = db.collection<{ _id: string }>('policies')
  await policies.updateOne({ _id: 'a/b/1' }, { $set: { digest: 5 } }, { bypassDocumentValidation: true })
  await until(async () => (await store.requests.take()).length > 0)
  expect(replica.policies.get('a/b/1')).toMatchObject({ digest: 'digest of a/b/1' })
  expect(replica.isReady()).toBe(true)
})

it('a change that the stream has missed is healed by a snapshot', async () => {
  const { store, db, replica } = await following()
  // A head that jumps, as if changes in between had never been seen.
  await db.collection<{ _id: string }>('head').updateOne({ _id: 'head' }, { $inc: { sequence: 10 } })
  const { sequence } = await store.locks.lock('a/b/1', by)
  await until(() => replica.sequence === sequence)
  expect([replica.snapshots, replica.locks.size]).toEqual([2, 2])
})

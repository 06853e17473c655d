import { MongoClient } from 'mongodb'
import { expect, it } from 'vitest'
import { useMongo } from '../setup/mongo.ts'
import { applyPlan, policy, prepared, startReplica, until } from './harness.ts'
import { person } from '../setup/actors.ts'

const mongo = useMongo()
const by = { actor: person('alice'), reason: 'broken', until: null }
const key = 'gaiax/example/1.0'

it('a lock is refused for an unknown policy and twice; an unlock when there is none', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  await expect(store.locks.lock(key, by)).rejects.toMatchObject({ code: 'policy_not_found' })
  await expect(store.locks.unlock(key, by)).rejects.toMatchObject({ code: 'policy_not_found' })
  await applyPlan(store, { create: [policy(key)] })
  await expect(store.locks.unlock(key, by)).rejects.toMatchObject({ code: 'not_locked' })
  expect((await store.locks.lock(key, by)).lock).toMatchObject({ _id: key, actor: 'alice', reason: 'broken' })
  await expect(store.locks.lock(key, by)).rejects.toMatchObject({ code: 'already_locked' })
  await applyPlan(store, { remove: [key] })
  await expect(store.locks.lock(key, by)).rejects.toMatchObject({ code: 'policy_not_found' })
  await applyPlan(store, { create: [policy(key)] })
  expect(await store.locks.get(key)).toMatchObject({ _id: key })
  await store.locks.unlock(key, by)
  expect(await store.locks.get(key)).toBeNull()
})

it('a lock whose time is over counts as none', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  await applyPlan(store, { create: [policy(key)] })
  await store.locks.lock(key, { ...by, until: new Date(Date.now() - 1) })
  expect(await store.locks.list()).toEqual([])
  await expect(store.locks.unlock(key, by)).rejects.toMatchObject({ code: 'not_locked' })
  await store.locks.lock(key, by)
  expect(await store.locks.list()).toHaveLength(1)
})

it('100 times in a row, two replicas know of a lock when it is confirmed', async () => {
  const database = mongo.database()
  const one = await prepared({ uri: mongo.uri, database, replicaId: 'one' })
  const two = await prepared({ uri: mongo.uri, database, replicaId: 'two' })
  await applyPlan(one, { create: [policy(key)] })
  const replicas = [startReplica(one), startReplica(two)]
  await until(() => replicas.every((replica) => replica.isReady()))
  for (let round = 0; round < 100; round += 1) {
    const { sequence } = await one.locks.lock(key, by)
    expect(await one.replicas.confirm(sequence)).toEqual({ confirmed: ['one', 'two'], silent: [], pending: [] })
    expect(replicas.every(({ locks }) => locks.has(key))).toBe(true)
    const unlocked = await two.locks.unlock(key, by)
    await two.replicas.confirm(unlocked.sequence)
    expect(replicas.some(({ locks }) => locks.has(key))).toBe(false)
  }
})

it('a live replica that does not follow is named as pending, one not heard for 5 s as silent', async () => {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database, replicaId: 'one' })
  await applyPlan(store, { create: [policy(key)] })
  const other = await prepared({ uri: mongo.uri, database, replicaId: 'stuck' })
  await other.replicas.beat(0)
  await store.replicas.beat(2)
  const client = new MongoClient(mongo.uri)
  const dead = { _id: 'dead', host: 'h', pid: 1, sequence: 0, at: new Date(Date.now() - 6000) }
  await client.db(database).collection<typeof dead>('replicas').insertOne(dead)
  await client.close()
  expect(await store.replicas.confirm(2, { timeoutMs: 50 })).toEqual({
    confirmed: ['one'],
    silent: ['dead'],
    pending: ['stuck'],
  })
  await other.close()
  expect((await store.replicas.list()).map(({ _id, live }) => [_id, live])).toEqual([
    ['dead', false],
    ['one', true],
  ])
})

it('locks that were dropped with their collection are made again from the audit log', async () => {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database })
  await applyPlan(store, { create: [policy(key), policy('a/b/1'), policy('a/c/1')] })
  await store.locks.lock(key, by)
  await store.locks.lock('a/b/1', by)
  await store.locks.unlock('a/b/1', by)
  await store.locks.lock('a/c/1', { ...by, until: new Date(Date.now() - 1000) })
  const before = await store.locks.list()
  const client = new MongoClient(mongo.uri)
  await client.db(database).collection('locks').drop()
  await client.close()
  expect(await store.ensureCollections()).toMatchObject({ created: ['locks'], locks: [key] })
  expect(await store.locks.list()).toEqual(before)
  expect(await store.ensureCollections()).toMatchObject({ created: [], locks: [] })
})

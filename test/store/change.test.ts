import { MongoClient } from 'mongodb'
import { expect, it } from 'vitest'
import { useMongo } from '../setup/mongo.ts'
import { prepared, startReplica, until } from './harness.ts'

const mongo = useMongo()
const info = { actor: 'alice', action: 'test.change', resource: 'thing' }

it('200 changes at once yield 200 sequences and an unbroken hash chain', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, number) => store.change({ ...info, details: { number } }, async () => number)),
  )
  expect(results.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1))
  expect(results.map(({ result }) => result)).toEqual(Array.from({ length: 200 }, (_, index) => index))
  expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 200, head: { hash: results.at(-1)?.hash } })
  expect(await store.head()).toMatchObject({ sequence: 200, revision: 0 })
})

it('changes of two processes at once all get through, one sequence each', async () => {
  const database = mongo.database()
  const one = await prepared({ uri: mongo.uri, database })
  const two = await prepared({ uri: mongo.uri, database })
  const results = await Promise.all(
    [one, two].flatMap((store) => Array.from({ length: 40 }, () => store.change(info, async () => null))),
  )
  expect(new Set(results.map(({ sequence }) => sequence)).size).toBe(80)
  expect(await one.audit.verify()).toMatchObject({ ok: true, entries: 80 })
})

it('a change with several entries takes as many sequences, and a replica follows it as one', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  const replica = startReplica(store)
  await until(replica.isReady)
  const entries = ['one', 'two'].map((resource) => ({ ...info, resource, details: { resource } }))
  const numbers = await store.change({ ...info, entries }, async (_, context) => context.entries)
  expect(numbers).toMatchObject({ sequence: 3, result: [{ sequence: 1 }, { sequence: 2 }] })
  expect((await store.audit.list({ limit: 9 })).map(({ resource }) => resource)).toEqual(['thing', 'two', 'one'])
  expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 3, head: { hash: numbers.hash } })
  await store.change(info, async () => null)
  await until(() => replica.sequence === 4)
  expect([replica.snapshots, replica.changes.map(({ sequence }) => sequence)]).toEqual([1, [3, 4]])
})

it('a change that fails half way leaves nothing behind, and the next one goes on', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  const failed = store.change(info, async (session, { collections, at }) => {
    const lock = { _id: 'a/b/1', actor: 'alice', reason: null, since: at, until: null }
    await collections.locks.insertOne(lock, { session })
    throw new Error('half way')
  })
  await expect(failed).rejects.toMatchObject({ code: 'internal_error' })
  expect(await store.locks.list()).toEqual([])
  expect(await store.head()).toMatchObject({ sequence: 0 })
  expect(await store.change(info, async () => 'next')).toMatchObject({ sequence: 1, result: 'next' })
})

it('details of any JSON, dates and long numbers keep the chain verifiable, and a changed entry breaks it', async () => {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database })
  const details = { at: new Date(5), z: [1.5, -0, 2 ** 40], a: { b: undefined, c: null }, text: 'ü\u2028' }
  await store.change({ ...info, details }, async () => null)
  await store.change(info, async () => null)
  expect(await store.audit.verify()).toMatchObject({ ok: true })
  const client = new MongoClient(mongo.uri)
  await client
    .db(database)
    .collection<{ _id: number }>('audit')
    .updateOne({ _id: 1 }, { $set: { actor: 'mallory' } })
  await client.close()
  expect(await store.audit.verify()).toMatchObject({ ok: false, sequence: 1 })
})

it('a head that was deleted is made again from the audit log and the revisions', async () => {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database })
  await store.change({ ...info, bumpRevision: true }, async (session, { collections, at, revision }) => {
    const lists = { sources: [], created: [], replaced: [], removed: [] }
    await collections.revisions.insertOne({ _id: revision, at, ...lists, policies: 0, plan: 'p' }, { session })
  })
  const before = await store.head()
  const client = new MongoClient(mongo.uri)
  await client.db(database).collection('head').drop()
  await client.close()
  expect(await store.ensureCollections()).toMatchObject({ created: ['head'], head: true })
  expect(await store.head()).toEqual(before)
  expect(await store.change(info, async () => null)).toMatchObject({ sequence: 2, revision: 1 })
  expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 2 })
})

it('ensuring the collections twice changes nothing, and puts back a validator and an index', async () => {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database })
  expect(await store.ensureCollections()).toEqual({ created: [], head: false, locks: [] })
  const client = new MongoClient(mongo.uri)
  const db = client.db(database)
  await db.command({ collMod: 'policies', validator: {} })
  await db.collection('policies').dropIndex('identity')
  await store.ensureCollections()
  await expect(db.collection('policies').insertOne({ group: 'x' })).rejects.toThrow('validation')
  expect(await db.collection('policies').indexExists('identity')).toBe(true)
  await client.close()
})

import { randomBytes } from 'node:crypto'
import { MongoClient } from 'mongodb'
import { expect, it } from 'vitest'
import { useMongo } from '../setup/mongo.ts'
import { applyPlan, digestOf, policy, prepared } from './harness.ts'

const mongo = useMongo()
const blobOf = (bytes: Uint8Array) => ({ digest: digestOf(bytes), bytes })

it('20 MB goes in and comes out unchanged, and a second time nothing is written', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  const large = blobOf(randomBytes(20 * 1024 * 1024))
  const small = blobOf(randomBytes(1000))
  expect(await store.blobs.put([large, small, small])).toEqual({ written: 2 })
  expect(Buffer.compare(await store.blobs.get(large.digest), large.bytes)).toBe(0)
  expect(Buffer.compare(await store.blobs.get(small.digest), small.bytes)).toBe(0)
  expect(await store.blobs.put([large, small])).toEqual({ written: 0 })
  expect(await store.policies.readText({ blob: small.digest, size: 1000 })).toBe(new TextDecoder().decode(small.bytes))
})

it('bytes that do not have their digest are refused, on the way in and on the way out', async () => {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database })
  await expect(store.blobs.put([{ digest: 'no', bytes: randomBytes(5) }])).rejects.toThrow('another digest')
  const blob = blobOf(randomBytes(100))
  await store.blobs.put([blob])
  const client = new MongoClient(mongo.uri)
  const collection = client.db(database).collection<{ _id: string }>('blobs')
  await collection.updateOne({ _id: blob.digest }, { $set: { bytes: Buffer.from('damaged') } })
  await client.close()
  await expect(store.blobs.get(blob.digest)).rejects.toThrow('damaged')
  await expect(store.blobs.get('f'.repeat(64))).rejects.toThrow('missing')
})

it('what nothing names and nobody put within the hour is collected, with its file', async () => {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database })
  await applyPlan(store, { create: [policy('a/b/1')] })
  const large = blobOf(randomBytes(13 * 1024 * 1024))
  const kept = blobOf(randomBytes(10))
  await store.blobs.put([large, kept])
  expect(await store.blobs.collectGarbage()).toEqual({ removed: 0 })
  expect(await store.blobs.collectGarbage({ olderThanMs: -60_000, referenced: [kept.digest] })).toEqual({ removed: 1 })
  expect(await store.blobs.missing([large.digest, kept.digest])).toEqual([large.digest])
  const client = new MongoClient(mongo.uri)
  expect(await client.db(database).collection('blobs.files').countDocuments()).toBe(0)
  expect(await client.db(database).collection('blobs.chunks').countDocuments()).toBe(0)
  await client.close()
})

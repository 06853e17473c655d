import { MongoClient } from 'mongodb'
import { afterAll, expect, it } from 'vitest'
import { collectionsOf } from '../../src/store/collections.ts'
import { useMongo } from '../setup/mongo.ts'
import { applyPlan, policy, prepared } from './harness.ts'
import { person } from '../setup/actors.ts'

const mongo = useMongo()
const client = new MongoClient(mongo.uri, { appName: 'edict' })
afterAll(() => client.close())

/** What a process leaves behind that was killed in the middle of an apply. */
async function abandon(database: string): Promise<void> {
  const session = client.startSession()
  session.startTransaction()
  const { lease } = collectionsOf(client.db(database))
  await lease.updateOne({ _id: 'writer' }, { $inc: { token: 1 } }, { session })
  await lease.updateOne({ _id: 'cycle' }, { $inc: { token: 1 } }, { session })
}

it('a transaction whose process was killed keeps others from changing anything for seconds only', async () => {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database })
  await applyPlan(store, { create: [policy('a/b/1')] })
  await abandon(database)
  const begin = performance.now()
  await store.locks.lock('a/b/1', { actor: person('alice'), reason: null, until: null })
  expect(performance.now() - begin).toBeLessThan(8_000)
  expect(await store.audit.verify()).toMatchObject({ ok: true })
})

it('nor does it keep the next worker from the lease', async () => {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database })
  await abandon(database)
  const begin = performance.now()
  const acquire = () => store.leases.acquire({ holder: 'next', ttlMs: 1_000 })
  expect((await acquire()) ?? (await acquire())).toMatchObject({ holder: 'next' })
  expect(performance.now() - begin).toBeLessThan(10_000)
})

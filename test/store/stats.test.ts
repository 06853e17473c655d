/** Counted decisions on a real mongod. */
import { MongoClient } from 'mongodb'
import { afterAll, expect, it } from 'vitest'
import { useMongo } from '../setup/mongo.ts'
import { open } from './harness.ts'

const mongo = useMongo()
const client = new MongoClient(mongo.uri)
afterAll(() => client.close())

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const weekMs = 7 * 24 * hourMs
const policy = 'shop/price/1.0'
const counts = { decisions: 1, failed: 0, seconds: 0.001, cost: 7 }

const minute = (ago: number): number => {
  const at = Date.now() - ago
  return at - (at % minuteMs)
}
const expiry = async (database: string): Promise<unknown> => {
  const indexes = await client.db(database).collection('stats').indexes()
  return indexes.find(({ key }) => 'at' in key)?.['expireAfterSeconds']
}

it('what several processes count of one minute is added up', async () => {
  const database = mongo.database()
  const [one, other] = [open({ uri: mongo.uri, database }), open({ uri: mongo.uri, database })]
  const at = minute(0)
  await Promise.all([one, other, one].map(({ stats }) => stats.add([{ policy, at, ...counts }])))
  const read = async () => (await other.stats.read(policy, at, at)).get(at)
  await expect.poll(read).toMatchObject({ decisions: 3, failed: 0, cost: 21 })
})

it('is kept for seven days, the last minute of an hour as long as its first', async () => {
  const database = mongo.database()
  const store = open({ uri: mongo.uri, database })
  const at = minute(weekMs - 2 * minuteMs)
  await store.stats.add([{ policy, at, ...counts }])
  const read = async () => (await store.stats.read(policy, at, at)).get(at)
  await expect.poll(read).toMatchObject({ decisions: 1 })
  const hour = await client.db(database).collection('stats').findOne()
  const goesAt = Number(hour?.['at']) + Number(await expiry(database)) * 1000
  expect(goesAt).toBeGreaterThanOrEqual(at + weekMs)
  expect(goesAt).toBeLessThanOrEqual(at + weekMs + hourMs)
})

it('an expiry of another time, from an earlier version, is changed', async () => {
  const database = mongo.database()
  await client.db(database).collection('stats').createIndex({ at: 1 }, { name: 'age', expireAfterSeconds: 60 })
  await open({ uri: mongo.uri, database }).stats.add([{ policy, at: minute(0), ...counts }])
  expect(await expiry(database)).toBe((weekMs + hourMs) / 1000)
})

import { pino } from 'pino'
import { expect, test } from 'vitest'
import { enforceOpen } from '../../src/auth/enforce.ts'
import { openStore } from '../../src/store/store.ts'
import { useMongo } from '../setup/mongo.ts'

const mongo = useMongo()
const log = pino({ level: 'silent' })

test('several processes may make what a new store needs at once', async () => {
  const stop = new AbortController()
  const database = mongo.database()
  const stores = Array.from({ length: 6 }, () =>
    openStore({ enforce: enforceOpen, uri: mongo.uri, database, log, signal: stop.signal }),
  )
  const counted = { policy: '*', at: 0, decisions: 1, failed: 0, seconds: 0, cost: 0 }
  const done = await Promise.allSettled(
    stores.flatMap((store) => [store.ensureCollections(), store.stats.add([counted])]),
  )
  expect(done.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))).toEqual([])
  stop.abort()
  await Promise.all(stores.map((store) => store.close()))
})

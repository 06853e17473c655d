import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { useMongo } from '../setup/mongo.ts'
import { prepared, until } from './harness.ts'

const mongo = useMongo()
const sync = { reason: 'sync', source: 'platform', commit: null } as const
const outcome = { at: new Date(1), ok: true, revision: 3, message: 'applied', findings: [] }

it('a request wakes the worker and its outcome reaches who waits, both at once', async () => {
  const database = mongo.database()
  const server = await prepared({ uri: mongo.uri, database })
  const worker = await prepared({ uri: mongo.uri, database })
  const stopping = new AbortController()
  let wakes = 0
  const watching = worker.requests.watch(() => {
    wakes += 1
  }, stopping.signal)
  await delay(300)
  const id = await server.requests.submit(sync)
  const answer = server.requests.waitFor(id, { timeoutMs: 5000 })
  await until(() => wakes > 0)
  expect(await worker.requests.take()).toMatchObject([{ _id: id, ...sync, outcome: null }])
  await worker.requests.complete([id], outcome)
  expect(await answer).toEqual(outcome)
  expect(await worker.requests.take()).toEqual([])
  stopping.abort()
  await watching
})

it('who waits too long is told that it is pending; so is who waits for nothing', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  const id = await store.requests.submit(sync)
  expect(await store.requests.waitFor(id, { timeoutMs: 30 })).toBe('pending')
  expect(await store.requests.waitFor(id, { timeoutMs: 5000, signal: AbortSignal.timeout(20) })).toBe('pending')
  expect(await store.requests.waitFor('nothing', { timeoutMs: 5000 })).toBe('pending')
})

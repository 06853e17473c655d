import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { freePort, mongodUri } from '../../src/store/mongod-process.ts'
import { startMongod } from '../setup/mongo.ts'
import { applyPlan, open, policy, startReplica, until } from './harness.ts'
import { person } from '../setup/actors.ts'

const by = { actor: person('alice'), reason: null, until: null }

it('mongod stops and starts: mutations fail fast with a clear error, replicas keep their state, all recovers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'edict-outage-'))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  const mongod = await startMongod(folder)
  const store = open({ uri: mongod.uri, database: 'edict' })
  await store.ensureCollections()
  await applyPlan(store, { create: [policy('a/b/1'), policy('a/c/1')] })
  const replica = startReplica(store)
  const stopping = new AbortController()
  afterAll(() => stopping.abort())
  let wakes = 0
  void store.requests.watch(() => {
    wakes += 1
  }, stopping.signal)
  await until(replica.isReady)

  await mongod.stop()
  const begin = performance.now()
  const changes = Promise.allSettled(Array.from({ length: 20 }, () => store.locks.lock('a/b/1', by)))
  for (const result of await changes)
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable' } })
  expect(performance.now() - begin).toBeLessThan(9000)
  await until(() => !replica.isReady())
  expect(await store.ready()).toBe(false)
  expect(replica.states.at(-1)).toMatchObject({ ready: false, since: expect.any(Date) })
  expect(replica.policies.size).toBe(2)

  await startMongod(folder)
  await until(replica.isReady)
  expect(await store.ready()).toBe(true)
  const { sequence } = await store.locks.lock('a/b/1', by)
  expect(await store.replicas.confirm(sequence)).toMatchObject({ confirmed: [store.replicas.id], pending: [] })
  expect(replica.locks.has('a/b/1')).toBe(true)
  expect(replica.snapshots).toBe(1)
  const before = wakes
  await store.requests.submit({ reason: 'sync', source: null, commit: null })
  await until(() => wakes > before)
})

it('a store that comes up after the server is waited for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'edict-late-'))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  const first = await startMongod(folder)
  await first.stop()
  const store = open({ uri: first.uri, database: 'edict' })
  const replica = startReplica(store)
  expect(await store.ready()).toBe(false)
  await expect(store.head()).rejects.toMatchObject({ code: 'store_unavailable' })
  expect(replica.isReady()).toBe(false)
  await startMongod(folder)
  await store.opened
  await until(replica.isReady)
  await store.ensureCollections()
  await applyPlan(store, { create: [policy('a/b/1')] })
  await until(() => replica.policies.size === 1)
})

it('a store that never comes is closed without waiting', async () => {
  const store = open({ uri: mongodUri(await freePort(0)), database: 'edict' })
  const begin = performance.now()
  store.abort()
  await store.close()
  expect(performance.now() - begin).toBeLessThan(1000)
})

it('a URI that cannot be read is the configuration, and its password is not repeated', () => {
  const opening = () => open({ uri: 'mongodb://user:secret@/x', database: 'edict' })
  expect(opening).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  expect(opening).not.toThrow(/secret/)
})

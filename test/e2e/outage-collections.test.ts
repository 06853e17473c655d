import { isDeepStrictEqual } from 'node:util'
import type { Db } from 'mongodb'
import { beforeAll, describe, expect, it } from 'vitest'
import type { PolicyDocument } from '../../src/policy/schema.ts'
import { collectionNames } from '../../src/store/collections.ts'
import {
  allAnswer,
  allReady,
  answering,
  createPolicies,
  databaseOf,
  figure,
  isReady,
  keepAsking,
  lock,
  type PolicyFolder,
  startReplica,
  startWorker,
  timed,
  unlock,
} from './deployment.ts'
import { call, type Edict, evaluate, eventually, newDatabase } from './edict.ts'

const price = 'shop/price/1.0'
const other = 'shop/other/1.0'
const locked = 'shop/locked/1.0'

/** Collections with their validators and indexes. */
const shapeOf = async (db: Db) => {
  const infos = await db.listCollections().toArray()
  const shapes = infos
    .filter(({ name }) => collectionNames.some((ours) => ours === name))
    .map(async ({ name, ...info }) => {
      const indexes = await db.collection(name).indexes()
      const sorted = indexes.map((index) => JSON.stringify(index)).toSorted()
      const validator: unknown = 'options' in info ? info.options?.['validator'] : undefined
      return [name, { indexes: sorted, validator }] as const
    })
  return Object.fromEntries((await Promise.all(shapes)).toSorted(([one], [two]) => (one < two ? -1 : 1)))
}

describe('two replicas and a worker whose store is damaged by hand', () => {
  let policies: PolicyFolder
  let db: Db
  let worker: Edict
  let a: Edict
  let b: Edict
  let shape: Awaited<ReturnType<typeof shapeOf>>

  beforeAll(async () => {
    policies = await createPolicies({ ...answering(price, 1), ...answering(other, 1), ...answering(locked, 1) })
    const env = newDatabase()
    db = databaseOf(env)
    ;[worker, a, b] = await Promise.all([
      startWorker({ ...env, ...policies.env }),
      startReplica(env),
      startReplica(env),
    ])
    await Promise.all([price, other].map((policy) => allAnswer([a, b], policy, 1)))
    await eventually(
      () => lock(a, locked, { reason: 'stays' }),
      ({ status }) => status !== 404,
    )
    shape = await shapeOf(db)
  })

  const count = (policy?: string) =>
    db.collection<{ _id: string }>('policies').countDocuments(policy === undefined ? {} : { _id: policy })

  /** Damages the store while the worker hangs, so that what the replicas do meanwhile can be seen; then lets it mend. */
  const survive = async (what: string, damage: () => Promise<unknown>): Promise<void> => {
    const loads = [a, b].flatMap((edict) => [price, locked].map((policy) => keepAsking(edict, policy)))
    process.kill(worker.pid, 'SIGSTOP')
    try {
      await damage()
      expect(await allReady([a, b], false)).toEqual([503, 503])
      expect((await evaluate(a, other)).json).toEqual({ answer: 1 })
    } finally {
      process.kill(worker.pid, 'SIGCONT')
    }
    const [ms, statuses] = await timed(() => allReady([a, b]))
    expect(statuses).toEqual([200, 200])
    figure(`${what}: ready again after ${ms.toFixed(0)} ms`)
    expect(ms).toBeLessThan(10_000)
    expect(await Promise.all(loads.map(({ stop }) => stop()))).toEqual([
      { 200: expect.any(Number) },
      { 403: expect.any(Number) },
      { 200: expect.any(Number) },
      { 403: expect.any(Number) },
    ])
    expect(await count()).toBe(3)
    expect(await shapeOf(db)).toEqual(shape)
    expect((await call(`${b.url}/policy/${locked}`)).json).toMatchObject({ lock: { reason: 'stays' } })
  }

  /** Both replicas obey a lock that is made now. */
  const locksHold = async (): Promise<void> => {
    expect(await lock(a, price)).toMatchObject({
      status: 200,
      json: { silent: [], confirmed: [expect.any(String), expect.any(String)] },
    })
    for (const edict of [a, b]) expect((await evaluate(edict, price)).status).toBe(403)
    expect((await unlock(b, price)).status).toBe(200)
    for (const edict of [a, b]) expect((await evaluate(edict, price)).json).toEqual({ answer: 1 })
  }

  it('weakness 2: the collection policies is dropped: restored within seconds, and a lock made then holds on both', async () => {
    await survive('policies dropped', () => db.dropCollection('policies'))
    await locksHold()
  })

  it('a collection is renamed: restored within seconds', async () => {
    await survive('policies renamed', () => db.renameCollection('policies', 'policies_old'))
    await db.dropCollection('policies_old')
    await locksHold()
  })

  it('a lock that was deleted by hand stands', async () => {
    const loads = [a, b].map((edict) => keepAsking(edict, locked))
    const locks = db.collection<{ _id: string }>('locks')
    await locks.deleteOne({ _id: locked })
    const found = await eventually(
      () => locks.countDocuments({ _id: locked }),
      (found) => found === 1,
    )
    expect(found).toBe(1)
    expect(await Promise.all(loads.map(({ stop }) => stop()))).toEqual([
      { 403: expect.any(Number) },
      { 403: expect.any(Number) },
    ])
  })

  it.for(['locks', 'head', 'revisions', 'sources', 'modules', 'audit', 'lease', 'requests', 'replicas', 'blobs'])(
    'the collection %s is dropped: restored within seconds',
    async (name) => {
      await survive(`${name} dropped`, () => db.dropCollection(name))
      await locksHold()
    },
  )

  it('while policies is gone a lock is refused as a store that is away', async () => {
    process.kill(worker.pid, 'SIGSTOP')
    await db.dropCollection('policies')
    const refused = await lock(a, price)
    process.kill(worker.pid, 'SIGCONT')
    expect(refused).toMatchObject({ status: 503, json: { code: 'store_unavailable' } })
    expect(await allReady([a, b])).toEqual([200, 200])
    await locksHold()
  })

  it('a policy that was deleted by hand goes on answering and is put back', async () => {
    const loads = [a, b].map((edict) => keepAsking(edict, price))
    await db.collection<{ _id: string }>('policies').deleteOne({ _id: price })
    const [ms, found] = await timed(() =>
      eventually(
        () => count(price),
        (found) => found === 1,
      ),
    )
    expect(found).toBe(1)
    figure(`a deleted document is back after ${ms.toFixed(0)} ms`)
    expect(await Promise.all(loads.map(({ stop }) => stop()))).toEqual([
      { 200: expect.any(Number) },
      { 200: expect.any(Number) },
    ])
    await locksHold()
  })

  it('a policy that was edited by hand answers as before and is put right', async () => {
    const collection = db.collection<PolicyDocument>('policies')
    const good = await collection.findOne({ _id: price })
    const foreign = await collection.findOne({ _id: other })
    expect(good?.artifact?.wasm).not.toBe(foreign?.artifact?.wasm)
    const lasting = (document: PolicyDocument | null) => ({ ...document, updated: null, revision: null })
    const edits: Partial<PolicyDocument>[] = [
      { artifact: foreign?.artifact ?? null },
      { artifact: null },
      { digest: 'edited' },
      { rego: 'package shop.price\n\nanswer := "edited"\n' },
      { data: '{"edited": true}' },
      { inputs: 'edited' },
      { repository: 'edited' },
      { version: '2.0' },
    ]
    for (const edit of edits) {
      await collection.updateOne({ _id: price }, { $set: edit }, { bypassDocumentValidation: true })
      const restored = await eventually(
        () => collection.findOne({ _id: price }),
        (document) => isDeepStrictEqual(lasting(document), lasting(good)),
      )
      expect(lasting(restored)).toEqual(lasting(good))
      for (const edict of [a, b]) expect((await evaluate(edict, price)).json).toEqual({ answer: 1 })
    }
    await locksHold()
  })

  it('the whole database is dropped: decisions go on, and it is made anew', async () => {
    const loads = [a, b].map((edict) => keepAsking(edict, price))
    await db.dropDatabase()
    const [ms, found] = await timed(() =>
      eventually(
        async () => [await isReady(a), await isReady(b), await count()],
        ([one, two, found]) => one === true && two === true && found === 3,
      ),
    )
    expect(found).toEqual([true, true, 3])
    figure(`database dropped: whole again after ${ms.toFixed(0)} ms`)
    expect(await Promise.all(loads.map(({ stop }) => stop()))).toEqual([
      { 200: expect.any(Number) },
      { 200: expect.any(Number) },
    ])
    expect(await shapeOf(db)).toEqual(shape)
    await locksHold()
    await policies.write(answering(other, 2))
    expect(await allAnswer([a, b], other, 2)).toEqual([{ answer: 2 }, { answer: 2 }])
  })
})

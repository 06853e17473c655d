import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { freePort } from '../../src/store/mongod-process.ts'
import {
  allAnswer,
  allReady,
  answering,
  createPolicies,
  figure,
  keepAsking,
  lock,
  readiness,
  startReplica,
  startStore,
  startWorker,
  timed,
} from './deployment.ts'
import { call, evaluate, eventually, startEdict, syncNow } from './edict.ts'

const price = 'shop/price/1.0'
const other = 'shop/other/1.0'

/** While mongod is away a client waits this long at most. */
const boundMs = 9_000

describe.concurrent('mongod stops and starts again', { timeout: 90_000 }, () => {
  it('weakness 3: no process exits, loaded policies answer throughout, nothing hangs, all recovers by itself', async () => {
    const policies = await createPolicies({ ...answering(price, 1), ...answering(other, 1) })
    const store = await startStore()
    const [worker, a, b, c] = await Promise.all([
      startWorker({ ...store.env, ...policies.env }),
      startReplica(store.env),
      startReplica({ ...store.env, EDICT_STALE: 'refuse' }),
      startReplica(store.env),
    ])
    await allAnswer([a, b], price, 1)
    const load = keepAsking(a, price)

    await store.stop()
    const since = performance.now()
    expect(await allReady([a, b], false)).toEqual([503, 503])
    expect((await readiness(a)).json).toMatchObject({ status: 'down', checks: { store: 'down', stream: 'down' } })
    expect((await call(`${a.url}/liveness`)).status).toBe(200)
    const stale = await evaluate(a, price)
    expect(stale.json).toEqual({ answer: 1 })
    expect(stale.headers.get('x-edict-stale')).toMatch(/^\d+$/)
    expect(await evaluate(b, price)).toMatchObject({ status: 503, json: { code: 'stale_refused' } })

    const [ms, refused] = await timed(() =>
      Promise.all([
        lock(a, price),
        lock(b, price),
        syncNow(a, 'local'),
        call(`${a.url}/api/sources`),
        // Never asked for before, so not loaded.
        evaluate(a, other),
      ]),
    )
    for (const reply of refused) expect(reply).toMatchObject({ status: 503, json: { code: 'store_unavailable' } })
    expect(ms).toBeLessThan(boundMs)
    figure(`refused while mongod is away: ${ms.toFixed(0)} ms`)

    const [stopMs, code] = await timed(c.stop)
    expect(code).toBe(0)
    expect(stopMs).toBeLessThan(boundMs)
    figure(`stopped while mongod is away: ${stopMs.toFixed(0)} ms`)

    await sleep(Math.max(0, 6_000 - (performance.now() - since)))
    const later = await evaluate(a, price)
    expect(Number(later.headers.get('x-edict-stale'))).toBeGreaterThanOrEqual(4)
    const [startMs] = await timed(() => startStore(store.dataDir))
    const [recoveryMs, ready] = await timed(() => allReady([a, b]))
    expect(ready).toEqual([200, 200])
    figure(`ready again ${recoveryMs.toFixed(0)} ms after mongod is (which took ${startMs.toFixed(0)} ms)`)
    expect((await evaluate(a, price)).headers.get('x-edict-stale')).toBeNull()
    expect((await evaluate(b, price)).json).toEqual({ answer: 1 })
    expect((await evaluate(a, other)).json).toEqual({ answer: 1 })
    expect(await load.stop()).toEqual({ 200: expect.any(Number) })

    expect(await lock(a, price)).toMatchObject({ status: 200 })
    for (const edict of [a, b]) expect((await evaluate(edict, price)).status).toBe(403)
    await policies.write(answering(other, 2))
    expect(await allAnswer([a, b], other, 2)).toEqual([{ answer: 2 }, { answer: 2 }])
    expect(await Promise.all([worker, a, b].map((edict) => edict.stop()))).toEqual([0, 0, 0])
  })

  it('weakness 3: more than 30 seconds without mongod end no process', async () => {
    const policies = await createPolicies(answering(price, 1))
    const store = await startStore()
    const edict = await startEdict({ ...store.env, ...policies.env })
    expect((await evaluate(edict, price)).json).toEqual({ answer: 1 })
    await store.stop()
    await sleep(32_000)
    const reply = await evaluate(edict, price)
    expect(reply.json).toEqual({ answer: 1 })
    expect(Number(reply.headers.get('x-edict-stale'))).toBeGreaterThanOrEqual(30)
    await startStore(store.dataDir)
    expect(await allReady([edict])).toEqual([200])
    expect((await lock(edict, price)).status).toBe(200)
    expect((await evaluate(edict, price)).status).toBe(403)
    expect(await edict.stop()).toBe(0)
  })

  it('a store that comes up after the server is waited for', async () => {
    const policies = await createPolicies(answering(price, 1))
    const store = await startStore()
    await store.stop()
    const port = String(await freePort(0))
    const edict = { url: `http://127.0.0.1:${port}` }
    const starting = startEdict({ ...store.env, ...policies.env, PORT: port })
    const alive = await eventually(
      () => call(`${edict.url}/liveness`).catch(() => null),
      (reply) => reply !== null,
    )
    expect(alive?.status).toBe(200)
    expect((await readiness(edict)).status).toBe(503)
    expect(await evaluate(edict, price)).toMatchObject({ status: 503, json: { code: 'store_unavailable' } })
    const [ms, refused] = await timed(() => lock(edict, price))
    expect(refused).toMatchObject({ status: 503, json: { code: 'store_unavailable' } })
    expect(ms).toBeLessThan(boundMs)
    await startStore(store.dataDir)
    const [readyMs, started] = await timed(() => starting)
    figure(`a server that waited is ready ${readyMs.toFixed(0)} ms after its store`)
    expect((await evaluate(started, price)).json).toEqual({ answer: 1 })
    expect((await readiness(started)).status).toBe(200)
    expect(await started.stop()).toBe(0)
  })
})

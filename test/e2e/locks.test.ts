import { describe, expect, it } from 'vitest'
import {
  allAnswer,
  answering,
  createPolicies,
  lock,
  readiness,
  startReplica,
  startWorker,
  unlock,
} from './deployment.ts'
import { call, type Edict, evaluate, eventually, newDatabase, startEdict, syncNow } from './edict.ts'

const price = 'shop/price/1.0'
const other = 'shop/other/1.0'

describe('a lock', () => {
  it('outlives new commits, the removal of its policy, its return and restarts of the servers', async () => {
    const policies = await createPolicies({ ...answering(price, 1), ...answering(other, 1) })
    const env = newDatabase()
    const replicas = { ...env, EDICT_SOURCE: 'local' }
    const [worker, a, first] = await Promise.all([
      startWorker({ ...env, ...policies.env }),
      startReplica(replicas),
      startReplica(replicas),
    ])
    let b: Edict = first
    const statuses = async (policy: string) =>
      (await Promise.all([a, b].map((edict) => evaluate(edict, policy)))).map(({ status }) => status)
    await allAnswer([a, b], price, 1)
    expect((await lock(a, price, { reason: 'under review' })).status).toBe(200)
    expect(await statuses(price)).toEqual([403, 403])

    await policies.write({ ...answering(price, 2), ...answering(other, 2) })
    expect((await syncNow(a, 'local')).json).toMatchObject({ ok: true })
    await allAnswer([a, b], other, 2)
    expect(await statuses(price)).toEqual([403, 403])

    await policies.remove(price)
    expect((await syncNow(b, 'local')).json).toMatchObject({ ok: true })
    await eventually(
      () => statuses(price),
      (all) => all.every((status) => status === 404),
    )
    expect(await statuses(price)).toEqual([404, 404])

    expect(await b.stop()).toBe(0)
    b = await startReplica(replicas)
    await policies.write({ ...answering(price, 3), ...answering(other, 3) })
    expect((await syncNow(a, 'local')).json).toMatchObject({ ok: true })
    await allAnswer([a, b], other, 3)
    expect(await statuses(price)).toEqual([403, 403])
    expect(await lock(b, price)).toMatchObject({ status: 403, json: { code: 'already_locked' } })
    const shown = await call(`${b.url}/policy/${price}`)
    expect(shown.json).toMatchObject({ lock: { reason: 'under review' } })

    expect((await unlock(b, price)).status).toBe(200)
    expect((await Promise.all([a, b].map((edict) => evaluate(edict, price)))).map(({ json }) => json)).toEqual([
      { answer: 3 },
      { answer: 3 },
    ])
    await Promise.all([worker, a, b].map((edict) => edict.stop()))
  })

  it('of a removed policy can be lifted, and then a returning policy answers', async () => {
    const policies = await createPolicies({ ...answering(price, 1), ...answering(other, 1) })
    const edict = await startEdict({ ...newDatabase(), ...policies.env })
    expect((await lock(edict, price)).status).toBe(200)
    await policies.remove(price)
    expect((await syncNow(edict, 'local')).json).toMatchObject({ ok: true })
    const gone = await eventually(
      () => evaluate(edict, price),
      ({ status }) => status === 404,
    )
    expect(gone.status).toBe(404)
    expect((await unlock(edict, price)).status).toBe(200)
    expect(await unlock(edict, price)).toMatchObject({ status: 404, json: { code: 'policy_not_found' } })
    await policies.write(answering(price, 2))
    expect((await syncNow(edict, 'local')).json).toMatchObject({ ok: true })
    expect(await allAnswer([edict], price, 2)).toEqual([{ answer: 2 }])
    await edict.stop()
  })

  it('holds from the first request on after all servers were restarted, killed ones, too', async () => {
    const policies = await createPolicies({ ...answering(price, 1), ...answering(other, 1) })
    const env = { ...newDatabase(), ...policies.env }
    const first = await startEdict(env)
    expect((await lock(first, price)).status).toBe(200)
    expect((await unlock(first, price)).status).toBe(200)
    expect((await lock(first, price, { reason: 'again' })).status).toBe(200)
    await first.kill()

    const second = await startEdict(env)
    expect((await evaluate(second, price)).status).toBe(403)
    expect((await evaluate(second, other)).json).toEqual({ answer: 1 })
    expect((await readiness(second)).status).toBe(200)
    expect((await unlock(second, price)).status).toBeLessThan(203)
    expect((await evaluate(second, price)).json).toEqual({ answer: 1 })
    await second.stop()
  })
})

import { beforeAll, describe, expect, it } from 'vitest'
import { databaseOf, lock, unlock } from './deployment.ts'
import { call, evaluate, eventually, type Reply, syncNow } from './edict.ts'
import { rego, serveRepo, showSource, type ServedRepo } from './served-repo.ts'

interface PlanSeen {
  readonly id: string
  readonly status: string
  readonly revision: number | null
  readonly subject: readonly string[]
  readonly diffs?: readonly { readonly key: string; readonly files: readonly { readonly diff?: string }[] }[]
}

const price = (value: number) => ({ 'shop/price/1.0/policy.rego': rego('shop', 'price', `value := ${value}`) })
const at = (reply: Reply): [number, string] => [reply.status, reply.text]

const api = ({ edict }: ServedRepo) => {
  const post = (path: string, body: object = {}) =>
    call(`${edict.url}${path}`, { method: 'POST', body: JSON.stringify(body) })
  const plans = async (status: string): Promise<readonly PlanSeen[]> =>
    ((await call(`${edict.url}/api/plans?status=${status}`)).json as { plans: PlanSeen[] }).plans
  const waiting = async (): Promise<PlanSeen> => {
    const [plan] = await plans('Waiting')
    if (plan === undefined) throw new Error('no plan waits')
    return plan
  }
  const head = async () => {
    const found = await databaseOf(env())
      .collection<{ _id: string; sequence: number; revision: number }>('head')
      .findOne()
    return { sequence: found?.sequence ?? 0, revision: found?.revision ?? 0 }
  }
  const env = () => served.env
  return { post, plans, waiting, head }
}

let served: ServedRepo

describe('a repository whose changes are approved', () => {
  beforeAll(async () => {
    served = await serveRepo({ files: price(1), env: { EDICT_MODE: 'plan' } })
  })

  it('waits with a plan that shows the diff, and answers once somebody has approved it', async () => {
    const { post, waiting } = api(served)
    const { edict } = served
    expect((await evaluate(edict, 'shop/price/1.0')).status).toBe(404)
    expect((await showSource(edict)).json).toMatchObject({ reason: 'AwaitingApproval', commit: null })
    const { id } = await waiting()
    const shown = (await call(`${edict.url}/api/plans/${id}`)).json as PlanSeen
    expect(shown.diffs?.[0]?.files[0]?.diff).toContain('+value := 1')
    expect(await post(`/api/plans/${id}/approve`)).toMatchObject({
      status: 200,
      json: { status: 'Applied', decidedBy: 'local' },
    })
    expect(at(await evaluate(edict, 'shop/price/1.0'))).toEqual([200, '{"value":1}'])
    expect(await post(`/api/plans/${id}/approve`)).toMatchObject({ status: 409, json: { code: 'conflict' } })
  })

  it('a second push supersedes the plan; the old one cannot be approved any more', async () => {
    const { post, waiting, plans } = api(served)
    await served.release(price(2))
    const old = await waiting()
    await served.release(price(3))
    const newer = await waiting()
    expect((await plans('Superseded')).map(({ id }) => id)).toEqual([old.id])
    expect(await post(`/api/plans/${old.id}/approve`)).toMatchObject({ status: 409 })
    expect(at(await evaluate(served.edict, 'shop/price/1.0'))).toEqual([200, '{"value":1}'])
    expect((await post(`/api/plans/${newer.id}/approve`)).status).toBe(200)
    expect(at(await evaluate(served.edict, 'shop/price/1.0'))).toEqual([200, '{"value":3}'])
  })

  it('a rejected commit is held and said to be, the next one waits again', async () => {
    const { post, waiting, plans } = api(served)
    await served.release(price(4))
    const { id } = await waiting()
    const rejected = await post(`/api/plans/${id}/reject`, { reason: 'too dear' })
    expect(rejected).toMatchObject({
      status: 200,
      json: { status: 'Rejected', message: 'too dear', hash: expect.any(String) },
    })
    await served.sync()
    expect((await showSource(served.edict)).json).toMatchObject({
      reason: 'Held',
      message: expect.stringContaining('too dear'),
    })
    expect(await plans('Waiting')).toEqual([])
    await served.release(price(5))
    expect((await post(`/api/plans/${(await waiting()).id}/approve`)).status).toBe(200)
    expect(at(await evaluate(served.edict, 'shop/price/1.0'))).toEqual([200, '{"value":5}'])
  })

  it('a plan made before the base moved is refused', async () => {
    const { post, waiting, plans, head } = api(served)
    await served.release(price(6))
    const { id } = await waiting()
    const { revision } = await head()
    expect((await post(`/api/revisions/${revision - 1}/rollback`)).status).toBe(200)
    expect(await post(`/api/plans/${id}/approve`)).toMatchObject({ status: 409 })
    expect((await plans('Stale')).map((plan) => plan.id)).toContain(id)
    expect((await post('/api/sources/platform/release')).status).toBe(200)
    const fresh = await waiting()
    expect((await post(`/api/plans/${fresh.id}/approve`)).status).toBe(200)
    expect(at(await evaluate(served.edict, 'shop/price/1.0'))).toEqual([200, '{"value":6}'])
  })
})

describe('revisions', () => {
  let first: number

  beforeAll(async () => {
    served = await serveRepo({
      files: { ...price(1), 'shop/tax/1.0/policy.rego': rego('shop', 'tax', 'value := 1') },
      env: { EDICT_REVISIONS: '4' },
    })
    first = (await api(served).head()).revision
  })

  it('one cycle is one plan and one transaction', async () => {
    const { head, plans } = api(served)
    const before = await head()
    const applied = await plans('Applied')
    await served.release({
      ...price(2),
      'shop/vat/1.0/policy.rego': rego('shop', 'vat', 'value := 1'),
      'shop/tax/1.0/policy.rego': null,
    })
    expect(await head()).toEqual({ sequence: before.sequence + 1, revision: before.revision + 1 })
    expect(await plans('Applied')).toHaveLength(applied.length + 1)
    await served.sync()
    expect(await head()).toEqual({ sequence: before.sequence + 1, revision: before.revision + 1 })
  })

  it('answer for themselves, also for what is not in force any more; a lock holds for them, too', async () => {
    const { edict } = served
    const old = (policy: string, revision: number | string = first) =>
      call(`${edict.url}/policy/${policy}/evaluation?revision=${revision}`, { method: 'POST' })
    expect(at(await old('shop/price/1.0'))).toEqual([200, '{"value":1}'])
    expect(at(await old('shop/tax/1.0'))).toEqual([200, '{"value":1}'])
    expect(at(await evaluate(edict, 'shop/price/1.0'))).toEqual([200, '{"value":2}'])
    expect(await old('shop/vat/1.0')).toMatchObject({ status: 404, json: { code: 'policy_not_found' } })
    expect((await lock(edict, 'shop/price/1.0')).status).toBe(200)
    expect(await old('shop/price/1.0')).toMatchObject({ status: 403, json: { code: 'policy_locked' } })
    const batch = await call(`${edict.url}/policy/shop/price/1.0/evaluations?revision=${first}`, {
      method: 'POST',
      body: '{"inputs":[1]}',
    })
    expect(batch).toMatchObject({ status: 403 })
    expect((await unlock(edict, 'shop/price/1.0')).status).toBe(200)
    expect(await old('shop/price/1.0', 'x')).toMatchObject({ status: 400 })
    expect(await old('shop/price/1.0', 9999)).toMatchObject({ status: 404 })
  })

  it('going back turns the source back, holds it, and survives syncs until it is released', async () => {
    const { post, head } = api(served)
    const { edict } = served
    const back = await post(`/api/revisions/${first}/rollback`, { reason: 'the new price is wrong' })
    expect(back).toMatchObject({ status: 200, json: { ok: true, revision: (await head()).revision } })
    expect(at(await evaluate(edict, 'shop/price/1.0'))).toEqual([200, '{"value":1}'])
    expect((await evaluate(edict, 'shop/tax/1.0')).status).toBe(200)
    expect((await evaluate(edict, 'shop/vat/1.0')).status).toBe(404)
    await served.release(price(3))
    expect(at(await evaluate(edict, 'shop/price/1.0'))).toEqual([200, '{"value":1}'])
    expect((await showSource(edict)).json).toMatchObject({
      reason: 'Held',
      message: expect.stringContaining('the new price is wrong'),
    })
    expect((await post('/api/sources/platform/release')).status).toBe(200)
    expect(at(await evaluate(edict, 'shop/price/1.0'))).toEqual([200, '{"value":3}'])
    expect(await post('/api/sources/platform/release')).toMatchObject({ status: 409 })
  })

  it('are kept by number: what is beyond is 410, listed no more, and cannot be gone back to', async () => {
    const { post, head } = api(served)
    const { edict } = served
    for (const value of [4, 5, 6]) await served.release(price(value))
    const { revision } = await head()
    const gone = () => call(`${edict.url}/policy/shop/price/1.0/evaluation?revision=${first}`, { method: 'POST' })
    expect((await eventually(gone, ({ status }) => status === 410)).json).toMatchObject({ code: 'revision_gone' })
    expect(await post(`/api/revisions/${first}/rollback`)).toMatchObject({ status: 410 })
    const { revisions } = (await call(`${edict.url}/api/revisions`)).json as { revisions: { revision: number }[] }
    expect(revisions.map((one) => one.revision)).toEqual([revision, revision - 1, revision - 2, revision - 3])
    const oldest = await call(`${edict.url}/policy/shop/price/1.0/evaluation?revision=${revision - 2}`, {
      method: 'POST',
    })
    expect(at(oldest)).toEqual([200, '{"value":4}'])
    expect((await syncNow(edict, 'platform')).status).toBe(200)
  })
})

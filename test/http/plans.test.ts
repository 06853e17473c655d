/** Plans, revisions, releases and `?revision=` through the application. */
import { describe, expect, test } from 'vitest'
import { localActor } from '../../src/auth/actor.ts'
import type { Enforce } from '../../src/auth/enforce.ts'
import { EdictError } from '../../src/errors.ts'
import { change, createFixture, lockDocument, meta, throughApp, type Call } from './fixture.ts'

const setUp = () => {
  const fixture = createFixture()
  const door = throughApp(fixture)
  fixture.registry.swap(change({ policies: [meta('g/echo/1.0', { revision: 7 })], complete: true }))
  const json = async (path: string, call: Call = {}) => {
    const reply = await door(path, call)
    return { ...reply, body: JSON.parse(reply.text) as Record<string, unknown> }
  }
  const post = (path: string, body = '') => json(path, { method: 'POST', body })
  return { ...fixture, door, json, post }
}

describe('plans', () => {
  test('are listed by status, and shown with their differences', async () => {
    const { json } = setUp()
    const { body } = await json('/api/plans?status=Waiting')
    expect(body).toMatchObject({ plans: [{ id: 'plan-1', status: 'Waiting', createdAt: '1970-01-01T00:00:00.000Z' }] })
    expect(await json('/api/plans?status=Applied')).toMatchObject({ status: 200, body: { plans: [], next: null } })
    expect(await json('/api/plans/plan-1')).toMatchObject({ body: { id: 'plan-1', digest: 'd1', diffs: [] } })
    expect(await json('/api/plans/none')).toMatchObject({ status: 404, body: { code: 'plan_not_found' } })
    expect(await json('/api/plans?status=Nonsense')).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
  })

  test('a plan that waits says who may approve it; in open mode, whoever reaches the server', async () => {
    const { json, post } = setUp()
    const mine = { allowed: true, because: null }
    expect(await json('/api/plans/plan-1')).toMatchObject({
      body: { approval: { mode: 'open', rules: [], notBy: [], you: { approve: mine, reject: mine } } },
    })
    await post('/api/plans/plan-1/reject')
    expect((await json('/api/plans/plan-1')).body['approval']).toBe(null)
  })

  test('where credentials are asked for, the rules are named, and why the caller may not', async () => {
    const enforce: Enforce = async (actor, action) => {
      if (action === 'approve') throw new EdictError('forbidden', 'olaf may not approve g/echo/1.0: no rule')
      return actor ?? localActor
    }
    const fixture = createFixture({ enforce, identity: { mode: () => 'required' } })
    const { text } = await throughApp(fixture)('/api/plans/plan-1', {})
    const because = 'olaf may not approve g/echo/1.0: no rule'
    expect(JSON.parse(text)).toMatchObject({
      approval: {
        mode: 'required',
        rules: [{ rule: 'operator-sync', roles: ['operator', 'superuser'], uncovered: [] }],
        you: { approve: { allowed: false, because }, reject: { allowed: false, because } },
      },
    })
  })

  test('an approval is a request that is waited for, or not', async () => {
    const { post, held } = setUp()
    expect(await post('/api/plans/plan-1/approve')).toMatchObject({ status: 200, body: { id: 'plan-1' } })
    expect(held.submitted).toEqual([{ reason: 'approve', source: null, commit: null, plan: 'plan-1', actor: 'local' }])
    expect(await post('/api/plans/plan-1/approve?wait=0')).toMatchObject({ status: 202, body: { id: 'request-1' } })
    expect(held.enforced).toContain('local approve policy example/echo/1.0')
  })

  test('an approval that comes too late is refused with the reason', async () => {
    const { post, held } = setUp()
    held.outcome = { at: new Date(0), ok: false, revision: 8, message: 'it is stale', findings: [], code: 'conflict' }
    expect(await post('/api/plans/plan-1/approve')).toMatchObject({
      status: 409,
      body: { code: 'conflict', message: 'it is stale' },
    })
    await post('/api/plans/plan-1/reject')
    const late = await post('/api/plans/plan-1/approve')
    expect(late).toMatchObject({ status: 409, body: { message: expect.stringContaining('Rejected') } })
  })

  test('a rejection is written at once, with who and why, and says where it stands in the audit log', async () => {
    const { post, held } = setUp()
    expect(await post('/api/plans/plan-1/reject', '{"reason":"too wide"}')).toMatchObject({
      status: 200,
      body: { status: 'Rejected', decidedBy: 'local', message: 'too wide', sequence: 9, hash: 'abc' },
    })
    expect(held.submitted).toEqual([{ reason: 'sync', source: 'main', commit: null, actor: 'local' }])
    expect(await post('/api/plans/none/reject')).toMatchObject({ status: 404 })
  })
})

describe('revisions', () => {
  test('are listed and shown; one that is not kept any more is 410, one that never was 404', async () => {
    const { json } = setUp()
    expect(await json('/api/revisions')).toMatchObject({ body: { revisions: [{ revision: 5, plan: 'plan-1' }] } })
    expect(await json('/api/revisions/5')).toMatchObject({ body: { revision: 5, policies: 3 } })
    expect(await json('/api/revisions/3')).toMatchObject({ status: 410, body: { code: 'revision_gone' } })
    expect(await json('/api/revisions/9')).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect(await json('/api/revisions/x')).toMatchObject({ status: 400 })
  })

  test('of one policy say what each did to it, and where that came from', async () => {
    const { json } = setUp()
    const { body } = await json('/api/revisions?policy=example/echo/1.0')
    const change = { kind: 'created', repository: 'main', commit: 'c0ffee', author: 'alice' }
    expect(body).toMatchObject({ revisions: [{ revision: 5, change, modules: { created: [] } }] })
    expect((await json('/api/revisions')).body).not.toHaveProperty('revisions.0.change')
    expect((await json('/api/revisions?policy=example')).status).toBe(400)
  })

  test('going back is a request with revision, reason and actor', async () => {
    const { post, held } = setUp()
    expect(await post('/api/revisions/5/rollback', '{"reason":"it broke"}')).toMatchObject({ status: 200 })
    expect(held.submitted).toMatchObject([{ reason: 'rollback', revision: 5, note: 'it broke', actor: 'local' }])
    expect(await post('/api/revisions/3/rollback')).toMatchObject({ status: 410 })
    expect(held.submitted).toHaveLength(1)
  })

  test('a held source is released once, and synced', async () => {
    const { post, held } = setUp()
    expect(await post('/api/sources/main/release')).toMatchObject({ status: 200, body: { ok: true, sequence: 9 } })
    expect(held.submitted).toMatchObject([{ reason: 'sync', source: 'main' }])
    expect(await post('/api/sources/main/release')).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect(await post('/api/sources/none/release')).toMatchObject({ status: 404 })
  })
})

describe('?revision=', () => {
  const past = () => {
    const fixture = setUp()
    fixture.held.past.set('g/echo/1.0', meta('g/echo/1.0', { revision: 4, commit: 'old', digest: 'past' }))
    fixture.held.past.set('g/gone/1.0', meta('g/gone/1.0', { revision: 2, digest: 'past' }))
    return fixture
  }
  const at5 = '/policy/g/echo/1.0/evaluation?revision=5'

  test('answers from what that revision held, also of what is not in force any more, and asks for the right to read', async () => {
    const { door, held } = past()
    const reply = await door(at5, { method: 'POST', body: '1' })
    expect([reply.status, reply.text]).toEqual([200, '{"input":1,"header":""}'])
    expect([reply.header('x-policy-revision'), reply.header('x-policy-commit')]).toEqual(['4', 'old'])
    expect((await door('/policy/main/g/gone/1.0/evaluation?revision=5')).status).toBe(200)
    expect(held.enforced).toEqual(['local read policy g/echo/1.0', 'local read policy g/gone/1.0'])
    const now = await door('/policy/g/echo/1.0/evaluation', { method: 'POST', body: '1' })
    expect(now.header('x-policy-revision')).toBe('7')
  })

  test('obeys the lock that stands now, and never falls back to another version', async () => {
    const { json, post, registry } = past()
    registry.swap(change({ locks: new Map([['g/echo/1.0', lockDocument('g/echo/1.0')]]), sequence: 2 }))
    expect(await post(at5)).toMatchObject({ status: 403, body: { code: 'policy_locked' } })
    expect(await json('/policy/g/none/1.0/evaluation?revision=5')).toMatchObject({
      status: 404,
      body: { code: 'policy_not_found' },
    })
    expect(await json('/policy/other/g/gone/1.0/evaluation?revision=5')).toMatchObject({ status: 404 })
  })

  test('of a revision that is not kept is 410, of one that never was 404, of nonsense 400', async () => {
    const { post } = past()
    expect(await post('/policy/g/echo/1.0/evaluation?revision=3')).toMatchObject({ status: 410 })
    expect(await post('/policy/g/echo/1.0/evaluation?revision=9')).toMatchObject({ status: 404 })
    for (const wrong of ['x', '0', '1.5', ''])
      expect(await post(`/policy/g/echo/1.0/evaluation?revision=${wrong}`)).toMatchObject({ status: 400 })
  })

  test('holds for batches, too', async () => {
    const { json } = past()
    const call = { method: 'POST', body: '{"inputs":[1,2]}' }
    const reply = await json('/policy/g/gone/1.0/evaluations?revision=5', call)
    expect(reply).toMatchObject({
      status: 200,
      body: { results: [{ result: { input: 1 } }, { result: { input: 2 } }] },
    })
    expect(reply.header('x-policy-revision')).toBe('2')
    expect(await json('/policy/g/gone/1.0/evaluations?revision=3', call)).toMatchObject({ status: 410 })
  })
})

/** The evaluation contract, through both doors: the application and a socket. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  change,
  createFixture,
  type Door,
  type Fixture,
  lockDocument,
  meta,
  throughApp,
  throughSocket,
  value,
} from './fixture.ts'
import type { PolicyStatus } from '../../src/policy/schema.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const digits = '12345678901234567890.123456789012345678901234567890'
let now = 1_000_000

const create = (stale: 'serve' | 'refuse' = 'serve') =>
  createFixture({
    decide: { stale },
    policies: {
      nothing: () => ({ kind: 'undefined', cost: 7 }),
      digits: () => value(`{"n":${digits}}`),
      bare: () => value('false'),
      conflict: () => ({
        kind: 'error',
        code: 'evaluation_error',
        message: 'complete rules must not produce multiple outputs',
        location: { file: 'policy.rego', row: 3, col: 1 },
        cost: 11,
      }),
      endless: () => ({
        kind: 'error',
        code: 'evaluation_budget_exceeded',
        message: 'the evaluation takes more work than it may',
        cost: 1_000,
      }),
      deep: () => ({ kind: 'invalid_input', code: 'input_too_deep', message: 'the input nests deeper than 500' }),
      broken: () => {
        throw new Error('a secret of ours')
      },
    },
    now: () => now,
  })

const names = ['echo', 'nothing', 'digits', 'bare', 'conflict', 'endless', 'deep', 'broken']
const finding = { code: 'rego_parse_error', severity: 'error', message: 'unexpected token', source: 'main' } as const

const fill = ({ registry }: Fixture): void => {
  const quarantined: PolicyStatus = { phase: 'Quarantined', findings: [finding], since: new Date(0) }
  registry.swap(
    change({
      policies: [
        ...names.map((wasm) => meta(`example/${wasm}/1.0`, { wasm })),
        meta('example/my-name/1.0', { wasm: 'echo' }),
        meta('example/never-good/1.0', { artifact: null, status: quarantined }),
      ],
      complete: true,
    }),
  )
}

describe.each(['application', 'socket'])('through the %s', (kind) => {
  let fixture: Fixture
  let call: Door
  const opened: Fixture[] = []
  const open = async (made: Fixture): Promise<{ fixture: Fixture; call: Door }> => {
    opened.push(made)
    const { port } = await made.server.listen({ host: '127.0.0.1', port: 0 })
    return { fixture: made, call: kind === 'application' ? throughApp(made) : throughSocket(port) }
  }

  beforeAll(async () => {
    ;({ fixture, call } = await open(create()))
    fill(fixture)
  })
  afterAll(() => Promise.all(opened.map(({ server }) => server.close({ graceMs: 0 }))))
  beforeEach(() => {
    fixture.registry.note({ staleSince: null })
    for (const key of names) fixture.registry.swap(change({ locks: new Map([[`example/${key}/1.0`, null]]) }))
  })

  const evaluate = (name: string, body?: string, headers: Record<string, string> = {}) =>
    call(`/policy/example/${name}/1.0/evaluation`, { method: 'POST', headers, ...(body === undefined ? {} : { body }) })

  test('the answer is the bare document, with the headers that say what decided', async () => {
    const reply = await evaluate('echo', '{"message":"hello"}', { 'x-test': 'yes' })
    expect(reply.status).toBe(200)
    expect(reply.text).toBe('{"input":{"message":"hello"},"header":"yes"}')
    expect(reply.header('content-type')).toBe('application/json')
    expect(reply.header('etag')).toMatch(uuid)
    expect(reply.header('x-evaluation-id')).toBe(reply.header('etag'))
    expect(reply.header('x-policy-digest')).toBe('digest-of-echo')
    expect(reply.header('x-policy-commit')).toBe('c0ffee')
    expect(reply.header('x-policy-revision')).toBe('7')
    expect(reply.header('x-evaluation-cost')).toBe('42')
    expect(reply.header('x-edict-stale')).toBeNull()
    expect(reply.header('x-content-type-options')).toBe('nosniff')
  })

  test('GET evaluates too, and a query string does no harm', async () => {
    const reply = await call('/policy/example/echo/1.0/evaluation?pretty=1')
    expect(reply).toMatchObject({ status: 200, text: '{"input":"undefined","header":""}' })
  })

  test('the source may be named first, and must be the right one', async () => {
    expect(await call('/policy/main/example/echo/1.0/evaluation')).toMatchObject({ status: 200 })
    expect(await call('/policy/other/example/echo/1.0/evaluation')).toMatchObject({ status: 404 })
  })

  test('percent-encoded names are decoded, hyphens are names', async () => {
    expect(await call('/policy/example/my%2Dname/1%2E0/evaluation')).toMatchObject({ status: 200 })
    expect(await call('/policy/example/my-name/1.0/evaluation')).toMatchObject({ status: 200 })
  })

  test('an empty body is an undefined input', async () => {
    expect((await evaluate('echo')).text).toContain('"input":"undefined"')
    expect((await evaluate('echo', '')).text).toContain('"input":"undefined"')
  })

  test.each(['false', '0', '""', 'null', '[]', '{}', digits])('the input %s counts as it is', async (input) => {
    expect((await evaluate('echo', input)).text).toContain(`"input":${input}`)
  })

  test.each(['application/x-www-form-urlencoded', 'text/plain', 'application/xml', 'image/png'])(
    'the content type %s makes no difference',
    async (type) => {
      const reply = await evaluate('echo', '{"a":1}', { 'content-type': type })
      expect(reply.text).toContain('"input":{"a":1}')
    },
  )

  test('numbers keep every digit', async () => {
    expect((await evaluate('digits')).text).toBe(`{"n":${digits}}`)
  })

  test('a document that is no object is answered bare; nothing defined is {}', async () => {
    expect(await evaluate('bare')).toMatchObject({ status: 200, text: 'false' })
    expect(await evaluate('nothing')).toMatchObject({ status: 200, text: '{}' })
  })

  test('the evaluation id of the caller is kept', async () => {
    const reply = await evaluate('echo', '1', { 'x-evaluation-id': 'my own id/1' })
    expect(reply.header('etag')).toBe('my own id/1')
    expect(reply.header('x-evaluation-id')).toBe('my own id/1')
  })

  test('an evaluation id that is too long or not printable is refused', async () => {
    expect((await evaluate('echo', '1', { 'x-evaluation-id': 'a'.repeat(256) })).status).toBe(200)
    const long = await evaluate('echo', '1', { 'x-evaluation-id': 'a'.repeat(257) })
    expect(long.status).toBe(400)
    expect(JSON.parse(long.text)).toMatchObject({ code: 'invalid_request', id: expect.stringMatching(uuid) })
    expect((await evaluate('echo', '1', { 'x-evaluation-id': 'caf\u00e9' })).status).toBe(400)
    expect((await evaluate('echo', '1', { 'x-evaluation-id': '' })).header('etag')).toMatch(uuid)
  })

  test('what is not JSON is 400 with its position', async () => {
    const reply = await evaluate('echo', 'oops')
    expect(reply.status).toBe(400)
    expect(JSON.parse(reply.text)).toMatchObject({ code: 'invalid_json', message: expect.stringContaining('byte 0') })
  })

  test('an input that is too deep is 400', async () => {
    const reply = await evaluate('deep', '[[]]')
    expect(reply.status).toBe(400)
    expect(JSON.parse(reply.text)).toMatchObject({ code: 'input_too_deep' })
  })

  test('a body that is too large is 413', async () => {
    expect((await evaluate('echo', `"${'a'.repeat(998)}"`)).status).toBe(200)
    const reply = await evaluate('echo', `"${'a'.repeat(999)}"`)
    expect(reply.status).toBe(413)
    expect(JSON.parse(reply.text)).toMatchObject({ code: 'body_too_large', id: expect.any(String) })
  })

  test('an unknown policy is 404', async () => {
    const reply = await evaluate('unknown', '1', { 'x-evaluation-id': 'my-id' })
    expect(reply.status).toBe(404)
    expect(JSON.parse(reply.text)).toEqual({
      code: 'policy_not_found',
      message: 'no policy example/unknown/1.0',
      id: 'my-id',
    })
    expect(reply.header('x-evaluation-id')).toBe('my-id')
  })

  test('a locked policy is 403 until it is unlocked or the lock ends', async () => {
    const lockUntil = (until: Date | null) =>
      fixture.registry.swap(change({ locks: new Map([['example/echo/1.0', lockDocument('example/echo/1.0', until)]]) }))
    lockUntil(null)
    const reply = await evaluate('echo')
    expect(reply.status).toBe(403)
    expect(JSON.parse(reply.text)).toMatchObject({ code: 'policy_locked' })
    expect((await call('/policy/main/example/echo/1.0/evaluation')).status).toBe(403)
    lockUntil(new Date(now + 10))
    expect((await evaluate('echo')).status).toBe(403)
    now += 10
    expect((await evaluate('echo')).status).toBe(200)
  })

  test('a policy that never had a good version is 503 and says why', async () => {
    const reply = await evaluate('never-good')
    expect(reply.status).toBe(503)
    expect(JSON.parse(reply.text)).toMatchObject({
      code: 'policy_quarantined',
      errors: [{ code: 'rego_parse_error', message: 'unexpected token' }],
    })
  })

  test('a rule conflict is 500 with its place', async () => {
    const reply = await evaluate('conflict')
    expect(reply.status).toBe(500)
    expect(JSON.parse(reply.text)).toMatchObject({
      code: 'evaluation_error',
      errors: [{ code: 'evaluation_error', location: { file: 'policy.rego', row: 3, col: 1 } }],
    })
    expect(reply.header('x-policy-digest')).toBe('digest-of-conflict')
  })

  test('an evaluation that exceeds its budget is 503, says its cost, and invites no other try', async () => {
    const reply = await evaluate('endless')
    expect(reply.status).toBe(503)
    expect(JSON.parse(reply.text)).toMatchObject({
      code: 'evaluation_budget_exceeded',
      message: 'the evaluation exceeded its budget',
      errors: [{ message: 'the evaluation takes more work than it may' }],
    })
    expect(reply.header('x-evaluation-cost')).toBe('1000')
    expect(reply.header('retry-after')).toBeNull()
  })

  test('a failure of ours leaks nothing', async () => {
    const reply = await evaluate('broken')
    expect(reply.status).toBe(500)
    expect(reply.text).not.toContain('secret')
    expect(JSON.parse(reply.text)).toMatchObject({ code: 'internal_error' })
  })

  test('a replica that lost the store says for how long, or refuses', async () => {
    fixture.registry.note({ staleSince: now - 5_500 })
    const served = await evaluate('echo')
    expect(served.status).toBe(200)
    expect(served.header('x-edict-stale')).toBe('5')
    const refusing = await open(create('refuse'))
    refusing.fixture.registry.note({ staleSince: now - 5_500 })
    const refused = await refusing.call('/policy/example/echo/1.0/evaluation')
    expect(refused.status).toBe(503)
    expect(JSON.parse(refused.text)).toMatchObject({ code: 'stale_refused' })
    expect(refused.header('retry-after')).toBe('1')
  })

  test.each([
    '/policy/example/echo/1.0/evaluation/',
    '/policy/example/echo/evaluation',
    '/policy/a/b/c/d/e/evaluation',
    '/policy//echo/1.0/evaluation',
    '/policy/evaluation',
  ])('%s is no evaluation', async (path) => {
    const reply = await call(path)
    expect(reply.status).toBe(404)
    expect(JSON.parse(reply.text)).toMatchObject({ code: expect.stringMatching(/not_found$/), id: expect.any(String) })
  })

  test('a method that is not for evaluations is 405 with Allow', async () => {
    const reply = await call('/policy/example/echo/1.0/evaluation', { method: 'DELETE' })
    expect(reply.status).toBe(405)
    expect(reply.header('allow')).toBe('GET, HEAD, POST')
    expect(JSON.parse(reply.text)).toMatchObject({ code: 'method_not_allowed' })
  })

  test('in open mode the Host must be a loopback name', async () => {
    for (const host of ['localhost', 'LOCALHOST:81', '127.0.0.1:8081', '127.8.9.1', '[::1]:8081']) {
      expect((await evaluate('echo', '1', { host })).status, host).toBe(200)
    }
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io', '127.0.0.256', '[::2]']) {
      const reply = await evaluate('echo', '1', { host })
      expect(reply.status, host).toBe(403)
      expect(JSON.parse(reply.text)).toMatchObject({ code: 'forbidden' })
    }
  })

  test('no policy is known before the store has answered: 503, not 404', async () => {
    const { call: door } = await open(createFixture())
    const reply = await door('/policy/example/echo/1.0/evaluation')
    expect(reply.status).toBe(503)
    expect(JSON.parse(reply.text)).toMatchObject({ code: 'store_unavailable' })
  })
})

test('a policy locked while it was being loaded is not evaluated', async () => {
  let load: (bytes: Uint8Array) => void = () => undefined
  const blob = new Promise<Uint8Array>((resolve) => (load = resolve))
  const fixture = createFixture({ loadBlob: () => blob })
  fixture.registry.swap(change({ policies: [meta('g/a/1')] }))
  const asked = throughApp(fixture)('/policy/g/a/1/evaluation')
  await new Promise((resolve) => setImmediate(resolve))
  fixture.registry.swap(change({ locks: new Map([['g/a/1', lockDocument('g/a/1')]]) }))
  load(Buffer.from('echo'))
  expect((await asked).status).toBe(403)
})

describe('an evaluation that waits for an answer from elsewhere', () => {
  const waiting = () => {
    let answer: () => void = () => undefined
    const answered = new Promise<void>((resolve) => (answer = resolve))
    const fixture = createFixture({
      policies: {
        waits: async (_input, _request, { mayStart } = {}) => {
          await answered
          mayStart?.()
          return value('{"waited":true}')
        },
      },
    })
    fixture.registry.swap(change({ policies: [meta('g/a/1', { wasm: 'waits' })] }))
    return { fixture, answer: () => answer(), asked: throughApp(fixture)('/policy/g/a/1/evaluation') }
  }

  test('is answered when it ends', async () => {
    const { answer, asked } = waiting()
    answer()
    expect(await asked).toMatchObject({ status: 200, text: '{"waited":true}' })
  })

  test('is not run again once the policy is locked or gone', async () => {
    const locked = waiting()
    await new Promise((resolve) => setImmediate(resolve))
    locked.fixture.registry.swap(change({ locks: new Map([['g/a/1', lockDocument('g/a/1')]]) }))
    locked.answer()
    expect((await locked.asked).status).toBe(403)
    const removed = waiting()
    await new Promise((resolve) => setImmediate(resolve))
    removed.fixture.registry.swap(change({ removed: ['g/a/1'] }))
    removed.answer()
    expect((await removed.asked).status).toBe(404)
  })
})

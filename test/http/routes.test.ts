/** Management, operation and documentation routes, through the application. */
import { describe, expect, test } from 'vitest'
import { change, createFixture, type FixtureOptions, lockDocument, meta, throughApp, throughSocket } from './fixture.ts'

const setUp = (options: FixtureOptions = {}) => {
  const fixture = createFixture(options)
  fixture.registry.swap(
    change({
      policies: [
        meta('g/echo/1.0'),
        meta('g/echo/1.9'),
        meta('g/echo/1.10'),
        meta('h/other/2', { repository: 'second', status: { phase: 'Quarantined', findings: [], since: new Date(0) } }),
      ],
      locks: new Map([['h/other/2', lockDocument('h/other/2')]]),
      complete: true,
      revision: 12,
    }),
  )
  const door = throughApp(fixture)
  const json = async (path: string, call: Parameters<typeof door>[1] = {}) => {
    const reply = await door(path, call)
    return { ...reply, body: JSON.parse(reply.text) }
  }
  return { ...fixture, door, json }
}

describe('lock', () => {
  const path = '/policy/g/echo/1.0/lock'

  test('a lock is 200 with who confirmed, in force at once, and cannot be set twice', async () => {
    const { json, held, registry } = setUp()
    held.confirmation = { confirmed: ['a', 'b'], silent: ['c'], pending: [] }
    const reply = await json(path, { method: 'POST', body: '{"reason":"incident 7"}' })
    expect(reply).toMatchObject({ status: 200, body: { confirmed: ['a', 'b'], silent: ['c'] } })
    expect(registry.lock('g/echo/1.0')).toMatchObject({ actor: 'local', reason: 'incident 7', until: null })
    expect((await json('/policy/g/echo/1.0/evaluation')).body).toMatchObject({ code: 'policy_locked' })
    const again = await json(path, { method: 'POST' })
    expect(again).toMatchObject({ status: 403, body: { code: 'already_locked' } })
  })

  test('unlocking is 200, and not possible twice', async () => {
    const { json } = setUp()
    await json('/policy/main/g/echo/1.0/lock', { method: 'POST' })
    expect(await json(path, { method: 'DELETE' })).toMatchObject({ status: 200 })
    expect(await json(path, { method: 'DELETE' })).toMatchObject({ status: 403, body: { code: 'not_locked' } })
  })

  test('a live replica that does not confirm makes it 202 and is named', async () => {
    const { json, held } = setUp()
    held.confirmation = { confirmed: ['a'], silent: [], pending: ['slow-1'] }
    const reply = await json(path, { method: 'POST', headers: { 'x-request-id': 'my-request' } })
    expect(reply).toMatchObject({
      status: 202,
      body: { code: 'lock_unconfirmed', pending: ['slow-1'], id: 'my-request' },
    })
    expect(reply.body.message).toContain('slow-1')
  })

  test('an unknown policy is 404', async () => {
    const { json } = setUp()
    const unknown = { status: 404, body: { code: 'policy_not_found' } }
    expect(await json('/policy/g/nothing/1.0/lock', { method: 'POST' })).toMatchObject(unknown)
    expect(await json('/policy/g/nothing/1.0/lock', { method: 'DELETE' })).toMatchObject(unknown)
    expect(await json('/policy/second/g/echo/1.0/lock', { method: 'POST' })).toMatchObject(unknown)
  })

  test('the lock of a policy that was removed can be lifted', async () => {
    const { json, registry } = setUp()
    await json(path, { method: 'POST' })
    registry.swap(change({ removed: ['g/echo/1.0'] }))
    expect(await json(path, { method: 'DELETE' })).toMatchObject({ status: 200 })
  })

  test.each([
    ['{"until":"tomorrow"}', 'until'],
    ['{"until":"2001-01-01T00:00:00Z"}', 'until'],
    ['{"reason":7}', 'reason'],
    ['{"who":"me"}', 'who'],
    ['[]', ''],
  ])('the body %s is 400 with what is wrong', async (body, what) => {
    const { json } = setUp()
    const reply = await json(path, { method: 'POST', body })
    expect(reply).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    expect(reply.body.errors[0].message).toContain(what)
  })

  test('a body that is not JSON is 400, whatever its content type', async () => {
    const { json } = setUp()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    expect(await json(path, { method: 'POST', body: '{"reason":', headers })).toMatchObject({ status: 400 })
    expect(await json(path, { method: 'POST', body: '{"reason":"x"}', headers })).toMatchObject({ status: 200 })
  })

  test('without the store it is 503', async () => {
    const { json, held } = setUp()
    held.storeDown = true
    const reply = await json(path, { method: 'POST' })
    expect(reply).toMatchObject({ status: 503, body: { code: 'store_unavailable' } })
    expect(reply.header('retry-after')).toBe('1')
  })
})

describe('policies', () => {
  test('GET P shows state, lock, versions and source', async () => {
    const { json } = setUp()
    const { status, body } = await json('/policy/g/echo/1.0')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      repository: 'main',
      group: 'g',
      name: 'echo',
      version: '1.0',
      versions: ['1.10', '1.9', '1.0'],
      commit: 'c0ffee',
      status: { phase: 'Ready', findings: [] },
      lock: null,
      rego: 'package example.echo\n',
      data: null,
    })
    expect((await json('/policy/second/h/other/2')).body.lock).toMatchObject({ actor: 'local', until: null })
    expect((await json('/policy/h/other/3')).status).toBe(404)
  })

  test('the catalogue is filtered', async () => {
    const { json } = setUp()
    const names = async (query: string) =>
      (await json(`/api/catalog${query}`)).body.policies.map(
        (p: { name: string; version: string }) => `${p.name}/${p.version}`,
      )
    expect(await names('')).toEqual(['echo/1.0', 'echo/1.9', 'echo/1.10', 'other/2'])
    expect(await names('?group=h')).toEqual(['other/2'])
    expect(await names('?name=echo&q=1.1')).toEqual(['echo/1.10'])
    expect(await names('?repository=second')).toEqual(['other/2'])
    expect(await names('?locked=true')).toEqual(['other/2'])
    expect(await names('?locked=false&limit=1')).toEqual(['echo/1.0'])
    expect(await names('?phase=Quarantined')).toEqual(['other/2'])
    expect(await names('?q=OTHER')).toEqual(['other/2'])
  })

  test('the catalogue is paged, and a page stays right when policies go meanwhile', async () => {
    const { json, registry } = setUp()
    const first = (await json('/api/catalog?limit=2')).body
    expect(first).toMatchObject({ total: 4, revision: 12 })
    registry.swap(change({ removed: ['g/echo/1.9'] }))
    const second = (await json(`/api/catalog?limit=2&cursor=${first.next}`)).body
    expect(second.policies.map((p: { version: string }) => p.version)).toEqual(['1.10', '2'])
    expect(second.next).toBeNull()
  })

  test.each(['limit=0', 'limit=x', 'locked=maybe', 'cursor=nonsense'])('?%s is 400', async (query) => {
    const { json } = setUp()
    expect(await json(`/api/catalog?${query}`)).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
  })
})

describe('sources', () => {
  test('they are listed and shown', async () => {
    const { json } = setUp()
    expect((await json('/api/sources')).body.sources).toHaveLength(1)
    expect((await json('/api/sources/main')).body).toMatchObject({
      name: 'main',
      phase: 'Ready',
      webhook: { configured: true, last: '1970-01-01T00:00:00.000Z' },
    })
    expect(await json('/api/sources/other')).toMatchObject({ status: 404, body: { code: 'source_not_found' } })
  })

  test('sync waits for the outcome, or does not', async () => {
    const { json, held } = setUp()
    const done = await json('/api/sources/main/sync', { method: 'POST' })
    expect(done).toMatchObject({ status: 200, body: { id: 'request-1', ok: true, revision: 8 } })
    expect(held.submitted).toEqual([{ reason: 'sync', source: 'main', commit: null, actor: 'local' }])
    expect(await json('/api/sources/main/sync?wait=0', { method: 'POST' })).toMatchObject({ status: 202 })
    held.outcome = null
    expect(await json('/api/sources/main/sync?wait=1', { method: 'POST' })).toMatchObject({ status: 202 })
    expect(await json('/api/sources/main/sync?wait=-1', { method: 'POST' })).toMatchObject({ status: 400 })
    expect(await json('/api/sources/other/sync', { method: 'POST' })).toMatchObject({ status: 404 })
  })

  test('only the commit that is held can be confirmed', async () => {
    const { json, held } = setUp()
    const confirm = (body: string) => json('/api/sources/main/confirm', { method: 'POST', body })
    expect(await confirm('{"commit":"abc"}')).toMatchObject({ status: 409, body: { code: 'conflict' } })
    if (held.source !== null) held.source = { ...held.source, held: { commit: 'abc', removes: [], of: 9 } }
    expect(await confirm('{"commit":"abd"}')).toMatchObject({ status: 409 })
    expect(await confirm('')).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    expect(await confirm('{"commit":"abc"}')).toMatchObject({ status: 200 })
    expect(held.submitted).toEqual([{ reason: 'confirm', source: 'main', commit: 'abc', actor: 'local' }])
  })

  test('a webhook is 202 with the request, or refused', async () => {
    const { json, held } = setUp()
    const deliver = (body = '{}') => json('/api/sources/main/webhook', { method: 'POST', body })
    expect(await deliver()).toMatchObject({ status: 202, body: { id: 'request-1' } })
    held.verdict = { ok: false, reason: 'signature' }
    expect(await deliver()).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    held.verdict = { ok: false, reason: 'unconfigured' }
    expect(await deliver()).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(await deliver('a'.repeat(1001))).toMatchObject({ status: 413, body: { code: 'body_too_large' } })
    expect(held.submitted).toHaveLength(1)
  })
})

describe('operation', () => {
  test('liveness says up; readiness says what is missing', async () => {
    const { json, held } = setUp()
    const up = { service: 'policy', status: 'up', version: '1.2.3' }
    expect((await json('/liveness')).body).toEqual(up)
    expect((await json('/readiness')).body).toEqual({ ...up, checks: { store: 'up', stream: 'up', firstSync: 'up' } })
    held.health = { store: true, stream: false, firstSync: true }
    expect(await json('/readiness')).toMatchObject({
      status: 503,
      body: { status: 'down', checks: { store: 'up', stream: 'down', firstSync: 'up' } },
    })
  })

  test('metrics count decisions by policy, bounded', async () => {
    const { door } = setUp()
    for (const version of ['1.0', '1.9', '1.10', '1.10', '0']) await door(`/policy/g/echo/${version}/evaluation`)
    await door('/policy/h/other/2/evaluation')
    const { text, header } = await door('/metrics')
    expect(header('content-type')).toContain('text/plain')
    expect(text).toContain('edict_decisions_total{policy="g/echo/1.10",outcome="value"} 2')
    expect(text).toContain('edict_evaluation_cost_total{policy="g/echo/1.10"} 84')
    expect(text).toContain('edict_decisions_total{policy="other",outcome="locked"} 1')
    expect(text).toContain('edict_decisions_total{policy="unknown",outcome="not_found"} 1')
    expect(text).toContain('edict_decision_duration_seconds_count 6')
    expect(text).toContain('edict_decision_duration_seconds_bucket{le="+Inf"} 6')
    expect(text).toContain('edict_policies_loaded 3')
    expect(text).toContain('edict_source_ready{source="main"} 1')
    expect(text).toContain('process_cpu_seconds_total')
  })
})

describe('what holds for all routes', () => {
  test('the request id of the caller is answered back, a bad one replaced', async () => {
    const { door } = setUp()
    expect((await door('/liveness', { headers: { 'x-request-id': 'abc-1' } })).header('x-request-id')).toBe('abc-1')
    const replaced = await door('/nothing', { headers: { 'x-request-id': 'a b' } })
    expect(replaced.header('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(JSON.parse(replaced.text).id).toBe(replaced.header('x-request-id'))
  })

  test('no route is 404, another method 405 with Allow', async () => {
    const { json } = setUp()
    expect(await json('/nothing')).toMatchObject({ status: 404, body: { code: 'not_found' } })
    const wrong = await json('/policy/g/echo/1.0/lock', { method: 'PUT' })
    expect(wrong).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } })
    expect(wrong.header('allow')).toBe('DELETE, POST')
    expect((await json('/api/catalog', { method: 'POST' })).header('allow')).toBe('GET, HEAD')
  })

  test('a word that ends a URL is no version: GET …/lock is 405', async () => {
    const { json } = setUp()
    const reply = await json('/policy/g/echo/1.0/lock')
    expect(reply.status).toBe(405)
    expect(reply.header('allow')).toBe('DELETE, POST')
  })

  test('the Host must be loopback in open mode, but for the probes; not when it was opened explicitly', async () => {
    const { door } = setUp()
    const headers = { host: 'evil.example' }
    expect((await door('/api/catalog', { headers })).status).toBe(403)
    expect((await door('/swagger-ui/', { headers })).status).toBe(403)
    expect((await door('/readiness', { headers })).status).toBe(200)
    expect((await setUp({ loopbackOnly: false }).door('/api/catalog', { headers })).status).toBe(200)
  })

  test.each([
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'sec-fetch-site': 'same-origin', origin: 'http://localhost:8081' }, 200],
    [{ origin: 'http://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'http://localhost:8081', host: 'localhost:8081' }, 200],
    [{ origin: 'http://localhost:3000', host: 'localhost:8081' }, 403],
    [{}, 200],
  ])('a mutation with %j is %d', async (headers, status) => {
    const { door } = setUp({ loopbackOnly: false })
    expect((await door('/policy/g/echo/1.0/lock', { method: 'POST', headers })).status).toBe(status)
  })

  test('answers carry security headers', async () => {
    const { door } = setUp()
    const reply = await door('/api/catalog')
    expect(reply.header('x-content-type-options')).toBe('nosniff')
    expect(reply.header('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
    expect(reply.header('cache-control')).toBe('no-store')
  })

  test('every route is in the OpenAPI document, and every one that changes something asks enforce', async () => {
    const { app, json, door, held } = setUp()
    const { body } = await json('/openapi.json')
    expect(body.openapi).toBe('3.1.0')
    const undocumented = new Set([
      '/openapi.json',
      '/swagger-ui',
      '/swagger-ui/',
      '/swagger-ui/initializer.js',
      '/swagger-ui/:file',
      '/console',
      '/console/*',
    ])
    // Decisions: whoever can reach the server may ask for them.
    const free = /\/evaluations?$|^\/$|^\/v[01]\/(?:batch\/)?data/
    if (held.source !== null) held.source = { ...held.source, held: { commit: 'abc', removes: [], of: 9 } }
    const routes = new Map(
      app.routes.filter(({ method }) => method !== 'ALL').map((route) => [`${route.method} ${route.path}`, route]),
    )
    expect(routes.size).toBeGreaterThan(20)
    for (const { method, path } of routes.values()) {
      if (undocumented.has(path)) continue
      const operation = body.paths[path.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{path}')]?.[method.toLowerCase()]
      expect(operation, `${method} ${path}`).toMatchObject({ operationId: expect.any(String), responses: {} })
      if (method === 'GET' || free.test(path)) continue
      held.enforced.length = 0
      const values: Record<string, string> = {
        repository: 'main',
        group: 'g',
        policy: 'echo',
        version: '1.0',
        name: 'main',
        id: 'plan-1',
        revision: '5',
      }
      const target = path.replaceAll(/:(\w+)/g, (_, name: string) => values[name] ?? 'any')
      await door(target, { method, body: path.endsWith('/confirm') ? '{"commit":"abc"}' : '{}' })
      expect(held.enforced, `${method} ${path}`).not.toHaveLength(0)
    }
  })
})

describe('documentation', () => {
  test('Swagger UI is served from local files, with and without the last slash', async () => {
    const { door } = setUp()
    for (const path of ['/swagger-ui', '/swagger-ui/']) {
      const page = await door(path)
      expect(page.status).toBe(200)
      expect(page.text).not.toContain('//')
      expect(page.header('content-security-policy')).toContain("script-src 'self'")
      for (const [, address = ''] of page.text.matchAll(/(?:src|href)="([^"]+)"/g)) {
        const { pathname } = new URL(address, `http://localhost${path}`)
        expect((await door(pathname)).status, pathname).toBe(200)
      }
    }
    expect((await door('/swagger-ui/swagger-ui.css')).header('content-type')).toContain('text/css')
    expect((await door('/swagger-ui/initializer.js')).text).toContain('../openapi.json')
  })

  test('no other file can be had', async () => {
    const fixture = setUp()
    const { port } = await fixture.server.listen({ host: '127.0.0.1', port: 0 })
    const doors = [fixture.door, throughSocket(port)]
    for (const door of doors) {
      for (const path of [
        'package.json',
        '..%2fpackage.json',
        '%2e%2e/package.json',
        '../package.json',
        '__proto__',
        'constructor',
      ]) {
        expect((await door(`/swagger-ui/${path}`)).status, path).toBe(404)
      }
    }
    await fixture.server.close({ graceMs: 0 })
  })
})

describe('ownership', () => {
  const owner = (source: string) => [{ source, commit: 'c1', file: 'f.rego', generated: false }]
  const owning = () => {
    const fixture = setUp()
    fixture.held.ownership = new Map([
      ['data:roles', owner('platform')],
      ['module:rbac/core', owner('platform')],
      ['module:rbac/custom', owner('api')],
      ['policy:g/echo/1.0', owner('team')],
    ])
    return fixture
  }

  test('is told for one key, data below a document included, and is 404 for what nobody owns', async () => {
    const { json } = owning()
    expect(await json('/api/ownership?key=module:rbac/core')).toMatchObject({
      status: 200,
      body: { owned: [{ key: 'module:rbac/core', owners: owner('platform') }], total: 1, next: null },
    })
    expect((await json('/api/ownership?key=data:roles/admin')).body).toMatchObject({
      owned: [{ owners: owner('platform') }],
    })
    expect(await json('/api/ownership?key=module:none')).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })

  test('is listed page by page, by source and kind', async () => {
    const { json } = owning()
    const keys = async (query: string) => {
      const { body } = await json(`/api/ownership?${query}`)
      return { keys: body.owned.map(({ key }: { key: string }) => key), next: body.next, total: body.total }
    }
    const first = await keys('limit=3')
    expect(first).toMatchObject({ keys: ['data:roles', 'module:rbac/core', 'module:rbac/custom'], total: 4 })
    expect(await keys(`limit=3&cursor=${first.next}`)).toEqual({ keys: ['policy:g/echo/1.0'], next: null, total: 4 })
    expect((await keys('kind=module')).keys).toEqual(['module:rbac/core', 'module:rbac/custom'])
    expect((await keys('source=api')).keys).toEqual(['module:rbac/custom'])
  })

  test('is 503 while the store is away', async () => {
    const { json, held } = owning()
    held.storeDown = true
    expect(await json('/api/ownership')).toMatchObject({ status: 503 })
  })
})

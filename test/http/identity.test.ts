/** Every route, where a credential is required: who gets in without one, and whom it takes a caller for. */
import { describe, expect, it } from 'vitest'
import { createAuthz } from '../../src/auth/authz.ts'
import { defaultRules } from '../../src/auth/default-rules.ts'
import { createGate } from '../../src/auth/gate.ts'
import { createKnownTokens } from '../../src/auth/mode.ts'
import { createRateLimit } from '../../src/auth/rate-limit.ts'
import { createResolveActor } from '../../src/auth/resolve.ts'
import { mintToken } from '../../src/auth/token.ts'
import type { TokenDocument } from '../../src/policy/schema.ts'
import { change, createFixture, type FixtureOptions, meta, throughApp, throughSocket } from './fixture.ts'

const shipped = createAuthz({ rules: defaultRules, protectedKeys: [] })
const authz = () => shipped

const unlimited = createRateLimit({ perMinute: 0, of: '' })

const make = (actor: string, roles: readonly string[]) => {
  const { id, hash, token } = mintToken()
  const dates = { created: new Date(0), createdBy: 'cli', expires: null, revoked: null }
  const document: TokenDocument = { _id: id, hash, actor, roles: [...roles], groups: [], ...dates }
  return { document, headers: { authorization: `Bearer ${token}` } }
}

const setUp = (options: FixtureOptions = {}, failures = unlimited) => {
  const root = make('ada', ['superuser'])
  const viewer = make('vera', ['viewer'])
  const known = createKnownTokens({ required: true })
  known.replace({ tokens: [root.document, viewer.document], settings: [] })
  const resolveActor = createResolveActor({
    ...{ known, bootstrap: null, verifyJwt: null, failures },
    onUse: () => undefined,
  })
  const identity = { mode: known.mode, resolveActor, failures, ...options.identity }
  const fixture = createFixture({
    ...options,
    loopbackOnly: false,
    enforce: createGate({ authz, mode: known.mode }),
    identity,
  })
  fixture.registry.swap(change({ policies: [meta('g/echo/1.0'), meta('open/echo/1.0')], complete: true }))
  // Streams of events end at once.
  fixture.held.stop.abort()
  return { ...fixture, door: throughApp(fixture), root, viewer }
}

interface Route {
  readonly method: string
  readonly path: string
}

const values: Readonly<Record<string, string>> = {
  ...{ repository: 'main', group: 'g', policy: 'echo', version: '1.0', name: 'main', path: 'rbac/core' },
  ...{ revision: '5', n: '5', file: 'swagger-ui.css' },
}

/** Of each registered route one address. */
const routesOf = ({ app }: ReturnType<typeof setUp>): readonly Route[] => {
  const all = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => ({
      method,
      path: path.replace(/:(\w+)(?:\{[^}]*\})?\??/g, (_, name: string) => values[name] ?? 'x').replace(/\*$/, 'x'),
    }))
  return [...new Map(all.map((route) => [`${route.method} ${route.path}`, route])).values()]
}

/** All that may be asked for without a credential, by its first words; everything else is refused. */
const open: readonly RegExp[] = [
  /^GET \/(?:liveness|readiness|health|metrics|openapi\.json)$/,
  /^GET \/(?:swagger-ui|console)\b/,
  /^(?:GET|POST) \/policy\/.*\/evaluations?$/,
  /^(?:GET|POST) \/v[01]\/(?:batch\/)?data\b/,
  /^POST \/$/,
  // What is in force and where it comes from, without any text.
  /^GET \/api\/(?:catalog|sources|ownership|revisions|stats|events)\b/,
  // How to get a credential.
  /^GET \/api\/sign-in$/,
  // Signed by the forge.
  /^POST \/api\/sources\/[^/]+\/webhook$/,
]

describe('without a credential, where one is required', () => {
  const fixture = setUp()

  it.each(routesOf(fixture))('$method $path is open, or says 401', async ({ method, path }) => {
    const reply = await fixture.door(path, { method, ...(method === 'GET' ? {} : { body: '{}' }) })
    if (open.some((pattern) => pattern.test(`${method} ${path}`))) return expect([401, 403]).not.toContain(reply.status)
    expect([reply.status, reply.header('www-authenticate')]).toEqual([401, 'Bearer realm="edict"'])
  })

  it.each(routesOf(fixture).filter(({ method }) => method !== 'GET'))(
    '$method $path changes nothing',
    async ({ method, path }) => {
      const { door, held } = setUp()
      const isOpen = open.some((pattern) => pattern.test(`${method} ${path}`))
      await door(path, { method, body: '{}' })
      if (!isOpen) expect(held.submitted).toEqual([])
    },
  )
})

describe('with the token of one and the name of another', () => {
  const claims = {
    ...{ 'x-actor-id': 'mallory', 'x-forwarded-user': 'mallory', 'x-remote-user': 'mallory', 'x-user': 'mallory' },
    ...{ from: 'mallory', 'x-auth-request-user': 'mallory', cookie: 'actor=mallory' },
  }
  const body = '{"actor":"mallory","user":"mallory","as":"mallory","requested_by":"mallory"}'

  it.each(routesOf(setUp()))('$method $path acts as the owner of the token', async ({ method, path }) => {
    const { door, held, root } = setUp()
    const query = '?actor=mallory&as=mallory&user=mallory'
    const init = { method, headers: { ...root.headers, ...claims }, ...(method === 'GET' ? {} : { body }) }
    const reply = await door(`${path}${query}`, init)
    expect(reply.status).not.toBe(401)
    const actors = held.enforced.map((line) => line.split(' ')[0])
    expect(actors.filter((actor) => actor !== 'ada' && !actor?.startsWith('webhook:'))).toEqual([])
    const submitted = held.submitted.map((request) => JSON.stringify(request))
    for (const request of submitted) expect(request).not.toMatch(/"actor":"mallory"/)
  })

  it.each(routesOf(setUp()))('$method $path takes such a name for no credential', async ({ method, path }) => {
    const { door, held } = setUp()
    await door(`${path}?actor=mallory&access_token=mallory`, {
      method,
      headers: claims,
      ...(method === 'GET' ? {} : { body }),
    })
    expect(held.enforced.filter((line) => line.startsWith('mallory'))).toEqual([])
  })
})

describe('a credential that is not good', () => {
  it('is not looked at where one asks how to get another', async () => {
    const { door } = setUp()
    expect((await door('/api/sign-in', { headers: { authorization: 'Bearer nonsense' } })).status).toBe(200)
  })

  it('is refused, not ignored, and answered with what is wrong', async () => {
    const { door } = setUp()
    const reply = await door('/api/catalog', { headers: { authorization: 'Bearer nonsense' } })
    expect([reply.status, reply.header('www-authenticate')]).toEqual([
      401,
      'Bearer realm="edict", error="invalid_token"',
    ])
    expect(reply.text).not.toContain('nonsense')
  })

  it('is the policy’s to judge where a policy is evaluated', async () => {
    const { door } = setUp()
    const reply = await door('/policy/g/echo/1.0/evaluation', { headers: { authorization: 'Bearer nonsense' } })
    expect(reply.status).toBe(200)
  })

  it('too often is 429 with when to try again, webhooks among them', async () => {
    const { door, held } = setUp({}, createRateLimit({ perMinute: 3, of: 'credentials that are not good' }))
    held.verdict = { ok: false, reason: 'signature' }
    const bad = { headers: { authorization: 'Bearer nonsense' } }
    expect((await door('/api/whoami', bad)).status).toBe(401)
    expect((await door('/api/whoami', bad)).status).toBe(401)
    expect((await door('/api/sources/main/webhook', { method: 'POST', body: '{}' })).status).toBe(401)
    const reply = await door('/api/whoami', bad)
    expect([reply.status, reply.header('retry-after')]).toEqual([429, '20'])
    expect((await door('/api/sources/main/webhook', { method: 'POST', body: '{}' })).status).toBe(429)
  })
})

describe('changes', () => {
  it('are limited for each actor, and for each address', async () => {
    const mutations = createRateLimit({ perMinute: 3, of: 'changes' })
    const { door, root, viewer } = setUp({ identity: { mutations } })
    const sync = (headers: Record<string, string>) => door('/api/sources/main/sync', { method: 'POST', headers })
    const statuses = [await sync(root.headers), await sync(viewer.headers), await sync({}), await sync(root.headers)]
    expect(statuses.map(({ status }) => status)).toEqual([200, 403, 401, 429])
    expect((await door('/api/whoami', { headers: root.headers })).status).toBe(200)
    expect((await door('/policy/g/echo/1.0/evaluation', { method: 'POST' })).status).toBe(200)
  })
})

describe('a group that is evaluated with a credential only', () => {
  const doors = [
    ['GET', '/policy/g/echo/1.0/evaluation'],
    ['POST', '/policy/g/echo/1.0/evaluation'],
    ['POST', '/policy/main/g/echo/1.0/evaluation'],
    ['POST', '/policy/%67/echo/1.0/evaluation'],
    ['POST', '/policy/g/echo/1.0/evaluation?revision=5'],
    ['POST', '/policy/g/echo/1.0/evaluations'],
    ['GET', '/v1/data/g/echo'],
    ['POST', '/v1/data/g/echo'],
    ['POST', '/v1/data/%67/echo'],
    ['POST', '/v1/data'],
    ['POST', '/v0/data/g/echo'],
    ['POST', '/v1/batch/data/g/echo'],
  ] as const
  const body = (path: string) => (path.includes('batch') ? '{"inputs":{}}' : path.endsWith('s') ? '[]' : '{}')

  it.each(doors)('%s %s says 401 without, and answers with one', async (method, path) => {
    const fixture = setUp({ evaluate: ['g'] })
    const { port } = await fixture.server.listen({ host: '127.0.0.1', port: 0 })
    const door = throughSocket(port)
    const ask = (headers: Record<string, string>) =>
      door(path, { method, headers, ...(method === 'GET' ? {} : { body: body(path) }) })
    expect((await ask({})).status).toBe(401)
    expect((await ask({ authorization: 'Bearer nonsense' })).status).toBe(401)
    expect([401, 403]).not.toContain((await ask(fixture.viewer.headers)).status)
    await fixture.server.close({ graceMs: 100 })
  })

  it('leaves the others open', async () => {
    const { door } = setUp({ evaluate: ['g'] })
    expect((await door('/policy/open/echo/1.0/evaluation', { method: 'POST' })).status).toBe(200)
    expect((await door('/v1/data/open/echo', { method: 'POST' })).status).toBe(200)
  })
})

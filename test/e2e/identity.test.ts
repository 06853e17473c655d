/** Tokens on whole servers: who gets in, on every one of them, and from when on not any more. */
import { beforeAll, describe, expect, it } from 'vitest'
import { audience, startProvider } from '../setup/oidc.ts'
import { allReady, answering, createPolicies, type Env, startReplica, startWorker } from './deployment.ts'
import { call, type Edict, evaluate, eventually, newDatabase, runEdict, startEdict } from './edict.ts'

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const whoami = (edict: Edict, headers: Record<string, string> = {}) => call(`${edict.url}/api/whoami`, { headers })
const lock = (edict: Edict, headers: Record<string, string> = {}, method = 'POST') =>
  call(`${edict.url}/policy/example/one/1.0/lock`, { method, headers })
const create = async (env: Env, args: readonly string[]) => {
  const { code, stdout, stderr } = await runEdict(['token', 'create', ...args], env)
  return { code, token: stdout.trim(), stderr }
}

describe('two servers on one store', () => {
  let env: Env
  let servers: readonly Edict[]
  let admin = ''
  const outputs: (() => string)[] = []

  beforeAll(async () => {
    env = newDatabase()
    const policies = await createPolicies(answering('example/one/1.0', 1))
    const worker = await startWorker({ ...env, ...policies.env })
    servers = await Promise.all([startReplica(env), startReplica({ ...env, EDICT_WORKERS: '2' })])
    await allReady(servers)
    for (const edict of [worker, ...servers]) outputs.push(edict.log, edict.output)
  })

  const all = <T>(ask: (edict: Edict) => Promise<T>): Promise<readonly T[]> =>
    Promise.all([...servers, ...servers, ...servers].map(ask))
  const statuses = async (ask: (edict: Edict) => Promise<{ status: number }>) =>
    new Set((await all(ask)).map(({ status }) => status))

  it('ask for no credential as long as there is none', async () => {
    expect((await whoami(servers[0]!)).json).toMatchObject({ id: 'local', mode: 'open' })
    expect(await lock(servers[0]!)).toMatchObject({ status: 200 })
    expect(await lock(servers[1]!, bearer('nonsense'), 'DELETE')).toMatchObject({ status: 200 })
  })

  it('do not take a first token that could make no other', async () => {
    const made = await create(env, ['--actor', 'alice', '--roles', 'author'])
    expect(made).toMatchObject({ code: 1, token: '', stderr: expect.stringContaining('superuser') })
    expect((await whoami(servers[0]!)).json).toMatchObject({ mode: 'open' })
  })

  it('ask for one from the first token on, all of them at once', async () => {
    const made = await create(env, ['--actor', 'root-admin', '--roles', 'superuser'])
    expect(made).toMatchObject({ code: 0, token: expect.stringMatching(/^edict_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}$/) })
    admin = made.token
    expect(await statuses((edict) => whoami(edict))).toEqual(new Set([401]))
    expect(await statuses((edict) => lock(edict))).toEqual(new Set([401]))
    const refused = await lock(servers[0]!)
    expect(refused.json).toMatchObject({ code: 'unauthenticated' })
    expect(refused.headers.get('www-authenticate')).toBe('Bearer realm="edict"')
    expect((await lock(servers[0]!, bearer('nonsense'))).headers.get('www-authenticate')).toContain('invalid_token')
    for (const { json } of await all((edict) => whoami(edict, bearer(admin))))
      expect(json).toEqual({
        id: 'root-admin',
        kind: 'token',
        roles: ['superuser'],
        groups: [],
        mode: 'required',
        may: expect.arrayContaining(['admin', 'change', 'lock', 'token']),
      })
  })

  it('go on evaluating for everybody', async () => {
    expect(await statuses((edict) => evaluate(edict, 'example/one/1.0'))).toEqual(new Set([200]))
    const answered = await evaluate(servers[0]!, 'example/one/1.0', {}, { headers: bearer('for the policy') })
    expect(answered.status).toBe(200)
  })

  it('show source text and the audit log to those only who say who they are', async () => {
    for (const path of ['/policy/example/one/1.0', '/api/audit', '/api/plans']) {
      expect((await call(`${servers[0]!.url}${path}`)).status, path).toBe(401)
      expect((await call(`${servers[0]!.url}${path}`, { headers: bearer(admin) })).status, path).toBe(200)
    }
  })

  it('obey a revocation when its answer is there, and say so in their log without the token', async () => {
    const body = JSON.stringify({ actor: 'bob', roles: ['superuser'], groups: ['payments'], expires: '1h' })
    const made = await call(`${servers[0]!.url}/api/tokens`, { method: 'POST', headers: bearer(admin), body })
    expect(made.status).toBe(201)
    const { id, token } = made.json as { id: string; token: string }
    expect(await statuses((edict) => whoami(edict, bearer(token)))).toEqual(new Set([200]))
    const used = await eventually(
      () => call(`${servers[1]!.url}/api/tokens`, { headers: bearer(admin) }),
      ({ text }) => !text.includes('"lastUsed":null'),
    )
    expect(used.json).toMatchObject({
      tokens: [{ id, actor: 'bob', createdBy: 'root-admin' }, { actor: 'root-admin' }],
    })
    expect(used.text).not.toContain(token.split('_')[2])
    const url = `${servers[0]!.url}/api/tokens/${id}`
    const revoked = await call(url, { method: 'DELETE', headers: bearer(admin) })
    expect(revoked.json).toMatchObject({ id, state: 'revoked', pending: [] })
    expect(await statuses((edict) => whoami(edict, bearer(token)))).toEqual(new Set([401]))
    expect((await call(url, { method: 'DELETE', headers: bearer(admin) })).status).toBe(404)
    for (const output of outputs) {
      expect(output()).not.toContain(token.split('_')[2])
      expect(output()).not.toContain(admin.split('_')[2])
    }
  })

  it('are told of tokens by the command line, which asks who acts, too', async () => {
    const args = ['--actor', 'ci-payments', '--roles', 'author', '--groups', 'payments', '--expires', '90d']
    expect(await create(env, args)).toMatchObject({ code: 1, token: '', stderr: expect.stringContaining('--as') })
    const asRoot = await runEdict(['--as', 'root-admin', 'token', 'create', ...args], env)
    expect(asRoot.code).toBe(0)
    const token = asRoot.stdout.trim()
    expect(await statuses((edict) => whoami(edict, bearer(token)))).toEqual(new Set([200]))
    const asCi = await runEdict(['token', 'create', ...args], { ...env, EDICT_CLI_ACTOR: 'ci-payments' })
    expect(asCi).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('ci-payments may not') })
    const listed = await runEdict(['--as', 'root-admin', 'token', 'list', '--json'], env)
    const found = (JSON.parse(listed.stdout) as { id: string; actor: string }[]).find(
      ({ actor }) => actor === 'ci-payments',
    )
    expect(found).toMatchObject({ roles: ['author'], groups: ['payments'], state: 'active', createdBy: 'root-admin' })
    const revoked = await runEdict(['--as', 'root-admin', 'token', 'revoke', found?.id ?? '', '--json'], env)
    expect(revoked.code).toBe(0)
    expect(JSON.parse(revoked.stdout)).toMatchObject({ id: found?.id, state: 'revoked', pending: [] })
    expect(await statuses((edict) => whoami(edict, bearer(token)))).toEqual(new Set([401]))
  })

  it('make, list and revoke tokens for the command line', async () => {
    const run = (args: readonly string[], more: Env = { EDICT_TOKEN: admin }) =>
      runEdict(['--server', servers[0]?.url ?? '', 'token', ...args], { LOG_LEVEL: 'silent', ...more })
    const wanted = ['create', '--actor', 'ci-shop', '--roles', 'viewer', '--expires', '1h']
    expect(await run(wanted, {})).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('credential') })
    const made = await run(wanted)
    expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('for ci-shop, until ') })
    const token = made.stdout.trim()
    expect(await statuses((edict) => whoami(edict, bearer(token)))).toEqual(new Set([200]))
    const listed = JSON.parse((await run(['list', '--json'])).stdout) as { id: string; actor: string }[]
    const id = listed.find(({ actor }) => actor === 'ci-shop')?.id ?? ''
    expect((await run(['list'])).stdout).toContain(`${id}  active   ci-shop  roles=viewer`)
    expect(await run(['revoke', id])).toMatchObject({ code: 0, stderr: `token ${id} of ci-shop is revoked\n` })
    expect(await statuses((edict) => whoami(edict, bearer(token)))).toEqual(new Set([401]))
  })

  it('are asked by the command line with a token of the environment', async () => {
    const list = (more: Env) => runEdict(['rules', '--url', servers[0]?.url ?? '', 'list'], { ...env, ...more })
    expect(await list({})).toMatchObject({ code: 1, stderr: expect.stringContaining('credential') })
    expect(await list({ EDICT_TOKEN: admin })).toMatchObject({ code: 0, stderr: '' })
  })

  it('forbid an actor what its roles do not allow, and let it read', async () => {
    const made = await runEdict(['--as', 'root-admin', 'token', 'create', '--actor', 'vera', '--roles', 'viewer'], env)
    const vera = bearer(made.stdout.trim())
    expect(await lock(servers[0]!, vera)).toMatchObject({ status: 403, json: { code: 'forbidden' } })
    expect((await call(`${servers[0]!.url}/policy/example/one/1.0`, { headers: vera })).status).toBe(200)
    expect((await call(`${servers[0]!.url}/api/tokens`, { headers: vera })).status).toBe(403)
  })

  it('take a request for its token’s actor, whatever else it claims to be', async () => {
    const claims = { 'x-actor-id': 'root-admin', 'x-forwarded-user': 'root-admin', 'x-remote-user': 'root-admin' }
    const made = await runEdict(
      ['--as', 'root-admin', 'token', 'create', '--actor', 'carl', '--roles', 'superuser'],
      env,
    )
    const headers = { ...bearer(made.stdout.trim()), ...claims }
    expect((await whoami(servers[0]!, headers)).json).toMatchObject({ id: 'carl' })
    const url = `${servers[0]!.url}/policy/example/one/1.0/lock?actor=root-admin&as=root-admin`
    expect((await call(url, { method: 'POST', headers })).status).toBe(200)
    const audit = await call(`${servers[0]!.url}/api/audit?action=policy.lock&limit=1`, { headers: bearer(admin) })
    expect(audit.json).toMatchObject({ entries: [{ actor: 'carl' }] })
    expect((await lock(servers[0]!, claims, 'DELETE')).status).toBe(401)
    expect((await lock(servers[0]!, headers, 'DELETE')).status).toBe(200)
  })
})

describe('a bootstrap secret', () => {
  it('makes the first token over HTTP, once, on a server that asks for credentials from its start', async () => {
    const secret = 'bootstrap-secret-4e1f7c2a9d'
    const env = { ...newDatabase(), EDICT_BOOTSTRAP_SECRET: secret }
    const policies = await createPolicies(answering('example/one/1.0', 1))
    const edict = await startEdict({ ...env, ...policies.env, EDICT_HOST: '0.0.0.0' })
    const url = edict.url.replace('0.0.0.0', '127.0.0.1')
    const make = (token: string, actor: string) =>
      call(`${url}/api/tokens`, {
        method: 'POST',
        headers: bearer(token),
        body: JSON.stringify({ actor, roles: ['superuser'] }),
      })
    const lockUrl = `${url}/policy/example/one/1.0/lock`
    expect((await call(lockUrl, { method: 'POST' })).status).toBe(401)
    expect((await call(lockUrl, { method: 'POST', headers: bearer(secret) })).status).toBe(403)
    expect((await make('wrong-wrong-wrong-wrong-wrong', 'eve')).status).toBe(401)
    const both = await Promise.all([make(secret, 'first'), make(secret, 'second')])
    expect(both.map(({ status }) => status).filter((status) => status === 201)).toHaveLength(1)
    expect((await make(secret, 'third')).status).toBe(401)
    const { token } = (both.find(({ status }) => status === 201)?.json ?? {}) as { token: string }
    expect((await call(lockUrl, { method: 'POST', headers: bearer(token) })).status).toBe(200)
    expect(edict.log() + edict.output()).not.toContain(secret)
    expect(edict.log() + edict.output()).not.toContain(token.split('_')[2])
  })
})

describe('an identity provider', () => {
  it('says who acts, from the start of the server on; when it is down its keys are good for a while', async () => {
    const provider = await startProvider()
    const policies = await createPolicies(answering('example/one/1.0', 1))
    const oidc = { EDICT_OIDC_ISSUER: provider.issuer, EDICT_OIDC_AUDIENCE: audience }
    const env = { ...newDatabase(), ...policies.env, ...oidc, EDICT_OIDC_PREFIX: 'login-' }
    const edict = await startEdict({ ...env, LOG_LEVEL: 'trace' })
    const token = await provider.token()
    expect((await lock(edict)).status).toBe(401)
    const who = {
      id: 'login-ci-payments',
      kind: 'oidc',
      roles: ['author'],
      groups: ['payments'],
      mode: 'required',
      may: ['evaluate', 'read', 'export', 'change', 'lock', 'unlock'],
    }
    expect((await whoami(edict, bearer(token))).json).toEqual(who)
    expect((await whoami(edict, bearer(await provider.token('https://other.example.org')))).status).toBe(401)
    expect((await lock(edict, bearer(token))).status).toBe(403)
    await provider.stop()
    expect((await whoami(edict, bearer(token))).json).toEqual(who)
    expect(edict.log() + edict.output()).not.toContain(token.split('.')[2])
  })

  it('that is down at the start keeps its actors out, and no others', async () => {
    const provider = await startProvider()
    const token = await provider.token()
    await provider.stop()
    const policies = await createPolicies(answering('example/one/1.0', 1))
    const oidc = { EDICT_OIDC_ISSUER: provider.issuer, EDICT_OIDC_AUDIENCE: audience }
    const env = { ...newDatabase(), ...policies.env, ...oidc }
    const edict = await startEdict(env)
    expect(await whoami(edict, bearer(token))).toMatchObject({ status: 503, json: { code: 'identity_unavailable' } })
    const made = await create(env, ['--actor', 'root-admin', '--roles', 'superuser'])
    expect((await lock(edict, bearer(made.token))).status).toBe(200)
    expect((await evaluate(edict, 'example/one/1.0')).status).toBe(403)
  })
})

describe('a server on an address that others can reach', () => {
  it('starts once a token was made, and asks for it', async () => {
    const policies = await createPolicies(answering('example/one/1.0', 1))
    const env = { ...newDatabase(), ...policies.env, EDICT_HOST: '0.0.0.0', PORT: '0' }
    const refused = await runEdict(['serve'], env)
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('edict token create') })
    expect((await create(env, ['--actor', 'root-admin', '--roles', 'superuser'])).code).toBe(0)
    const edict = await startEdict({ ...env, EDICT_AUTH: 'open' })
    const url = edict.url.replace('0.0.0.0', '127.0.0.1')
    const path = '/policy/example/one/1.0'
    expect((await call(`${url}${path}/lock`, { method: 'POST' })).status).toBe(401)
    expect((await call(`${url}${path}/evaluation`, { method: 'POST' })).status).toBe(200)
    expect(edict.log()).not.toContain('no credential is asked for')
  })
})

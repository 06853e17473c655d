/** The rules of who may do what change while servers run: on two of them, one with two processes, each with its file. */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { audience, startProvider } from '../setup/oidc.ts'
import { allReady, answering, createPolicies, databaseOf, type Env, startReplica, startWorker } from './deployment.ts'
import { call, type Edict, eventually, newDatabase, runEdict, startEdict, temporaryFolder } from './edict.ts'

const rulesFor = (locker: string): string => `
groups:
  lockers: [${locker}]
rules:
  - { id: root, roles: [superuser], actions: [read, token], scope: any }
  - { id: root-admin, roles: [superuser], actions: [admin] }
  - { id: lockers, groups: [lockers], actions: [lock, unlock], scope: any }
`
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

interface Shown {
  readonly digest: string
  readonly since: string
  readonly problem: string | null
  readonly rules: readonly { readonly id: string }[]
  readonly groups: Readonly<Record<string, readonly string[]>>
  readonly replicas: readonly { readonly live: boolean; readonly digest: string; readonly problem: string | null }[]
}

describe('two servers, one with two processes', () => {
  let env: Env
  let files: readonly string[]
  let servers: readonly Edict[]
  const tokens = new Map<string, string>()

  const write = (text: string) => Promise.all(files.map((file) => writeFile(file, text)))
  const token = (actor: string) => bearer(tokens.get(actor) ?? '')
  const lock = async (edict: Edict, actor: string): Promise<number> => {
    const init = { method: 'POST', headers: token(actor) }
    const { status, json } = await call(`${edict.url}/policy/example/one/1.0/lock`, init)
    const { code } = json as { code?: string }
    return code === 'already_locked' ? 200 : status
  }
  /** What every process answers; each connection may meet another one. */
  const locks = async (actor: string): Promise<readonly number[]> => {
    const asked = servers.flatMap((edict) => Array.from({ length: 6 }, () => lock(edict, actor)))
    return [...new Set(await Promise.all(asked))]
  }
  const shown = async (edict: Edict): Promise<Shown> =>
    (await call(`${edict.url}/api/authz`, { headers: token('root') })).json as Shown
  const reload = (edict: Edict, actor = 'root') =>
    call(`${edict.url}/api/authz/reload`, { method: 'POST', headers: token(actor) })
  const entries = async (action: string) => {
    const { json } = await call(`${servers[0]?.url}/api/audit?action=${action}`, { headers: token('root') })
    return (json as { entries: readonly { actor: string; details: Record<string, string> }[] }).entries
  }

  beforeAll(async () => {
    const folders = await Promise.all([temporaryFolder(), temporaryFolder()])
    files = folders.map((folder) => join(folder, 'authz.yaml'))
    await write(rulesFor('ann'))
    const policies = await createPolicies(answering('example/one/1.0', 1))
    env = newDatabase()
    const [first = '', second = ''] = files
    await startWorker({ ...env, ...policies.env, EDICT_POLICY_FILE: first })
    for (const [actor, roles] of [
      ['root', 'superuser'],
      ['ann', 'author'],
      ['ben', 'author'],
    ] as const) {
      const as = actor === 'root' ? [] : ['--as', 'root']
      const made = await runEdict([...as, 'token', 'create', '--actor', actor, '--roles', roles], {
        ...env,
        EDICT_POLICY_FILE: first,
      })
      expect(made.code, made.stderr).toBe(0)
      tokens.set(actor, made.stdout.trim())
    }
    servers = await Promise.all([
      startReplica({ ...env, EDICT_POLICY_FILE: first }),
      startReplica({ ...env, EDICT_POLICY_FILE: second, EDICT_WORKERS: '2' }),
    ])
    await allReady(servers)
  })

  it('go by the new rules, all processes of them, when the answer to a reload is there', async () => {
    expect([await locks('ann'), await locks('ben')]).toEqual([[200], [403]])
    const before = await shown(servers[0]!)
    expect(before.rules.map(({ id }) => id)).toEqual(['root', 'root-admin', 'lockers'])
    await write(rulesFor('ben'))
    const done = await reload(servers[1]!)
    expect(done.json).toMatchObject({ pending: [], digest: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect([await locks('ann'), await locks('ben')]).toEqual([[403], [200]])
    const after = await shown(servers[0]!)
    expect(after.groups).toEqual({ lockers: ['ben'] })
    expect(after.digest).not.toBe(before.digest)
    expect(Date.parse(after.since)).toBeGreaterThan(Date.parse(before.since))
    const live = after.replicas.filter((replica) => replica.live)
    expect(live.map(({ digest }) => digest)).toEqual([after.digest, after.digest, after.digest])
    expect((await entries('authz.reload'))[0]).toMatchObject({ details: { digest: after.digest } })
    expect((await entries('authz.reload')).map(({ actor }) => actor)).toContain('root')
  })

  it('let nobody reload, nor see the rules, who may not administer', async () => {
    expect((await reload(servers[0]!, 'ann')).status).toBe(403)
    expect((await call(`${servers[0]!.url}/api/authz`, { headers: token('ann') })).status).toBe(403)
    expect((await call(`${servers[0]!.url}/api/authz`)).status).toBe(401)
  })

  it('take up a file that changes, by themselves', async () => {
    await Promise.all(
      files.map(async (file) => {
        await writeFile(`${file}.new`, rulesFor('ann'))
        await rename(`${file}.new`, file)
      }),
    )
    const both = async () => JSON.stringify([await locks('ann'), await locks('ben')])
    expect(await eventually(both, (text) => text === '[[200],[403]]')).toBe('[[200],[403]]')
    const { digest } = await shown(servers[0]!)
    const noted = await eventually(
      () => entries('authz.reload'),
      ([newest]) => newest?.details['digest'] === digest,
    )
    expect(noted[0]).toMatchObject({ actor: 'system:authz', details: { digest } })
  })

  it.each([
    ['is malformed', 'rules: [', 400],
    ['would leave nobody able to change the rules', rulesFor('ben').replace(/.*root-admin.*\n/, ''), 400],
  ])('keep the rules in force when the file %s, and say so', async (_, text, status) => {
    const before = await shown(servers[0]!)
    await write(text)
    const refused = await reload(servers[0]!)
    expect(refused).toMatchObject({ status, json: { code: 'policy_invalid', errors: [{ code: 'authz_invalid' }] } })
    expect((await entries('authz.refuse'))[0]?.details['problem']).toContain('authz.yaml')
    const told = await eventually(
      () => shown(servers[1]!),
      ({ replicas }) => replicas.every(({ problem }) => problem !== null),
    )
    expect(told).toMatchObject({ digest: before.digest, rules: before.rules })
    expect([await locks('ann'), await locks('ben')]).toEqual([[200], [403]])
    const fromFile = await eventually(
      () => entries('authz.refuse'),
      (all) => all.some(({ actor }) => actor === 'system:authz'),
    )
    expect(fromFile.map(({ actor }) => actor)).toEqual(expect.arrayContaining(['root', 'system:authz']))
  })

  it('replace a process that died meanwhile with one that goes by the same rules', async () => {
    const list = () => databaseOf(env).collection<{ _id: string; pid: number }>('replicas').find().toArray()
    const victim = (await list()).find(({ _id }) => _id.endsWith('.1'))
    process.kill(victim?.pid ?? Number.NaN, 'SIGKILL')
    const ids = async () => (await list()).map(({ _id }) => _id)
    const again = await eventually(ids, (all) => all.some((id) => id.endsWith('.3')))
    expect(
      again
        .filter((id) => /\.[123]$/.test(id))
        .map((id) => id.slice(-2))
        .toSorted(),
    ).toEqual(['.2', '.3'])
    const { digest, replicas } = await shown(servers[0]!)
    expect(replicas).toHaveLength(3)
    expect(replicas.map((replica) => replica.digest)).toEqual([digest, digest, digest])
    expect(replicas.every(({ problem }) => problem !== null)).toBe(true)
    expect([await locks('ann'), await locks('ben')]).toEqual([[200], [403]])
  })

  it('are told by the command line, through a server or on the store', async () => {
    await write(rulesFor('ben'))
    const there = await runEdict(['--server', servers[0]!.url, 'reload'], { EDICT_TOKEN: tokens.get('root') ?? '' })
    expect(there, there.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('are taken up') })
    expect([await locks('ann'), await locks('ben')]).toEqual([[403], [200]])
    await write(rulesFor('ann'))
    const own = { ...env, EDICT_POLICY_FILE: files[0] ?? '' }
    const here = await runEdict(['--as', 'root', 'reload', '--json'], own)
    expect(here.code, here.stderr).toBe(0)
    expect([await locks('ann'), await locks('ben')]).toEqual([[200], [403]])
    expect(await runEdict(['--as', 'ann', 'reload'], own)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ann may not admin authz'),
    })
  })
})

it('a server that was once configured to ask for credentials asks for them without that configuration, too', async () => {
  const provider = await startProvider()
  const policies = await createPolicies(answering('example/one/1.0', 1))
  const env = { ...newDatabase(), ...policies.env }
  const oidc = { EDICT_OIDC_ISSUER: provider.issuer, EDICT_OIDC_AUDIENCE: audience }
  await (await startEdict({ ...env, ...oidc })).stop()
  const edict = await startEdict(env)
  expect((await call(`${edict.url}/policy/example/one/1.0/lock`, { method: 'POST' })).status).toBe(401)
  expect(await runEdict(['lock', 'example/one/1.0'], env)).toMatchObject({ code: 1 })
  const made = await runEdict(['token', 'create', '--actor', 'root', '--roles', 'superuser'], env)
  expect(made.code, made.stderr).toBe(0)
  const headers = bearer(made.stdout.trim())
  const { json } = await call(`${edict.url}/api/audit?action=auth.require`, { headers })
  expect(json).toMatchObject({ entries: [{ actor: 'edict', details: { because: 'auth.oidc' } }] })
  const { tokens } = (await call(`${edict.url}/api/tokens`, { headers })).json as { tokens: readonly { id: string }[] }
  const last = await call(`${edict.url}/api/tokens/${tokens[0]?.id}`, { method: 'DELETE', headers })
  expect(last).toMatchObject({
    status: 409,
    json: { code: 'conflict', message: expect.stringContaining('last token') },
  })
})

it('a server with rules of its own that cannot listen says so and ends', async () => {
  const file = join(await temporaryFolder(), 'authz.yaml')
  await writeFile(file, rulesFor('ann'))
  const env = { ...newDatabase(), EDICT_POLICY_FILE: file }
  const first = await startReplica(env)
  const second = await runEdict(['serve', '--no-sync'], { ...env, PORT: new URL(first.url).port })
  expect(second).toMatchObject({ code: 2, stderr: expect.stringContaining('is taken') })
})

import { mkdir, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { afterwards, eventually, newDatabase, runEdict, startEdict, temporaryFolder } from './edict.ts'
import { rego } from './served-repo.ts'

type Files = Readonly<Record<string, string>>

const good: Files = { 'shop/price/1.0/policy.rego': rego('shop', 'price', 'allow := true') }
const broken: Files = { 'shop/tax/1.0/policy.rego': 'package shop.tax\n\nallow {' }

const put = async (directory: string, files: Files): Promise<void> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), text)
  }
}

const directoryOf = async (files: Files): Promise<string> => {
  const directory = await temporaryFolder()
  await put(directory, files)
  return directory
}

describe('edict sync and edict status', () => {
  let env: Readonly<Record<string, string>>
  let directory: string

  beforeAll(async () => {
    directory = await directoryOf(good)
    const data = await temporaryFolder()
    env = { ...newDatabase(), EDICT_DATA: data, EDICT_DIRECTORY: directory, EDICT_SOURCE: 'local', LOG_LEVEL: 'silent' }
  })

  it('a sync without findings says what it did and exits with 0', async () => {
    expect(await runEdict(['sync'], env)).toEqual({ code: 0, stdout: '1 created, 0 replaced, 0 removed\n', stderr: '' })
    expect(await runEdict(['sync'], env)).toMatchObject({ code: 0, stdout: 'nothing changed\n' })
  })

  it('one with findings is applied, lists them with file and line, and exits with 3', async () => {
    await put(directory, broken)
    const synced = await runEdict(['sync'], env)
    expect(synced.code).toBe(3)
    expect(synced.stdout).toMatch(/^error local\/shop\/tax\/1\.0\/policy\.rego:3:\d+: rego_parse_error: /m)
    const json = await runEdict(['sync', '--json'], env)
    expect(json.code).toBe(3)
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: true,
      revision: 1,
      findings: [{ code: 'rego_parse_error', source: 'local', file: 'shop/tax/1.0/policy.rego', line: 3 }],
      sources: [{ _id: 'local', reason: 'ValidationFailed' }],
    })
  })

  it('one whose source cannot be read exits with 1', async () => {
    const failed = await runEdict(['sync'], { ...env, EDICT_DIRECTORY: join(directory, 'nowhere') })
    expect(failed).toMatchObject({ code: 1, stdout: expect.stringContaining('FetchFailed') })
  })

  it('wrong usage and wrong configuration exit with 2 and say what is wrong', async () => {
    const unknown = await runEdict(['sync', '--sauce', 'local'], env)
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("unknown option '--sauce'") })
    expect(await runEdict(['sink'], env)).toMatchObject({ code: 2, stderr: expect.stringContaining('sink') })
    const other = await runEdict(['sync', '--source', 'other'], env)
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('local') })
    const none = await runEdict(['sync'], { ...env, EDICT_DIRECTORY: '' })
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('POLICY_REPO') })
  })

  it('status shows sources, revision, quarantined and locked policies, as text and as JSON', async () => {
    const edict = await startEdict(env)
    const locked = await fetch(`${edict.url}/policy/shop/price/1.0/lock`, {
      method: 'POST',
      body: '{"reason":"audit"}',
    })
    expect(locked.status).toBe(200)
    const { code, stdout, stderr } = await runEdict(['status'], env)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout.split('\n')[0]).toBe('revision 1, 2 policies, 1 quarantined, 1 locked')
    expect(stdout).toContain('local  Stalled (ValidationFailed)')
    expect(stdout).toContain('  shop/tax/1.0  no good version yet')
    expect(stdout).toMatch(/^ {2}shop\/price\/1\.0 {2}by local since .*: audit$/m)
    const json = await runEdict(['status', '--json'], env)
    expect(JSON.parse(json.stdout)).toMatchObject({
      revision: 1,
      policies: 2,
      sources: [{ _id: 'local', reason: 'ValidationFailed' }],
      quarantined: [{ _id: 'shop/tax/1.0' }],
      locks: [{ _id: 'shop/price/1.0', reason: 'audit' }],
    })
    expect(await edict.stop()).toBe(0)
  })

  it('--help and --version answer', async () => {
    const help = await runEdict(['--help'], {})
    expect(help).toMatchObject({ code: 0, stdout: expect.stringMatching(/serve[^]*sync[^]*status/) })
    expect(await runEdict(['--version'], {})).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    })
  })
})

describe('a configuration that is not valid', () => {
  it('lists all problems at once, shows no secret, and exits with 2', async () => {
    const folder = await temporaryFolder()
    await writeFile(
      join(folder, 'edict.yaml'),
      `server: { port: 99999, shutdown: 10 }
limits: { maxBody: huge }
typo: 1
sources:
  - name: a
    git: { url: 'https://git.example.org/a.git', token: plain-text-token }
  - name: a b
    directory: ./x
  - name: c
    git: { url: 'https://git.example.org/c.git', token: { env: NOT_SET } }
`,
    )
    const { code, stderr } = await runEdict(['serve'], { LOG_LEVEL: 'loud' }, folder)
    expect(code).toBe(2)
    const problems = [
      'server.port',
      'server.shutdown',
      'limits.maxBody',
      'typo',
      'LOG_LEVEL',
      'sources[0]',
      'sources[1]',
      'NOT_SET',
    ]
    for (const problem of problems) expect(stderr).toContain(problem)
    expect(stderr).not.toContain('plain-text-token')
    expect(stderr).not.toContain('    at ')
  })
})

describe('edict serve', () => {
  it('says that its port is taken, and what to do', async () => {
    const taken = createServer()
    await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done))
    afterwards(async () => taken.close())
    const { port } = taken.address() as AddressInfo
    const ended = await runEdict(['serve'], { ...newDatabase(), PORT: String(port), LOG_LEVEL: 'silent' })
    expect(ended.code).toBe(2)
    expect(ended.stderr).toBe(`edict: 127.0.0.1:${port} is taken. Stop what listens there, or set PORT.\n`)
  })

  it('refuses another address than loopback until EDICT_AUTH=open says that it is meant, and then warns', async () => {
    const env = { ...newDatabase(), EDICT_HOST: '0.0.0.0', EDICT_DATA: await temporaryFolder() }
    const refused = await runEdict(['serve'], { ...env, PORT: '0' })
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('EDICT_AUTH=open') })
    const edict = await startEdict({ ...env, EDICT_AUTH: 'open' })
    expect(edict.output() + edict.log()).toMatch(/"level":40[^\n]*no credential is asked for/)
    // It has no source: that is no reason not to start.
    expect(edict.output()).toContain('no policies yet')
    const { port } = new URL(edict.url)
    const anyHost = await fetch(`http://127.0.0.1:${port}/readiness`, { headers: { host: 'edict.example.org' } })
    expect(anyHost.status).toBe(200)
  })

  it('that is stopped in the middle of its first sync exits with 0, without a stack', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `p${index}`)
    const files = Object.fromEntries(
      names.map((name) => [`shop/${name}/1.0/policy.rego`, rego('shop', name, 'x := 1')]),
    )
    const env = { ...newDatabase(), EDICT_DIRECTORY: await directoryOf(files), LOG_LEVEL: 'debug' }
    const edict = await startEdict(env, { until: /(?=)/ })
    const log = await eventually(
      async () => edict.log(),
      (text) => /^parse \d+\/100$/m.test(text),
      20_000,
    )
    expect(log).toMatch(/^parse \d+\/100$/m)
    expect(await edict.stop()).toBe(0)
    expect(edict.output()).toBe('')
    expect(edict.log()).not.toMatch(/^ {4}at /m)
  })

  it('answers what is in flight after SIGTERM, takes nothing new, and exits with 0', async () => {
    const env = { ...newDatabase(), EDICT_DIRECTORY: await directoryOf(good) }
    const edict = await startEdict(env)
    const { port } = new URL(edict.url)
    const socket = connect(Number(port), '127.0.0.1')
    let answer = ''
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text))
    const closed = new Promise((done) => socket.on('close', done))
    socket.write('POST /policy/shop/price/1.0/evaluation HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{')
    await sleep(100)
    const stopping = edict.stop()
    await sleep(300)
    await expect(fetch(`${edict.url}/liveness`)).rejects.toThrow('fetch failed')
    socket.write('}')
    await closed
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(answer).toMatch(/connection: close/i)
    expect(answer).toMatch(/\{"allow":true\}$/)
    expect(await stopping).toBe(0)
    expect(edict.log()).not.toContain('"level":50')
  })

  it('cuts a request that does not end within the bound', async () => {
    const env = { ...newDatabase(), EDICT_DIRECTORY: await directoryOf(good), EDICT_SHUTDOWN: '500ms' }
    const edict = await startEdict(env)
    const socket = connect(Number(new URL(edict.url).port), '127.0.0.1')
    const closed = new Promise((done) => socket.on('close', done).on('error', () => undefined))
    socket.write('POST /policy/shop/price/1.0/evaluation HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{')
    await sleep(100)
    expect(await edict.stop()).toBe(0)
    await closed
  })
})

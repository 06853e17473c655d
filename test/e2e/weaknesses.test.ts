/**
 * The known weaknesses of policy services of this kind, numbered; each that is touched here is a test that carries its
 * number, however often the same is tested elsewhere.
 *
 * 2 (a dropped collection): `outage-collections.test.ts`; 3 (MongoDB down): `outage.test.ts`; 4 (a lock is immediate):
 * `replicas.test.ts`.
 *
 * These belong to features that do not exist yet, and get their tests with them: 5 and 6 (imports), 9 (data fetched by
 * data-config), 11 (a cache service), 14 (validation of output), 15 (webhooks sent), 16 (a storage in memory).
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { call, eventually, evaluate, newDatabase, runEdict, startEdict, temporaryFolder, type Edict } from './edict.ts'
import { rego, serveRepo, showPolicy, type ServedRepo } from './served-repo.ts'

let served: ServedRepo
/** Answers from the same database, and has no opa. */
let replica: Edict

const metric = async ({ url }: Edict, series: string): Promise<number> => {
  const { text } = await call(`${url}/metrics`)
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return Number(line?.slice(series.length))
}

beforeAll(async () => {
  served = await serveRepo({
    files: {
      'shop/price/1.0/policy.rego': rego('shop', 'price', 'allow := input.total < data.limit'),
      'shop/price/1.0/data.json': '{"limit": 10}',
      'shop/my-tax/1.0/policy.rego': 'package shop["my-tax"]\n\nrate := 19\n',
    },
    env: { EDICT_MAX_BODY: '10kB' },
  })
  replica = await startEdict({ ...served.env, OPA_PATH: '/nowhere/opa' }, { args: ['serve', '--no-sync'] })
})

describe('weakness 1: Rego is parsed and compiled on every request, and any change purges the whole cache', () => {
  it('requests are answered without opa, and a policy is loaded once for all of them', async () => {
    const before = await metric(replica, 'edict_policy_loads_total')
    const asked = Array.from({ length: 50 }, (_, total) => evaluate(replica, 'shop/price/1.0', { total }))
    for (const { status } of await Promise.all(asked)) expect(status).toBe(200)
    expect((await metric(replica, 'edict_policy_loads_total')) - before).toBe(1)
  })

  it('a change of one policy loads that one anew and leaves the others as they are', async () => {
    await evaluate(replica, 'shop/price/1.0', { total: 5 })
    await evaluate(replica, 'shop/my-tax/1.0')
    const before = await metric(replica, 'edict_policy_loads_total')
    await served.release({ 'shop/my-tax/1.0/policy.rego': 'package shop["my-tax"]\n\nrate := 7\n' })
    const rate = async () => (await evaluate(replica, 'shop/my-tax/1.0')).text
    expect(await eventually(rate, (text) => text === '{"rate":7}')).toBe('{"rate":7}')
    expect((await evaluate(replica, 'shop/price/1.0', { total: 5 })).headers.get('x-policy-revision')).toBe('1')
    expect((await metric(replica, 'edict_policy_loads_total')) - before).toBe(1)
  })
})

describe('weakness 7: a sync never deletes and never validates', () => {
  it('broken Rego does not replace the good version, and what is deleted is gone', async () => {
    const { edict, release } = served
    await release({ 'shop/old/1.0/policy.rego': rego('shop', 'old', 'x := 1') })
    await release({ 'shop/old/1.0/policy.rego': 'package shop.old\n\nx := ' })
    expect((await evaluate(edict, 'shop/old/1.0')).text).toBe('{"x":1}')
    await release({ 'shop/old': null })
    expect((await evaluate(edict, 'shop/old/1.0')).status).toBe(404)
  })
})

describe('weakness 8: one policy.rego at a wrong depth aborts the whole sync, with exit code 0', () => {
  it('it is a finding, everything else is applied, and `edict sync` exits with 3', async () => {
    const directory = await temporaryFolder()
    await mkdir(join(directory, 'shop/price/1.0'), { recursive: true })
    await writeFile(join(directory, 'aaa.rego'), 'package aaa\n')
    await writeFile(join(directory, 'shop/policy.rego'), 'package shop\n')
    await writeFile(join(directory, 'shop/price/1.0/policy.rego'), rego('shop', 'price', 'allow := true'))
    const env = { ...newDatabase(), EDICT_DIRECTORY: directory, LOG_LEVEL: 'silent' }
    const { code, stdout } = await runEdict(['sync'], env)
    expect([code, stdout]).toEqual([
      3,
      expect.stringMatching(/^1 created.*\nerror .*\/shop\/policy\.rego: wrong_depth: /s),
    ])
  })
})

describe('weakness 10: data.json is looked for beside the executable, and elsewhere the data is silently empty', () => {
  it('it is the one beside its policy, in whatever folder of the repository and of the server', async () => {
    const files = {
      'deep/below/shop/price/1.0/policy.rego': rego('shop', 'price', 'limit := data.limit'),
      'deep/below/shop/price/1.0/data.json': '{"limit": 12}',
      'data.json': '{"limit": 99}',
    }
    const { edict } = await serveRepo({ files, env: { POLICY_REPO_FOLDER: 'deep/below' } })
    expect((await evaluate(edict, 'shop/price/1.0')).text).toBe('{"limit":12}')
    expect((await showPolicy(edict, 'shop/price/1.0')).json).toMatchObject({ data: '{"limit": 12}' })
  })
})

describe('weakness 12: no limit on the body or on what a policy may call', () => {
  it('a body that is too large is 413 and one that is too deep 400, each at once', async () => {
    const { edict } = served
    const large = await evaluate(edict, 'shop/price/1.0', 'x'.repeat(10_001))
    expect(large).toMatchObject({ status: 413, json: { code: 'body_too_large' } })
    const body = '['.repeat(2_000) + ']'.repeat(2_000)
    const deep = await evaluate(edict, 'shop/price/1.0', undefined, { body })
    expect(deep).toMatchObject({ status: 400, json: { code: 'input_too_deep' } })
  })

  it('http.send reaches no host that the configuration does not allow', async () => {
    const { edict, release } = served
    let connections = 0
    const target = createServer((socket) => {
      connections++
      socket.destroy()
    })
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve))
    const { port } = target.address() as AddressInfo
    const text = rego('shop', 'sends', `x := http.send({"method": "get", "url": "http://127.0.0.1:${port}/"})`)
    expect((await release({ 'shop/sends/1.0/policy.rego': text })).outcome.findings).toEqual([])
    const answered = await evaluate(edict, 'shop/sends/1.0')
    expect([answered.status, answered.text, connections]).toEqual([200, '{}', 0])
    await release({ 'shop/sends': null })
    target.close()
  })

  it('an evaluation that does not end by itself is ended, and the next ones are answered', async () => {
    const { edict, release } = served
    const body =
      'n := count([1 | some x in numbers.range(1, 3000); some y in numbers.range(1, 3000); x + y == input.z])'
    await release({ 'shop/endless/1.0/policy.rego': rego('shop', 'endless', body) })
    const endless = await evaluate(edict, 'shop/endless/1.0', { z: 1 })
    expect(endless).toMatchObject({ status: 503, json: { code: 'evaluation_budget_exceeded' } })
    expect((await evaluate(edict, 'shop/price/1.0', { total: 5 })).text).toBe('{"allow":true}')
    await release({ 'shop/endless': null })
  })
})

describe('weakness 13: a plain `curl -d` answers 500, and so does a hyphen in a name', () => {
  it('the form content type of curl and no content type at all are JSON', async () => {
    const { edict } = served
    for (const headers of [{ 'content-type': 'application/x-www-form-urlencoded' }, { 'content-type': '' }]) {
      const answered = await evaluate(edict, 'shop/price/1.0', { total: 5 }, { headers })
      expect([answered.status, answered.text]).toEqual([200, '{"allow":true}'])
    }
  })

  it('a policy with a hyphen in its name answers', async () => {
    expect((await evaluate(served.edict, 'shop/my-tax/1.0')).json).toHaveProperty('rate')
  })
})

describe('weakness 17: no metrics about policies, and readiness is a constant', () => {
  it('decisions are counted by policy and outcome, and the state of each source is a metric', async () => {
    const { edict } = served
    const series = 'edict_decisions_total{policy="shop/price/1.0",outcome="value"}'
    const before = (await metric(edict, series)) || 0
    await evaluate(edict, 'shop/price/1.0', { total: 5 })
    await evaluate(edict, 'shop/price/1.0', undefined, { body: '{' })
    expect((await metric(edict, series)) - before).toBe(1)
    expect(await metric(edict, series.replace('value', 'bad_request'))).toBeGreaterThan(0)
    expect(await metric(edict, 'edict_source_ready{source="platform"}')).toBe(1)
    expect(await metric(edict, 'edict_policies')).toBe(2)
    expect(await metric(edict, 'edict_decision_duration_seconds_count')).toBeGreaterThan(0)
  })

  it('readiness is red while there is no store, liveness is not, and nothing is said to be missing', async () => {
    expect((await call(`${served.edict.url}/readiness`)).status).toBe(200)
    const [port, nobody] = [await freePort(), await freePort()]
    const uri = `mongodb://127.0.0.1:${nobody}/?replicaSet=edict`
    void runEdict(['serve', '--no-sync'], { PORT: String(port), MONGODB_URI: uri, LOG_LEVEL: 'silent' })
    const url = `http://127.0.0.1:${port}`
    const ask = (path: string) => call(url + path).catch(() => undefined)
    const ready = await eventually(
      () => ask('/readiness'),
      (reply) => reply !== undefined,
      30_000,
    )
    expect(ready).toMatchObject({ status: 503, json: { status: 'down', checks: { store: 'down', firstSync: 'down' } } })
    expect(await ask('/liveness')).toMatchObject({ status: 200, json: { status: 'up' } })
    const unknown = await ask('/policy/shop/price/1.0/evaluation')
    expect(unknown).toMatchObject({ status: 503, json: { code: 'store_unavailable' } })
  })
})

const freePort = (): Promise<number> =>
  new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => done(port))
    })
  })

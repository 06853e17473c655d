import { gzipSync } from 'node:zlib'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { OPAClient } from '@open-policy-agent/opa'
import { beforeAll, describe, expect, it } from 'vitest'
import { call, newDatabase, startEdict, temporaryFolder, type Reply } from './edict.ts'
import { startOpa } from './opa-server.ts'

const files = {
  'rbac/core.rego': 'package rbac\n\ndefault allow := false\n\nallow if input.user in data.roles.admins\n',
  'rbac/lib.rego': 'package rbac.lib\n\nlevels := ["a", {"deep": 1.50}]\n\nf(x) := x\n',
  'broken/conflict.rego': 'package broken\n\nx := 1 if input.a\n\nx := 2 if input.b\n',
  'quiet/none.rego': 'package quiet\n\nx if input.never\n',
  'system/main.rego': 'package system\n\nmain := {"told": input}\n',
  'roles/data.json': '{"admins": ["alice"], "big": 123456789012345678901234567890.10}',
  'shop/price/1.9/policy.rego': 'package shop.price\n\nversion := "1.9"\n',
  'shop/price/1.10/policy.rego': 'package shop.price\n\nversion := "1.10"\n\nechoed := input.x\n',
}

let edict = ''
let opa = ''

const write = async (names: readonly string[]): Promise<string> => {
  const folder = await temporaryFolder()
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), files[name as keyof typeof files])
  }
  return folder
}

beforeAll(async () => {
  const all = Object.keys(files)
  const stock = all.filter((name) => !name.includes('/1.9/'))
  const [ours, theirs] = [await write(all), await write(stock)]
  const [server, url] = await Promise.all([
    startEdict({ ...newDatabase(), EDICT_DIRECTORY: ours, EDICT_SOURCE: 'main' }),
    startOpa(theirs),
  ])
  edict = server.url
  opa = url
})

const post = (body: string | Uint8Array, headers: Record<string, string> = { 'content-type': 'application/json' }) => ({
  method: 'POST',
  body,
  headers,
})

/** Without what no two servers can have in common: ids, times, places of files and texts of messages of Go. */
const comparable = ({ status, text, json }: Reply): unknown => {
  if (status < 400) return { status, json }
  const { code, errors } = (json ?? { code: text }) as { code: string; errors?: { code: string }[] }
  return { status, code, errors: errors?.map((error) => error.code) }
}

const cases: Record<string, [string, RequestInit?]> = {
  'a rule': ['/v1/data/rbac/allow', post('{"input":{"user":"alice"}}')],
  'a rule with a default': ['/v1/data/rbac/allow', post('{"input":{"user":"bob"}}')],
  'input in the query': ['/v1/data/rbac/allow?input=%7B%22user%22%3A%22alice%22%7D'],
  'no input, which warns': ['/v1/data/rbac/allow', post('{}')],
  'an empty body': ['/v1/data/rbac/allow', post('')],
  'GET without input': ['/v1/data/rbac/allow'],
  'a package': ['/v1/data/rbac', post('{"input":{"user":"alice"}}')],
  'a package below': ['/v1/data/rbac/lib'],
  'an element': ['/v1/data/rbac/lib/levels/1/deep'],
  'a slash at the end': ['/v1/data/rbac/lib/'],
  'an undefined rule': ['/v1/data/quiet/x', post('{"input":{}}')],
  'a package without a defined rule': ['/v1/data/quiet'],
  'an unknown package': ['/v1/data/nowhere/at/all'],
  'an unknown rule': ['/v1/data/rbac/nope'],
  'shared data': ['/v1/data/roles'],
  'below shared data': ['/v1/data/roles/admins/0'],
  'the document of a policy': ['/v1/data/shop/price/echoed', post('{"input":{"x":1.000}}')],
  'extra keys beside the input': ['/v1/data/rbac/allow', post('{"x": [1], "input":{"user":"alice"}, "y": null}')],
  'null as input': ['/v1/data/system/main', post('{"input":null}')],
  YAML: ['/v1/data/rbac/allow', post('input:\n  user: alice\n', { 'content-type': 'application/x-yaml' })],
  gzip: [
    '/v1/data/rbac/allow',
    post(gzipSync('{"input":{"user":"alice"}}'), {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    }),
  ],
  'not JSON': ['/v1/data/rbac/allow', post('{"input":')],
  'a list as body': ['/v1/data/rbac/allow', post('[1]')],
  'a bad input in the query': ['/v1/data/rbac/allow?input=%7B'],
  'a rule conflict': ['/v1/data/broken', post('{"input":{"a":true,"b":true}}')],
  v0: ['/v0/data/rbac/allow', post('{"user":"alice"}')],
  'v0, undefined': ['/v0/data/quiet/x', post('{}')],
  'the default decision': ['/', post('{"any":["thing"]}')],
  'a percent-encoded path': ['/v1/data/rbac/%6Cib'],
}

describe('the same request to Edict and to opa has the same answer', () => {
  for (const [name, [path, init]] of Object.entries(cases))
    it(name, async () => {
      const [ours, theirs] = await Promise.all([call(edict + path, init), call(opa + path, init)])
      expect(comparable(ours)).toEqual(comparable(theirs))
    })

  it('with pretty, byte for byte', async () => {
    const path = '/v1/data/rbac/lib?pretty'
    expect((await call(edict + path)).text.trim()).toBe((await call(opa + path)).text.trim())
  })

  it('and numbers keep their digits', async () => {
    expect((await call(`${edict}/v1/data/roles/big`)).text).toBe('{"result":123456789012345678901234567890.10}')
    const echoed = await call(`${edict}/v1/data/shop/price/echoed`, post('{"input":{"x":0.1000000000000000000001}}'))
    expect(echoed.text).toBe('{"result":0.1000000000000000000001}')
  })
})

describe('what opa cannot be asked', () => {
  it('a policy answers with its newest version, or the one asked for', async () => {
    expect((await call(`${edict}/v1/data/shop/price/version`)).json).toEqual({ result: '1.10' })
    expect((await call(`${edict}/v1/data/shop/price/version?version=1.9`)).json).toEqual({ result: '1.9' })
    expect(await call(`${edict}/v1/data/shop/price/version?version=3`)).toMatchObject({
      status: 404,
      json: { code: 'resource_not_found', message: 'no policy shop/price/3' },
    })
  })

  it('a locked newest version is refused, never an older one instead', async () => {
    const lock = `${edict}/policy/shop/price/1.10/lock`
    expect((await call(lock, { method: 'POST' })).status).toBe(200)
    expect(await call(`${edict}/v1/data/shop/price/version`)).toMatchObject({
      status: 403,
      json: { code: 'policy_locked' },
    })
    const batch = await call(`${edict}/v1/batch/data/shop/price`, post('{"inputs":{"a":1}}'))
    expect(batch).toMatchObject({ status: 500, json: { responses: { a: { code: 'policy_locked' } } } })
    await call(lock, { method: 'DELETE' })
    expect((await call(`${edict}/v1/data/shop/price/version`)).status).toBe(200)
  })

  it('a batch has an answer or an error for each key, and merges the common input below each', async () => {
    const common = '"common_input":{"user":"alice","nested":{"a":1,"b":1}}'
    const merged = await call(
      `${edict}/v1/batch/data/system/main/told`,
      post(`{"inputs":{"one":{},"two":{"user":"bob","nested":{"b":2}}},${common}}`),
    )
    expect(merged).toMatchObject({
      status: 200,
      json: {
        responses: {
          one: { result: { user: 'alice', nested: { a: 1, b: 1 } } },
          two: { result: { user: 'bob', nested: { a: 1, b: 2 } } },
        },
      },
    })
    const mixed = await call(
      `${edict}/v1/batch/data/broken`,
      post('{"inputs":{"bad":{"a":true,"b":true},"good":{"a":true}}}'),
    )
    expect(mixed).toMatchObject({
      status: 207,
      json: {
        responses: {
          bad: { http_status_code: '500', code: 'internal_error' },
          good: { http_status_code: '200', result: { x: 1 } },
        },
      },
    })
  })

  it('queries, compilation and writing of data say what to do instead', async () => {
    expect(await call(`${edict}/v1/compile`, post('{}'))).toMatchObject({
      status: 404,
      json: { message: expect.stringContaining('/v1/data') },
    })
    expect(await call(`${edict}/v1/data/roles`, { method: 'PUT', body: '{}' })).toMatchObject({ status: 405 })
  })

  it('health is that of the replica', async () => {
    expect(await call(`${edict}/health`)).toMatchObject({ status: 200, json: {} })
  })
})

describe('the official npm client', () => {
  it('gets the same answers from both', async () => {
    for (const url of [edict, opa]) {
      const client = new OPAClient(url)
      expect(await client.evaluate('rbac/allow', { user: 'alice' })).toBe(true)
      expect(await client.evaluate('rbac/allow', { user: 'bob' })).toBe(false)
      expect(await client.evaluate('shop/price/echoed', { x: 'y' })).toBe('y')
      expect(await client.evaluateDefault({ a: 1 })).toEqual({ told: { a: 1 } })
      await expect(client.evaluate('broken/x', { a: true, b: true })).rejects.toThrow()
    }
  })

  it('gets batches, which stock opa has not', async () => {
    const client = new OPAClient(edict)
    const results = await client.evaluateBatch('rbac/allow', { a: { user: 'alice' }, b: { user: 'bob' } })
    expect(results).toEqual({ a: true, b: false })
  })
})

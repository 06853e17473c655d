import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { afterwards, call, evaluate, runEdict, temporaryFolder, type Edict } from './edict.ts'
import { serveRepo } from './served-repo.ts'

const secret = 'only-the-server-knows-1'

interface Explained {
  readonly status: number
  readonly text: string
  readonly json: {
    readonly code?: string
    readonly message?: string
    readonly decision: { readonly value: Readonly<Record<string, unknown>> }
    readonly unavailable: readonly string[]
    readonly rules: readonly unknown[]
  }
}

const listen = async (onRequest: () => void): Promise<Server> => {
  const server = createServer((_, response) => {
    onRequest()
    response.end('{"allow":true}')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  afterwards(() => new Promise((done) => server.close(done)))
  return server
}

describe('explaining over HTTP', () => {
  let edict: Edict
  let asked = 0

  beforeAll(async () => {
    const outside = await listen(() => void asked++)
    const { port } = outside.address() as AddressInfo
    const url = `http://127.0.0.1:${port}/`
    const served = await serveRepo({
      env: { SERVER_SECRET: secret },
      files: {
        'shop/orders/1.0/policy.rego': `package shop.orders

import data.lib.hours

default allow := false

allow if {
	input.user.age >= data.adult
	hours.open
	get_header("X-Shop") == "north"
}
`,
        'shop/orders/1.0/data.json': '{"adult": 18}',
        'lib/hours.rego': 'package lib.hours\n\nopen if input.hour > 8\n',
        'net/probe/1.0/policy.rego': `package net.probe

runtime := opa.runtime()

environment := opa.runtime().env

fetched := http.send({"method": "GET", "url": ${JSON.stringify(url)}, "raise_error": false})

allow if fetched.body.allow

mocked if fetched.body.allow with http.send as http.send

found := net.lookup_ip_addr("localhost")

valid := json.match_schema({"a": 1}, {"$ref": ${JSON.stringify(url)}})

file := json.match_schema({"a": 1}, {"$ref": "file:///proc/self/environ"})
`,
      },
    })
    edict = served.edict
  })

  const explain = async (policy: string, body: unknown): Promise<Explained> => {
    const { status, text, json } = await call(`${edict.url}/policy/${policy}/explain`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    return { status, text, json: json as Explained['json'] }
  }

  it('names the conditions that failed with what they saw, in the words and lines of the source', async () => {
    const input = { user: { age: 17 }, hour: 7 }
    const served = await evaluate(edict, 'shop/orders/1.0', input)
    const { status, json } = await explain('shop/orders/1.0', { input, headers: { 'x-shop': 'north' } })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      policy: 'shop/orders/1.0',
      decision: { value: served.json },
      asked: ['allow'],
      unavailable: [],
      notes: [],
    })
    expect(json.rules[0]).toEqual({
      rule: 'allow',
      value: false,
      by: [{ file: 'shop/orders/1.0/policy.rego', line: 5, text: 'default allow := false' }],
      missing: [
        {
          file: 'shop/orders/1.0/policy.rego',
          line: 7,
          text: 'allow',
          conditions: [
            {
              file: 'shop/orders/1.0/policy.rego',
              line: 8,
              text: 'input.user.age >= data.adult',
              saw: [
                { expression: 'input.user.age', values: [17] },
                { expression: 'data.adult', values: [18] },
              ],
            },
            {
              file: 'shop/orders/1.0/policy.rego',
              line: 9,
              text: 'hours.open',
              saw: [{ expression: 'hours.open', values: [] }],
              rules: ['data.lib.hours.open'],
            },
          ],
        },
      ],
    })
  })

  it('asks nothing of the outside and tells nothing of the server', async () => {
    const before = asked
    const { status, json, text } = await explain('net/probe/1.0', {})
    expect(status).toBe(200)
    expect(asked).toBe(before)
    expect(text).not.toContain(secret)
    expect(text).not.toMatch(/"(?:PATH|HOME|MONGODB_URI)"/)
    expect(json.decision.value['runtime']).toEqual({})
    expect(json.unavailable).toEqual(['http.send', 'net.lookup_ip_addr'])
    expect(Object.keys(json.decision.value)).not.toContain('environment')
    expect(Object.keys(json.decision.value)).not.toContain('mocked')
  })

  it('obeys a lock, knows what is not there, and says what is wrong with a request', async () => {
    expect(await explain('shop/orders/2.0', {})).toMatchObject({ status: 404, json: { code: 'policy_not_found' } })
    expect(await explain('shop/orders/1.0', { rule: 'deny' })).toMatchObject({
      status: 400,
      json: { code: 'invalid_request', message: 'the policy has no rule deny; it has allow' },
    })
    expect(await explain('shop/orders/1.0', { inputs: 1 })).toMatchObject({ status: 400 })
    const lock = `${edict.url}/policy/shop/orders/1.0/lock`
    expect((await call(lock, { method: 'POST' })).status).toBe(200)
    expect(await explain('shop/orders/1.0', {})).toMatchObject({ status: 403, json: { code: 'policy_locked' } })
    expect(await explain('platform/shop/orders/1.0', {})).toMatchObject({ status: 403 })
    expect((await call(lock, { method: 'DELETE' })).status).toBe(200)
    expect((await explain('platform/shop/orders/1.0', {})).status).toBe(200)
  })

  it('the command line explains what a server serves, or a directory, in words', async () => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'input.json'), '{"user": {"age": 17}, "hour": 9}')
    const words = (file: string) => `allow is false
  by ${file}:5  default allow := false
  not by ${file}:7  allow  (1 condition failed)
    ${file}:8  input.user.age >= data.adult
      input.user.age is 17
      data.adult is 18
`
    const command = ['policy', 'explain', 'shop/orders/1.0', '--input', 'input.json', '--header', 'X-Shop: north']
    const asked = await runEdict(['--server', edict.url, ...command], {}, folder)
    expect(asked).toMatchObject({ code: 0, stdout: words('shop/orders/1.0/policy.rego') })
    const { rego, data } = (await call(`${edict.url}/policy/shop/orders/1.0`)).json as { rego: string; data: string }
    const place = join(folder, 'policies/shop/orders/1.0')
    await mkdir(place, { recursive: true })
    await writeFile(join(place, 'policy.rego'), rego)
    await writeFile(join(place, 'data.json'), data)
    await writeFile(join(folder, 'policies/hours.rego'), 'package lib.hours\n\nopen if input.hour > 8\n')
    const here = await runEdict([...command, 'policies'], {}, folder)
    expect(here).toMatchObject({ code: 0, stdout: words('shop/orders/1.0/policy.rego') })
    expect((await runEdict(['policy', 'explain', 'shop/orders/9', 'policies'], {}, folder)).code).toBe(1)
  })

  it('keeps every digit, over HTTP and on the command line', async () => {
    const folder = await temporaryFolder()
    const age = '17.999999999999999999999'
    await writeFile(join(folder, 'input.json'), `{"user": {"age": ${age}}, "hour": 9}`)
    const body = `{"input": {"user": {"age": ${age}}, "hour": 9}}`
    const { text } = await call(`${edict.url}/policy/shop/orders/1.0/explain`, { method: 'POST', body })
    expect(text).toContain(`{"expression":"input.user.age","values":[${age}]}`)
    const command = ['policy', 'explain', 'shop/orders/1.0', '--input', 'input.json']
    const words = await runEdict(['--server', edict.url, '--as', 'ann', ...command], {}, folder)
    expect(words.stderr).toContain('--as is not heard')
    expect(words.stdout).toContain(`input.user.age is ${age}\n`)
    const json = await runEdict(['--server', edict.url, ...command, '--json'], {}, folder)
    expect(json.stdout).toMatch(new RegExp(`"values": \\[\\s+${age}\\s+\\]`))
    await writeFile(join(folder, 'input.json'), '{"user": ')
    expect(await runEdict(['--server', edict.url, ...command], {}, folder)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--input is not JSON'),
    })
  })

  it('the command line explains who may do what by the rules file, without a store', async () => {
    const folder = await temporaryFolder()
    const rules = 'rules:\n  - id: team\n    groups: [shop]\n    actions: [change]\n    scope: unprotected\n'
    await writeFile(
      join(folder, 'authz.yaml'),
      `${rules}  - { id: root, roles: [superuser], actions: [change, token], scope: any }\n  - { id: admin, roles: [superuser], actions: [admin] }\n`,
    )
    await writeFile(join(folder, 'edict.yaml'), 'policy: { file: ./authz.yaml }\nprotected: ["core/**"]\n')
    const may = async (policy: string) => {
      const command = ['policy', 'explain', '--actor', 'ann', '--groups', 'shop', '--action', 'change']
      return (await runEdict([...command, '--policy', policy], {}, folder)).stdout
    }
    expect(await may('shop/orders/1.0')).toBe('ann may change shop/orders/1.0 is true\n  by authz.yaml:2  rule team\n')
    const there = ['--server', 'http://127.0.0.1:1', 'policy', 'explain', '--actor', 'ann', '--action', 'change']
    expect(await runEdict(there, {}, folder)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('leave --server out'),
    })
    expect(await may('core/x/1')).toContain(
      '  not by authz.yaml:2  rule team  (1 condition failed)\n    authz.yaml:2  scope: unprotected\n',
    )
  })
})

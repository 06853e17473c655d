import { once } from 'node:events'
import { cp } from 'node:fs/promises'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { beforeAll, describe, expect, it } from 'vitest'
import { createPolicies, lock } from './deployment.ts'
import { afterwards, call, type Edict, evaluate, newDatabase, startEdict } from './edict.ts'

const remote = `package shop.remote

status := http.send({"method": "GET", "url": input.url}).status_code
`
const headers = { authorization: 'Bearer abc' }
const user = { clearance: 'secret', department: 'research' }
const inputs: Readonly<Record<string, readonly unknown[]>> = {
  'access/roles/1.0': [
    { user: { roles: ['editor'] }, action: 'update', resource: { type: 'article' } },
    { user: { roles: ['nobody'] }, action: 'update', resource: { type: 'article' } },
    {},
  ],
  'access/attributes/1.0': [
    { user, record: { level: 'internal', department: 'research' }, site: 'harbour', minute: 615 },
    { user, record: { level: 'secret', department: 'sales' }, site: 'nowhere', minute: -1 },
    null,
  ],
  'shop/discount/1.0': [{ total: 120 }, { total: 99.99 }, []],
  'shop/discount/2.0': [{ total: 120, customer: { level: 'gold' } }, { total: '120' }, 0],
  'gaiax/didresolve/1.0': [{ did: 'did:web:example.org:users:alice' }, { did: 'did:web:a%3A80' }, { did: 7 }],
  'gaiax/example/1.0': [{ message: 'hello world' }, { message: 'no' }, false],
  'example/example/1.0': [{}, '', 1],
}

let edict: Edict
let url: string
const asked: string[] = []

beforeAll(async () => {
  const policies = await createPolicies({ 'shop/remote/1.0/policy.rego': remote })
  await cp(resolve(import.meta.dirname, '../../policies-example'), policies.directory, { recursive: true })
  const server = createServer((req, res) => {
    asked.push(req.url ?? '')
    res.writeHead(Number(req.url?.slice(1))).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  afterwards(async () => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  url = `http://127.0.0.1:${port}`
  edict = await startEdict({ ...newDatabase(), ...policies.env, EDICT_HTTP_ALLOW: `127.0.0.1:${port}` })
}, 60_000)

const batch = (policy: string, body: string, type = 'application/json') =>
  call(`${edict.url}/policy/${policy}/evaluations`, {
    method: 'POST',
    body,
    headers: { ...headers, 'content-type': type },
  })

describe('a batch', () => {
  it.each(Object.entries(inputs))(
    'of %s answers as single evaluations do, as a list and as lines',
    async (policy, items) => {
      const singles = await Promise.all(items.map((input) => evaluate(edict, policy, input, { headers })))
      expect(singles.map(({ status }) => status)).toEqual(items.map(() => 200))
      const expected = singles.map(({ text }) => `{"result":${text}}`)
      const list = await batch(policy, JSON.stringify({ inputs: items }))
      expect(list.text).toBe(`{"results":[${expected.join(',')}]}`)
      expect(list.headers.get('x-policy-digest')).toBe(singles[0]?.headers.get('x-policy-digest'))
      const costs = singles.map((single) => Number(single.headers.get('x-evaluation-cost')))
      expect(Number(list.headers.get('x-evaluation-cost'))).toBe(costs.reduce((sum, cost) => sum + cost, 0))
      const lines = await batch(policy, items.map((input) => JSON.stringify(input)).join('\n'), 'application/x-ndjson')
      expect(lines.text).toBe(expected.map((line) => `${line}\n`).join(''))
    },
  )

  it('asks elsewhere for each of its items', async () => {
    const items = Array.from({ length: 60 }, (_, i) => ({ url: `${url}/${200 + i}` }))
    const { json } = await batch('shop/remote/1.0', JSON.stringify({ inputs: items }))
    expect(json).toEqual({ results: items.map((_, i) => ({ result: { status: 200 + i } })) })
    expect(asked.toSorted()).toEqual(items.map((_, i) => `/${200 + i}`))
  })

  it('as a stream ends with policy_locked once the policy is locked', { timeout: 20_000 }, async () => {
    const policy = 'shop/discount/1.0'
    const request = httpRequest(`${edict.url}/policy/${policy}/evaluations`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
    })
    request.flushHeaders()
    const [response]: IncomingMessage[] = await once(request, 'response')
    if (response === undefined) expect.unreachable()
    const lines = createInterface({ input: response })[Symbol.asyncIterator]()
    request.write('{"total": 200}\n')
    expect((await lines.next()).value).toBe('{"result":{"percent":5}}')
    expect((await lock(edict, policy)).status).toBe(200)
    request.end('{"total": 200}\n{"total": 300}\n')
    const id = String(response.headers['x-evaluation-id'])
    for (const index of [1, 2]) {
      const { value } = await lines.next()
      expect(JSON.parse(String(value))).toEqual({
        error: { code: 'policy_locked', message: `${policy} is locked`, id: `${id}/${index}` },
      })
      expect(edict.log()).toContain(`${id}/${index}`)
    }
    expect((await lines.next()).done).toBe(true)
  })
})

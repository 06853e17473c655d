/** The evaluation contract on real WASM, over a socket. */
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { extensions } from '../../extensions/index.ts'
import { createEngine } from '../../src/engine/engine.ts'
import { compile } from '../engine/compile.ts'
import { change, createFixture, type Door, type Fixture, meta, throughApp, throughSocket } from './fixture.ts'

const policies: Readonly<Record<string, string>> = {
  same: 'same := input\n\nseen if true',
  headers:
    'names := ["Accept-Encoding", "Accept-Language", "Foo", "X-Location", "Host", "Absent", "foo"]\n\nall := {n: get_header(n) | some n in names}',
  conflict: 'answer := 1 if input.x\n\nanswer := 2 if input.x',
  nothing: 'allow if input.never',
  endless: 'pairs := count([1 | some x in numbers.range(1, input.n); some y in numbers.range(1, input.n); x < y])',
  failing: 'n := to_number(input.text)\n\nok := true',
}

const digits = '12345678901234567890.12345678901234567890'

let fixture: Fixture
let port: number
let call: Door

beforeAll(async () => {
  const compiled = Object.entries(policies).map(async ([name, rules]) => {
    const files = { [`${name}.rego`]: `package example.${name}\n\n${rules}\n` }
    return [name, await compile({ files, document: `data.example.${name}` })] as const
  })
  const blobs = new Map<string, Uint8Array>([...(await Promise.all(compiled)), ['data', Buffer.from('{}')]])
  fixture = createFixture({
    engine: createEngine({ extensions }),
    loadBlob: async (digest) => blobs.get(digest) ?? Promise.reject(new Error('no such blob')),
    limits: { maxBody: 100_000 },
  })
  const metas = Object.keys(policies).map((name) =>
    meta(`example/${name}/1.0`, { digest: name, artifact: { wasm: name, data: 'data', entry: 'package' } }),
  )
  fixture.registry.swap(change({ policies: metas, complete: true }))
  ;({ port } = await fixture.server.listen({ host: '127.0.0.1', port: 0 }))
  call = throughSocket(port)
}, 30_000)
afterAll(() => fixture.server.close({ graceMs: 0 }))

const evaluate = (name: string, body: string | Uint8Array = '') =>
  call(`/policy/example/${name}/1.0/evaluation`, { method: 'POST', body })

test.each([
  'false',
  '0',
  '""',
  'null',
  '[]',
  '{}',
  '12345678901234567890.12345678901234567890',
  '{"a":[1,"\u00fc\ud83d\ude00",-0.5e-7]}',
])('the input %s comes back as it went in, through both doors', async (input) => {
  const expected = `{"same":${input},"seen":true}`
  expect((await evaluate('same', input)).text).toBe(expected)
  const door = throughApp(fixture)
  expect((await door('/policy/example/same/1.0/evaluation', { method: 'POST', body: input })).text).toBe(expected)
})

test('without a body the input is undefined, and so is what depends on it', async () => {
  expect((await evaluate('same')).text).toBe('{"seen":true}')
})

test('nothing defined is {}', async () => {
  expect((await evaluate('nothing', '{}')).text).toBe('{}')
})

test('a builtin that fails makes its rule undefined', async () => {
  expect((await evaluate('failing', '{"text":"seven"}')).text).toBe('{"ok":true}')
})

test.each(['{', '{"a":1}x', '{1}', "{'a':1}", 'undefined', '01', '"\u0001"'])(
  'the body %j is no JSON',
  async (body) => {
    const reply = await evaluate('same', body)
    expect(reply.status).toBe(400)
    expect(JSON.parse(reply.text)).toMatchObject({
      code: 'invalid_json',
      message: expect.stringMatching(/at byte \d+$/),
    })
  },
)

test('bytes that are not UTF-8 are no JSON', async () => {
  const reply = await evaluate('same', Uint8Array.of(0x22, 0xff, 0x22))
  expect(JSON.parse(reply.text)).toMatchObject({ code: 'invalid_json' })
})

test('an input may be 500 deep and no deeper', async () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  expect((await evaluate('same', nested(500))).status).toBe(200)
  const reply = await evaluate('same', nested(501))
  expect(reply.status).toBe(400)
  expect(JSON.parse(reply.text)).toMatchObject({ code: 'input_too_deep' })
})

test('a rule conflict is 500 with its place, and the policy answers the next request', async () => {
  const reply = await evaluate('conflict', '{"x":true}')
  expect(reply.status).toBe(500)
  const body = JSON.parse(reply.text)
  expect(body).toMatchObject({ code: 'evaluation_error', errors: [{ code: 'evaluation_error' }] })
  expect(body.errors[0].location).toMatchObject({
    file: expect.stringContaining('conflict.rego'),
    row: expect.any(Number),
  })
  expect(await evaluate('conflict', '{}')).toMatchObject({ status: 200, text: '{}' })
})

test('headers are read by their canonical names, whatever their spelling on the wire', async () => {
  const lines = ['accept-encoding: gzip, deflate', 'Accept-Language: en-us', 'fOO: Bar', 'x-loCATion: Baz']
  const head = ['GET /policy/example/headers/1.0/evaluation HTTP/1.1', `Host: localhost:${port}`, 'Connection: close']
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
    socket.write(`${[...head, ...lines].join('\r\n')}\r\n\r\n`)
  })
  expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))).all).toEqual({
    'Accept-Encoding': 'gzip, deflate',
    'Accept-Language': 'en-us',
    Foo: 'Bar',
    'X-Location': 'Baz',
    Host: `localhost:${port}`,
    Absent: '',
    foo: '',
  })
})

test('a batch is what single evaluations are, as a list and as lines', async () => {
  const inputs = ['1.50', '"\\ud800 alone"', '{"a":[1,"\\ud83d\\ude00"]}', digits, 'null']
  const singles = await Promise.all(inputs.map(async (input) => (await evaluate('same', input)).text))
  const batch = (body: string, type: string) =>
    call('/policy/example/same/1.0/evaluations', { method: 'POST', body, headers: { 'content-type': type } })
  const list = await batch(`{"inputs": [${inputs.join(' , ')}]}`, 'application/json')
  expect(list.text).toBe(`{"results":[${singles.map((text) => `{"result":${text}}`).join(',')}]}`)
  const lines = await batch(inputs.join('\n'), 'application/x-ndjson')
  expect(lines.text).toBe(singles.map((text) => `{"result":${text}}\n`).join(''))
})

test('what exceeds its budget is 503, and its neighbours are answered meanwhile', { timeout: 60_000 }, async () => {
  let asking = true
  const hostile = [1, 2, 3].map(async () => {
    const seen = new Set<string>()
    let count = 0
    for (; asking; count++) {
      const { status, text } = await evaluate('endless', '{"n":3000}')
      seen.add(`${status} ${JSON.parse(text).code}`)
    }
    expect([...seen]).toEqual(['503 evaluation_budget_exceeded'])
    return count
  })
  for (let i = 0; i < 15; i++) expect((await evaluate('same', `${i}`)).text).toBe(`{"same":${i},"seen":true}`)
  asking = false
  for (const count of await Promise.all(hostile)) expect(count).toBeGreaterThan(0)
  expect((await evaluate('endless', '{"n":3}')).text).toBe('{"pairs":3}')
})

test('two hundred conflicts later the policy still answers', async () => {
  await Promise.all(Array.from({ length: 200 }, () => evaluate('conflict', '{"x":true}')))
  expect((await evaluate('conflict', '{}')).status).toBe(200)
})

import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { call, evaluate, newDatabase, startEdict, type Edict } from './edict.ts'
import { rego, serveRepo, type ServedRepo } from './served-repo.ts'

interface RawReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const parseReply = (text: string): RawReply => {
  const end = text.indexOf('\r\n\r\n')
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const pairs = lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)])
  return { status: Number(first.split(' ')[1]), headers: Object.fromEntries(pairs), body: text.slice(end + 4) }
}

/** Writes these very bytes to a socket and reads until the server closes it. */
const raw = (url: string, ...lines: readonly string[]): Promise<RawReply> =>
  new Promise((done, fail) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    socket.on('close', () => done(parseReply(text))).on('error', fail)
    socket.write(lines.join('\r\n'))
  })

const request = (url: string, line: string, headers: readonly string[] = [], body = ''): Promise<RawReply> =>
  raw(
    url,
    `${line} HTTP/1.1`,
    'Host: localhost',
    'Connection: close',
    ...headers,
    ...(body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    '',
    body,
  )

const headersRule = `seen := {
	"accept_encoding": get_header("Accept-Encoding"),
	"accept_language": external.http.header("Accept-Language"),
	"foo": get_header("Foo"),
	"x_location": external.http.header("X-Location"),
}

computed := [get_header(name) | some name in input.names]`

let served: ServedRepo
let edict: Edict

beforeAll(async () => {
  served = await serveRepo({
    source: 'platform.policies',
    files: {
      'http/headers/1.0/policy.rego': rego('http', 'headers', headersRule),
      'http/echo/1.0/policy.rego': rego('http', 'echo', 'got := input\nkind := type_name(input)'),
      'http/bare/1.0/policy.rego': rego('http', 'bare', '_ := input.x'),
      'http/my-name/1.0/policy.rego': 'package http["my-name"]\n\nok := true\n',
      'http/fails/1.0/policy.rego': rego('http', 'fails', 'x := 1 if input.a\n\nx := 2 if input.b'),
      'http/nothing/1.0/policy.rego': rego('http', 'nothing', 'x := 1 if false'),
    },
    env: { EDICT_MAX_BODY: '10kB', EDICT_REQUEST_TIMEOUT: '1s' },
  })
  edict = served.edict
})

describe('headers of a request', () => {
  it('are read by their canonical names, however they were written', async () => {
    const { status, body } = await request(
      edict.url,
      'POST /policy/http/headers/1.0/evaluation',
      ['accept-encoding: gzip, deflate', 'Accept-Language: en-us', 'fOO: Bar', 'x-loCATion: Baz'],
      '{"names": ["Foo", "X-Location", "Host", "foo", "fOO", "Absent"]}',
    )
    expect(status).toBe(200)
    expect(JSON.parse(body)).toEqual({
      seen: { accept_encoding: 'gzip, deflate', accept_language: 'en-us', foo: 'Bar', x_location: 'Baz' },
      computed: ['Bar', 'Baz', 'localhost', '', '', ''],
    })
  })

  it('that stand twice are read by their first value, and one that is too long for the server is 431', async () => {
    const twice = await request(edict.url, 'GET /policy/http/headers/1.0/evaluation', ['Foo: one', 'foo: two'])
    expect(twice.body).toContain('"foo":"one"')
    const long = await request(edict.url, 'GET /policy/http/headers/1.0/evaluation', [`Foo: ${'x'.repeat(20_000)}`])
    expect(long.status).toBe(431)
    expect(JSON.parse(long.body)).toMatchObject({ code: 'headers_too_large', id: expect.any(String) })
  })
})

describe('the input', () => {
  it('is the body of a GET, too', async () => {
    const got = await request(edict.url, 'GET /policy/http/echo/1.0/evaluation', [], '{"a": 1}')
    expect(got).toMatchObject({ status: 200, body: '{"got":{"a":1},"kind":"object"}' })
  })

  it.each([
    ['false', '{"got":false,"kind":"boolean"}'],
    ['0', '{"got":0,"kind":"number"}'],
    ['""', '{"got":"","kind":"string"}'],
    ['null', '{"got":null,"kind":"null"}'],
    ['[]', '{"got":[],"kind":"array"}'],
    ['12345678901234567890.123456789012345678901234567890', undefined],
    ['1e999', undefined],
    ['-0.10', undefined],
    ['"é\\u0000😀"', undefined],
  ])('%s counts, and keeps every digit', async (input, answer) => {
    const { status, body } = await request(edict.url, 'POST /policy/http/echo/1.0/evaluation', [], input)
    expect(status).toBe(200)
    if (answer !== undefined) expect(body).toBe(answer)
    else if (input.startsWith('"')) expect(JSON.parse(body)).toMatchObject({ got: JSON.parse(input) as unknown })
    else expect(body).toContain(`"got":${input},`)
  })

  it('is undefined without a body, also when it is announced as JSON', async () => {
    const none = await request(edict.url, 'POST /policy/http/echo/1.0/evaluation', ['Content-Type: application/json'])
    expect(none).toMatchObject({ status: 200, body: '{}' })
    const chunked = await raw(
      edict.url,
      'POST /policy/http/echo/1.0/evaluation HTTP/1.1',
      'Host: localhost',
      'Connection: close',
      'Transfer-Encoding: chunked',
      '',
      '4',
      'fals',
      '1',
      'e',
      '0',
      '',
      '',
    )
    expect(chunked).toMatchObject({ status: 200, body: '{"got":false,"kind":"boolean"}' })
  })

  it('is JSON whatever the content type says', async () => {
    for (const type of [
      'application/x-www-form-urlencoded',
      'text/plain',
      'multipart/form-data; boundary=x',
      'nonsense',
    ]) {
      const got = await request(
        edict.url,
        'POST /policy/http/echo/1.0/evaluation',
        [`Content-Type: ${type}`],
        '{"a":1}',
      )
      expect(got).toMatchObject({ status: 200, body: '{"got":{"a":1},"kind":"object"}' })
    }
  })
})

describe('the answer', () => {
  it('is the bare document with its id, and says what decided', async () => {
    const { text, headers } = await evaluate(edict, 'http/my-name/1.0')
    expect(text).toBe('{"ok":true}')
    const id = headers.get('etag')
    expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(headers.get('x-evaluation-id')).toBe(id)
    expect(headers.get('content-type')).toBe('application/json')
    expect(headers.get('x-policy-commit')).toBe(await served.repo.git(['rev-parse', 'HEAD']))
    expect(headers.get('x-policy-revision')).toBe('1')
    expect(headers.get('x-policy-digest')).toMatch(/^[0-9a-f]{64}$/)
    expect(headers.get('x-edict-stale')).toBeNull()
  })

  it('carries the evaluation id of the caller, errors too', async () => {
    const headers = { 'x-evaluation-id': 'order 4711' }
    const answered = await evaluate(edict, 'http/my-name/1.0', {}, { headers })
    expect([answered.headers.get('etag'), answered.headers.get('x-evaluation-id')]).toEqual([
      'order 4711',
      'order 4711',
    ])
    const missing = await evaluate(edict, 'http/no/1.0', {}, { headers })
    expect(missing.headers.get('x-evaluation-id')).toBe('order 4711')
    expect(missing.json).toMatchObject({ code: 'policy_not_found', id: 'order 4711' })
  })

  it('is the value of `_` alone where that is the only rule, and {} where nothing is defined', async () => {
    expect((await evaluate(edict, 'http/bare/1.0', { x: [1, 'a'] })).text).toBe('[1,"a"]')
    expect((await evaluate(edict, 'http/bare/1.0', {})).text).toBe('{}')
    expect((await evaluate(edict, 'http/nothing/1.0', {})).text).toBe('{}')
  })

  it('is the same with the source named, and with a query string', async () => {
    expect((await evaluate(edict, 'platform.policies/http/my-name/1.0')).text).toBe('{"ok":true}')
    expect((await evaluate(edict, 'other/http/my-name/1.0')).status).toBe(404)
    expect((await call(`${edict.url}/policy/http/my%2Dname/1.0/evaluation?x=1`)).text).toBe('{"ok":true}')
  })
})

describe('an error is { code, message, id }', () => {
  it('400 for what is not JSON or too deep', async () => {
    for (const body of ['{', '{"a":1} x', '01', 'a=1', '{"a":NaN}', '\u0000']) {
      const answered = await request(edict.url, 'POST /policy/http/echo/1.0/evaluation', [], body)
      expect([body, answered.status]).toEqual([body, 400])
      expect(JSON.parse(answered.body)).toMatchObject({ code: 'invalid_json', id: answered.headers['x-evaluation-id'] })
    }
    const deep = await request(
      edict.url,
      'POST /policy/http/echo/1.0/evaluation',
      [],
      '['.repeat(501) + ']'.repeat(501),
    )
    expect([deep.status, JSON.parse(deep.body)]).toMatchObject([400, { code: 'input_too_deep' }])
    const fits = await request(
      edict.url,
      'POST /policy/http/echo/1.0/evaluation',
      [],
      '['.repeat(500) + ']'.repeat(500),
    )
    expect(fits.status).toBe(200)
  })

  it('413 for a body that is too large, announced or not', async () => {
    const announced = await evaluate(edict, 'http/echo/1.0', 'x'.repeat(10_000))
    expect(announced).toMatchObject({ status: 413, json: { code: 'body_too_large', id: expect.any(String) } })
    const chunks = Array.from({ length: 12 }, () => ['400', 'x'.repeat(1024)]).flat()
    const head = ['POST /policy/http/echo/1.0/evaluation HTTP/1.1', 'Host: localhost', 'Transfer-Encoding: chunked']
    const chunked = await raw(edict.url, ...head, '', ...chunks, '0', '', '')
    expect(chunked.status).toBe(413)
  })

  it('404 for what is not there, 405 with Allow for another method', async () => {
    expect(await evaluate(edict, 'http/echo/9.9')).toMatchObject({ status: 404, json: { code: 'policy_not_found' } })
    expect(await call(`${edict.url}/nowhere`)).toMatchObject({ status: 404, json: { code: 'not_found' } })
    const put = await call(`${edict.url}/policy/http/echo/1.0/evaluation`, { method: 'PUT' })
    expect(put).toMatchObject({ status: 405, json: { code: 'method_not_allowed' } })
    expect(put.headers.get('allow')).toContain('POST')
  })

  it('500 for a rule conflict, with its place in the Rego', async () => {
    const answered = await evaluate(edict, 'http/fails/1.0', { a: true, b: true })
    expect(answered).toMatchObject({
      status: 500,
      json: {
        code: 'evaluation_error',
        errors: [{ location: { file: 'http/fails/1.0/policy.rego', row: expect.any(Number) } }],
      },
    })
    // The policy goes on answering.
    expect((await evaluate(edict, 'http/fails/1.0', { a: true })).text).toBe('{"x":1}')
  })

  it('408 for a client that is too slow, 400 for what is not HTTP', async () => {
    const slow = await raw(
      edict.url,
      'POST /policy/http/echo/1.0/evaluation HTTP/1.1',
      'Host: localhost',
      'Content-Length: 9',
      '',
      '{',
    )
    expect([slow.status, JSON.parse(slow.body)]).toMatchObject([408, { code: 'request_timeout' }])
    const garbage = await raw(edict.url, 'nonsense', '', '')
    expect([garbage.status, JSON.parse(garbage.body)]).toMatchObject([400, { code: 'invalid_request' }])
  })

  it('403 for a Host that is not loopback, and for a page of another site that would change something', async () => {
    const rebound = await raw(
      edict.url,
      'GET /policy/http/echo/1.0/evaluation HTTP/1.1',
      'Host: evil.example',
      'Connection: close',
      '',
      '',
    )
    expect([rebound.status, JSON.parse(rebound.body)]).toMatchObject([403, { code: 'forbidden' }])
    const cross = await call(`${edict.url}/policy/http/echo/1.0/lock`, {
      method: 'POST',
      headers: { origin: 'https://evil.example' },
    })
    expect(cross).toMatchObject({ status: 403, json: { code: 'forbidden' } })
  })

  it('400 for a compressed body, which is not JSON', async () => {
    const body = gzipSync('{"a":1}')
    const answered = await call(`${edict.url}/policy/http/echo/1.0/evaluation`, {
      method: 'POST',
      body,
      headers: { 'content-encoding': 'gzip' },
    })
    expect(answered).toMatchObject({ status: 400, json: { code: 'invalid_json' } })
  })
})

describe('policies-example', () => {
  it('answers over HTTP what its authors wrote', async () => {
    const directory = resolve(import.meta.dirname, '../../policies-example')
    const example = await startEdict({ ...newDatabase(), EDICT_DIRECTORY: directory })
    const ask = async (policy: string, input?: unknown, headers: Record<string, string> = {}) =>
      (await evaluate(example, policy, input, { headers })).json
    expect(await ask('gaiax/example/1.0', { message: 'hello world' })).toEqual({ allow: true, name: 'some name' })
    expect(await ask('gaiax/example/1.0')).toEqual({ allow: false, name: 'some name' })
    expect(await ask('example/example/1.0', {}, { authorization: 'Bearer abc' })).toEqual({ auth: 'Bearer abc' })
    expect(await ask('gaiax/didresolve/1.0', { did: 'did:web:example.org:users:alice' })).toMatchObject({
      url: 'https://example.org/users/alice/did.json',
      valid: true,
    })
    const editor = { user: { roles: ['editor'] }, action: 'read', resource: { type: 'article' } }
    expect(await ask('access/roles/1.0', editor)).toEqual({ allow: true, granted_by: ['editor'] })
    expect(await ask('access/attributes/1.0', {})).toMatchObject({ allow: false })
    expect(await ask('shop/discount/1.0', { total: 600 })).toEqual({ percent: 5 })
    expect(await ask('shop/discount/2.0', { total: 600, customer: { level: 'gold' } })).toMatchObject({ percent: 7.5 })
    const shown = (await call(`${example.url}/policy/gaiax/example/1.0`)).json
    expect(shown).toMatchObject({
      rego: await readFile(join(directory, 'gaiax/example/1.0/policy.rego'), 'utf8'),
      regoVersion: 0,
    })
    expect((await call(`${example.url}/api/sources/policies-example`)).json).toMatchObject({ phase: 'Ready' })
  })
})

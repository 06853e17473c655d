import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { DecisionContext, Outbound, RegoValue } from '../../../extensions/extension.ts'
import { http } from '../../../extensions/opa/http.ts'
import { parseRule } from '../../../extensions/outbound.ts'
import { fromPlain, toPlain } from '../../../extensions/plain.ts'
import { contextOf } from '../context.ts'

let server: Server
let base: string
let port: number
let handle: (req: IncomingMessage, res: ServerResponse, body: string) => void
const requests: string[] = []

beforeAll(async () => {
  server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      requests.push(`${req.method} ${req.url}`)
      handle(req, res, Buffer.concat(chunks).toString())
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
  base = `http://127.0.0.1:${port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  requests.length = 0
  handle = (_, res) => res.setHeader('content-type', 'application/json').end('{"ok":true}')
})

const allowing = (...hosts: readonly string[]): Outbound => ({
  rules: hosts.flatMap((host) => parseRule(host) ?? []),
  secret: () => undefined,
})

interface Options {
  readonly outbound?: Outbound
  readonly clock?: () => bigint
}

const now = (): bigint => BigInt(Date.now()) * 1_000_000n

const send = async (options: object, { outbound = allowing(`127.0.0.1:${port}`), clock = now }: Options = {}) => {
  const context: DecisionContext = contextOf({ outbound, clock })
  const [extension] = http
  const answer: RegoValue | undefined = await extension?.impl([fromPlain({ method: 'get', ...options })], context)
  return toPlain(answer ?? null) as Record<string, unknown> & { readonly headers: Record<string, string[]> }
}

/** The error that it answers with. */
const refusal = async (options: object, more: Options = {}): Promise<unknown> =>
  (await send({ raise_error: false, ...options }, more))['error']

describe('a request', () => {
  it('is answered with status, headers as lists, the body as it is and as JSON', async () => {
    handle = (_, res) => {
      res.setHeader('Content-Type', 'application/vnd.api+json; charset=utf-8')
      res.setHeader('Set-Cookie', ['a=1', 'b=2'])
      res.writeHead(201).end('{"n":1}')
    }
    const { headers, ...rest } = await send({ url: `${base}/x` })
    expect(rest).toEqual({ status: '201 Created', status_code: 201, body: { n: 1 }, raw_body: '{"n":1}' })
    expect(headers).toMatchObject({ 'set-cookie': ['a=1', 'b=2'], 'content-type': [expect.any(String)] })
  })

  it('takes the connection of the one before, of the same source', async () => {
    const connections: unknown[] = []
    const count = (socket: unknown): void => void connections.push(socket)
    server.on('connection', count)
    const [mine, other] = [allowing(`127.0.0.1:${port}`), allowing(`127.0.0.1:${port}`)]
    for (let i = 0; i < 5; i++) await send({ url: `${base}/${i}` }, { outbound: mine })
    expect(connections.length).toBe(1)
    await send({ url: base }, { outbound: other })
    expect(connections.length).toBe(2)
    server.off('connection', count)
  })

  it('carries method, headers and a body as JSON, or as it is', async () => {
    handle = (req, res, body) => {
      const { 'x-a': a, 'content-length': length, host } = req.headers
      res.end(JSON.stringify({ method: req.method, a, length, host, body }))
    }
    const json = await send({
      method: 'post',
      url: base,
      headers: { 'X-A': 'b', host: 'other.example' },
      body: { a: '<&>', s: new Set([2, 1]) },
      force_json_decode: true,
    })
    const body = '{"a":"\\u003c\\u0026\\u003e","s":[1,2]}'
    expect(json['body']).toEqual({ method: 'POST', a: 'b', length: `${body.length}`, host: 'other.example', body })
    const raw = await send({ method: 'put', url: base, body: {}, raw_body: 'x=1', force_json_decode: true })
    expect(raw['body']).toMatchObject({ method: 'PUT', body: 'x=1', length: '3' })
  })

  it('has no body in its answer where that is no JSON', async () => {
    handle = (_, res) => res.setHeader('content-type', 'text/plain').end('{"ok":true}')
    expect(await send({ url: base })).toMatchObject({ body: null, raw_body: '{"ok":true}' })
    handle = (_, res) => res.setHeader('content-type', 'application/json').end('{')
    expect(await send({ url: base })).toMatchObject({ body: null, raw_body: '{' })
  })

  it('has its body read as YAML when it says so, or is asked for', async () => {
    handle = (_, res) => res.end('a: [1, yes]\n')
    expect(await send({ url: base, force_yaml_decode: true })).toMatchObject({ body: { a: [1, 'yes'] } })
    expect(await send({ url: base })).toMatchObject({ body: null })
    handle = (_, res) => res.setHeader('content-type', 'application/x-yaml; charset=utf-8').end('\ufeffb: ~')
    expect(await send({ url: base })).toMatchObject({ body: { b: null } })
    handle = (_, res) => res.setHeader('content-type', 'application/yaml').end('a: [')
    expect(await send({ url: base })).toMatchObject({ body: null, raw_body: 'a: [' })
  })

  it('is unpacked without a trace when the server packs it', async () => {
    handle = (req, res) => {
      expect(req.headers['accept-encoding']).toBe('gzip')
      res.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'application/json' }).end(gzipSync('{"z":1}'))
    }
    const { body, headers } = await send({ url: base })
    expect(body).toEqual({ z: 1 })
    expect(headers['content-encoding']).toBeUndefined()
  })

  it.each([
    [{ url: 'http://x', extra: 1 }, 'invalid request parameters(s): {"extra"}'],
    [{ url: 7 }, '"url" must be a string'],
    [{ url: 'ftp://x' }, 'unsupported protocol scheme "ftp"'],
    [{ url: 'unix://localhost/?socket=%2Ftmp%2Fx' }, 'unsupported protocol scheme "unix"'],
    [{ url: 'http://x', timeout: true }, "'timeout' must be one of {string, number} but got boolean"],
    [{ url: 'http://x', headers: { a: 1 } }, 'invalid type for headers value 1'],
    [
      { url: 'http://x', force_cache: true },
      "'force_cache' set but 'force_cache_duration_seconds' parameter is missing",
    ],
    [{ url: 'http://x', max_retry_attempts: -1 }, 'invalid value -1 for field "max_retry_attempts"'],
    [{ url: 'http://x', caching_mode: 'x' }, 'invalid value specified for "caching_mode" field: x'],
    [
      { url: 'http://x', tls_client_key_file: '/etc/passwd' },
      '"tls_client_key_file": there is no secret /etc/passwd for this source',
    ],
    [
      { url: 'http://x', tls_ca_cert_env_variable: 'HOME' },
      '"tls_ca_cert_env_variable": there is no secret HOME for this source',
    ],
  ])('%j is refused', async (options, message) => {
    const error = { code: 'eval_http_send_internal_error', message: `eval_builtin_error: http.send: ${message}` }
    expect(await refusal(options)).toEqual(error)
    await expect(send(options)).rejects.toThrow(message)
  })

  it('gives up after its time, and says so as an error of the network', async () => {
    handle = () => undefined
    const before = performance.now()
    const error = await refusal({ url: base, timeout: '50ms' })
    expect(error).toMatchObject({
      code: 'eval_http_send_network_error',
      message: expect.stringMatching(/^Get ".*deadline exceeded/),
    })
    expect(performance.now() - before).toBeLessThan(2_000)
    await expect(send({ url: base, timeout: 30_000_000 })).rejects.toThrow('deadline exceeded')
  })

  it('is tried again as often as it says', async () => {
    handle = (req, res) => (requests.length < 3 ? req.socket.destroy() : res.end('done'))
    expect(await send({ url: base, max_retry_attempts: 3 })).toMatchObject({ raw_body: 'done' })
    expect(requests.length).toBe(3)
    requests.length = 0
    handle = (req) => req.socket.destroy()
    expect(await refusal({ url: base, max_retry_attempts: 1 })).toMatchObject({ code: 'eval_http_send_network_error' })
    expect(requests.length).toBe(2)
  })

  it('refuses a response of any size', async () => {
    handle = (_, res) => {
      res.on('error', () => undefined)
      const write = (): void => {
        while (!res.destroyed && res.write('x'.repeat(65_536)));
        if (!res.destroyed) res.once('drain', write)
      }
      write()
    }
    expect(await refusal({ url: base })).toMatchObject({ message: expect.stringContaining('larger than') })
  })

  it('refuses a packed response that is small only while it is packed', async () => {
    handle = (_, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(32 * 2 ** 20)))
    expect(await refusal({ url: base })).toMatchObject({ code: 'eval_http_send_network_error' })
  })
})

describe('hosts', () => {
  it('are refused unless they are allowed, and nothing is sent', async () => {
    for (const outbound of [allowing(), allowing('127.0.0.1:1'), allowing('example.org')]) {
      expect(await refusal({ url: base }, { outbound })).toEqual({
        code: 'eval_http_send_internal_error',
        message: `eval_builtin_error: http.send: 127.0.0.1:${port} is not among the allowed hosts`,
      })
    }
    expect(requests).toEqual([])
  })

  it.each([
    'http://2130706433/',
    'http://0x7f.1/',
    'http://127.1/',
    'http://[::ffff:127.0.0.1]/',
    'http://127.0.0.1.:80/',
    'http://user:password@127.0.0.1/',
  ])('are recognised however they are written: %s', async (written) => {
    const url = written.replace(/(:\d+)?\/$/, `:${port}/`)
    const outbound = allowing('example.org')
    expect(await refusal({ url }, { outbound })).toMatchObject({ message: expect.stringContaining('not among') })
  })

  it('are refused when their name leads to an address that is not public', async () => {
    const url = `http://localhost:${port}/`
    expect(await refusal({ url }, { outbound: allowing('localhost') })).toMatchObject({
      message: expect.stringContaining('not public'),
    })
    expect(requests).toEqual([])
    const named: Outbound = { rules: [{ host: 'localhost', private: true }], secret: () => undefined }
    expect(await send({ url }, { outbound: named })).toMatchObject({ status_code: 200 })
  })

  it('are looked at again after a redirect', async () => {
    handle = (req, res) =>
      req.url === '/away'
        ? res.writeHead(302, { location: `http://localhost:${port}/secret` }).end()
        : res.end('secret')
    const outbound = allowing(`127.0.0.1:${port}`, 'localhost')
    const error = await refusal({ url: `${base}/away`, enable_redirect: true }, { outbound })
    expect(error).toMatchObject({ message: expect.stringContaining('not public') })
    expect(requests).toEqual(['GET /away'])
  })
})

describe('redirects', () => {
  it('are followed when the policy wants it', async () => {
    handle = (req, res) => (req.url === '/a' ? res.writeHead(301, { location: '/b' }).end() : res.end(req.method))
    expect(await send({ url: `${base}/a` })).toMatchObject({ status_code: 301 })
    expect(await send({ method: 'post', body: 1, url: `${base}/a`, enable_redirect: true })).toMatchObject({
      raw_body: 'GET',
    })
    handle = (req, res, body) =>
      req.url === '/a' ? res.writeHead(307, { location: '/b' }).end() : res.end(`${req.method}${body}`)
    expect(await send({ method: 'post', body: 1, url: `${base}/a`, enable_redirect: true })).toMatchObject({
      raw_body: 'POST1',
    })
  })

  it('do not take credentials to another host', async () => {
    const seen: unknown[] = []
    handle = (req, res) => {
      seen.push(req.headers.authorization)
      return req.url === '/a' ? res.writeHead(302, { location: `http://localhost:${port}/b` }).end() : res.end()
    }
    const outbound: Outbound = {
      rules: [
        { host: '127.0.0.1', port, private: true },
        { host: 'localhost', private: true },
      ].flatMap((rule) => (rule.host === 'localhost' ? [rule] : (parseRule(`127.0.0.1:${port}`) ?? []))),
      secret: () => undefined,
    }
    await send({ url: `${base}/a`, headers: { authorization: 'Bearer x' }, enable_redirect: true }, { outbound })
    expect(seen).toEqual(['Bearer x', undefined])
  })

  it('end', async () => {
    handle = (_, res) => res.writeHead(302, { location: '/' }).end()
    expect(await refusal({ url: base, enable_redirect: true })).toMatchObject({
      message: expect.stringContaining('stopped after 10 redirects'),
    })
  })
})

describe('the cache', () => {
  const date = (): string => new Date().toUTCString()

  it('keeps what the response allows, for each source by itself', async () => {
    handle = (_, res) =>
      res.setHeader('cache-control', 'max-age=60').setHeader('date', date()).end(`${requests.length}`)
    const outbound = allowing(`127.0.0.1:${port}`)
    const ask = (options: object = {}, more: Options = { outbound }) =>
      send({ url: base, cache: true, ...options }, more)
    expect(await ask()).toMatchObject({ raw_body: '1' })
    expect(await ask()).toMatchObject({ raw_body: '1' })
    expect(await ask({ headers: { a: '1' } })).toMatchObject({ raw_body: '2' })
    expect(await ask({}, { outbound: allowing(`127.0.0.1:${port}`) })).toMatchObject({ raw_body: '3' })
    expect(await ask({}, { outbound, clock: () => now() + 61_000_000_000n })).toMatchObject({ raw_body: '4' })
  })

  it('is not asked without being told to, and keeps nothing that must not be stored', async () => {
    const outbound = allowing(`127.0.0.1:${port}`)
    handle = (_, res) => res.setHeader('cache-control', 'max-age=60').end(`${requests.length}`)
    await send({ url: base }, { outbound })
    expect(await send({ url: base }, { outbound })).toMatchObject({ raw_body: '2' })
    handle = (_, res) => res.setHeader('cache-control', 'no-store, max-age=60').end(`${requests.length}`)
    await send({ url: base, cache: true }, { outbound })
    expect(await send({ url: base, cache: true }, { outbound })).toMatchObject({ raw_body: '4' })
  })

  it('asks whether what has expired still holds', async () => {
    const outbound = allowing(`127.0.0.1:${port}`)
    handle = (req, res) =>
      req.headers['if-none-match'] === '"v1"'
        ? res.writeHead(304, { 'x-n': `${requests.length}` }).end()
        : res.writeHead(200, { etag: '"v1"', 'content-type': 'application/json' }).end('"first"')
    const ask = () => send({ url: base, cache: true }, { outbound })
    await ask()
    expect(await ask()).toMatchObject({ status_code: 200, body: 'first', headers: { 'x-n': ['2'] } })
  })

  it('keeps for as long as the policy says, whatever the response says', async () => {
    const outbound = allowing(`127.0.0.1:${port}`)
    handle = (_, res) => res.setHeader('cache-control', 'no-store').end(`${requests.length}`)
    const ask = (clock = now) =>
      send({ url: base, force_cache: true, force_cache_duration_seconds: 10 }, { outbound, clock })
    await ask()
    expect(await ask()).toMatchObject({ raw_body: '1' })
    expect(await ask(() => now() + 11_000_000_000n)).toMatchObject({ raw_body: '2' })
  })

  it('may ignore headers', async () => {
    const outbound = allowing(`127.0.0.1:${port}`)
    handle = (_, res) => res.end(`${requests.length}`)
    const ask = (id: string) =>
      send(
        {
          url: base,
          force_cache: true,
          force_cache_duration_seconds: 10,
          headers: { id },
          cache_ignored_headers: ['id'],
        },
        { outbound },
      )
    await ask('1')
    expect(await ask('2')).toMatchObject({ raw_body: '1' })
  })
})

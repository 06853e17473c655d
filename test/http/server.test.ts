/** What only a socket shows: raw headers, limits, slow clients, draining. */
import { Agent, request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { change, createFixture, type FixtureOptions, meta, throughSocket } from './fixture.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const start = async (options: FixtureOptions = {}) => {
  const fixture = createFixture(options)
  fixture.registry.swap(change({ policies: [meta('g/echo/1')], complete: true }))
  const { port } = await fixture.server.listen({ host: '127.0.0.1', port: 0 })
  closers.push(() => fixture.server.close({ graceMs: 0 }))
  return { ...fixture, port, call: throughSocket(port) }
}

/** Sends text as it is and collects what comes until the other side closes, or for a moment. */
const raw = (port: number, text: string, { keep = false, withinMs = 3_000 } = {}): Promise<string> =>
  new Promise((resolve) => {
    const socket: Socket = connect(port, '127.0.0.1')
    let got = ''
    const timer = setTimeout(() => socket.destroy(), withinMs)
    socket.on('data', (chunk: Buffer) => (got += chunk.toString()))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(got)
    })
    socket.write(text)
    if (!keep) setTimeout(() => socket.end(), 200)
  })

const path = '/policy/g/echo/1/evaluation'
const jsonOf = (answer: string): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))

describe('requests', () => {
  test('GET may carry a body', async () => {
    const { call } = await start()
    expect((await call(path, { method: 'GET', body: '{"a":1}' })).text).toContain('"input":{"a":1}')
  })

  test('a body in pieces is read whole', async () => {
    const { port } = await start()
    const chunks = ['4\r\n{"a"\r\n', '3\r\n:1}\r\n', '0\r\n\r\n']
    const text = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunks.join('')}`
    expect(await raw(port, text)).toContain('"input":{"a":1}')
  })

  test('of a header sent twice policies see the first value, in the raw spelling of the name, as UTF-8', async () => {
    const { port } = await start()
    const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nx-TEST: fürst\r\nX-Test: second\r\nConnection: close\r\n\r\n`
    expect(await raw(port, head)).toContain('"header":"fürst"')
  })

  test('requests on one connection are answered in turn', async () => {
    const { port } = await start()
    const one = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n`
    const answer = await raw(port, `${one}1${one}2${one}3`)
    expect(answer.match(/"input":\d/g)).toEqual(['"input":1', '"input":2', '"input":3'])
  })

  test('HTTP/1.1 without Host is refused', async () => {
    const { port } = await start({ loopbackOnly: false })
    const answer = await raw(port, `GET ${path} HTTP/1.1\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(jsonOf(answer)).toMatchObject({ code: 'invalid_request' })
  })

  test('an absolute request target reaches the same contract', async () => {
    const { port } = await start()
    const text = `GET http://localhost${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nConnection: close\r\n\r\n5`
    expect(await raw(port, text)).toContain('"input":5')
  })

  test('what is not HTTP is answered in JSON', async () => {
    const { port } = await start()
    const answer = await raw(port, 'hello there\r\n\r\n', { keep: true })
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(jsonOf(answer)).toMatchObject({ code: 'invalid_request', id: expect.any(String) })
  })
})

describe('limits', () => {
  test('a declared body that is too large is 413 before it is sent, and the client can read the answer', async () => {
    const { port } = await start()
    const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\nExpect: 100-continue\r\n\r\n`
    const answer = await raw(port, head)
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).not.toContain('100 Continue')
    expect(answer.toLowerCase()).toContain('connection: close')
    expect(jsonOf(answer)).toMatchObject({ code: 'body_too_large' })
  })

  test('a body that turns out too large is 413, even when the client sends megabytes before it reads', async () => {
    const { call, port } = await start()
    const reply = await call(path, { method: 'POST', body: Buffer.alloc(8_000_000, 0x20) })
    expect(reply.status).toBe(413)
    const chunk = `${(2000).toString(16)}\r\n${' '.repeat(2000)}\r\n`
    const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`
    expect(await raw(port, `${head}${chunk}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413 /)
  })

  test('a client that waits for 100 Continue gets it', async () => {
    const { port } = await start()
    const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n1`
    const answer = await raw(port, head)
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
  })

  test('management routes have the same bound', async () => {
    const { call } = await start()
    const reply = await call('/policy/g/echo/1/lock', { method: 'POST', body: ' '.repeat(1_001) })
    expect(reply.status).toBe(413)
    expect(JSON.parse(reply.text)).toMatchObject({ code: 'body_too_large' })
  })

  test('headers that are too large are 431', async () => {
    const { port, metrics } = await start({ limits: { maxHeaders: 1_024 } })
    const answer = await raw(port, `GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'a'.repeat(2_000)}\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 431 /)
    expect(jsonOf(answer)).toMatchObject({ code: 'headers_too_large', id: expect.any(String) })
    expect(await metrics.scrape()).toContain('edict_refused_requests_total{reason="headers"} 1')
  })

  test.each([
    'GET / HTTP/1.1\r\nHost: local',
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n123`,
  ])('a client that does not finish its request is 408', async (text) => {
    const { port } = await start({ limits: { requestTimeoutMs: 300 } })
    const answer = await raw(port, text, { keep: true })
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    expect(jsonOf(answer)).toMatchObject({ code: 'request_timeout' })
  })

  test('too many requests at once are 503 with Retry-After; probes are still answered; then it goes on', async () => {
    const { port, call, server } = await start({ limits: { maxConcurrent: 2 } })
    const slow = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n`
    const held = [raw(port, slow, { withinMs: 500, keep: true }), raw(port, slow, { withinMs: 500, keep: true })]
    await expect.poll(() => server.inFlight()).toBe(2)
    const reply = await call(path)
    expect(reply.status).toBe(503)
    expect(reply.header('retry-after')).toBe('1')
    expect(JSON.parse(reply.text)).toMatchObject({ code: 'too_many_requests' })
    expect((await call('/liveness')).status).toBe(200)
    await Promise.all(held)
    await expect.poll(() => server.inFlight()).toBe(0)
    expect((await call(path)).status).toBe(200)
  })
})

describe('close', () => {
  test('it refuses new connections, finishes what is under way and closes kept connections', async () => {
    let load: (bytes: Uint8Array) => void = () => undefined
    const blob = new Promise<Uint8Array>((resolve) => (load = resolve))
    const { port, server } = await start({ loadBlob: () => blob })
    const agent = new Agent({ keepAlive: true })
    const answered = new Promise<string>((resolve, reject) => {
      const request = httpRequest({ port, host: '127.0.0.1', path, agent }, (response) => {
        response.resume()
        response.on('end', () => resolve(`${response.statusCode} ${response.headers.connection}`))
      })
      request.on('error', reject)
      request.end()
    })
    await expect.poll(() => server.inFlight()).toBe(1)
    const closed = server.close({ graceMs: 5_000 })
    const knock = () => throughSocket(port)('/liveness').catch((error: unknown) => error)
    await expect.poll(knock).toMatchObject({ code: 'ECONNREFUSED' })
    load(Buffer.from('echo'))
    expect(await answered).toBe('200 close')
    await closed
    agent.destroy()
  })

  test('what does not finish within the bound is cut', async () => {
    const { port, server } = await start()
    const held = raw(port, `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n`, { keep: true })
    await expect.poll(() => server.inFlight()).toBe(1)
    await server.close({ graceMs: 100 })
    expect(await held).toBe('')
  })

  test('idle kept connections hold nothing up', async () => {
    const { port, server } = await start()
    const idle = raw(port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`, { keep: true })
    await expect.poll(() => server.inFlight()).toBe(0)
    await new Promise((resolve) => setTimeout(resolve, 50))
    await server.close({ graceMs: 600_000 })
    expect(await idle).toContain('200 OK')
  })
})

/** NDJSON over a socket: answers come while lines are sent, no faster than they are read, and not for nobody. */
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { change, createFixture, type FixtureOptions, meta, throughSocket, value } from './fixture.ts'

const key = 'g/p/1'
const path = `/policy/${key}/evaluations`
const closing: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

const busy = (ms: number): void => {
  for (const end = performance.now() + ms; performance.now() < end;);
}

const start = async (options: FixtureOptions = {}) => {
  const seen: string[] = []
  const fixture = createFixture({
    policies: {
      scripted: (input) => {
        const text = Buffer.from(input ?? []).toString()
        seen.push(text)
        if (text.startsWith('{"busy"')) busy(2)
        if (text.startsWith('{"wait"'))
          return new Promise((resolve) => setTimeout(() => resolve(value(text)), Number(/\d+/.exec(text)?.[0])))
        return value(text === '"large"' ? `"${'x'.repeat(50_000)}"` : text)
      },
    },
    ...options,
    limits: { maxBody: 10_000, maxBatch: 10_000, maxBatchBody: 100_000, ...options.limits },
  })
  fixture.registry.swap(change({ policies: [meta(key, { wasm: 'scripted' })], complete: true }))
  const { port } = await fixture.server.listen({ host: '127.0.0.1', port: 0 })
  closing.push(() => fixture.server.close({ graceMs: 0 }))
  return { ...fixture, port, seen, call: throughSocket(port) }
}

/** A request under way, and the lines of its answer. */
const stream = async (port: number) => {
  const request: ClientRequest = httpRequest({ port, host: '127.0.0.1', path, method: 'POST' })
  request.setHeader('content-type', 'application/x-ndjson')
  request.on('error', () => undefined)
  request.flushHeaders()
  const [response]: IncomingMessage[] = await once(request, 'response')
  if (response === undefined) throw new Error('no response')
  response.on('error', () => undefined)
  return { request, response }
}

const linesOf = (response: IncomingMessage) => createInterface({ input: response })[Symbol.asyncIterator]()

describe('a stream of lines', () => {
  test('is answered line by line, before the next one is sent', { timeout: 20_000 }, async () => {
    const { port } = await start()
    const { request, response } = await stream(port)
    const lines = linesOf(response)
    for (const line of ['1', '{"wait":20}', '2', '{"wait":1}']) {
      request.write(`${line}\n`)
      expect((await lines.next()).value).toBe(`{"result":${line}}`)
    }
    request.write('"in ')
    request.write('parts"\n')
    expect((await lines.next()).value).toBe('{"result":"in parts"}')
    request.end()
    expect((await lines.next()).done).toBe(true)
  })

  test('is answered once what it waits for is there, though no further line comes', async () => {
    const { port } = await start()
    const { request, response } = await stream(port)
    const lines = linesOf(response)
    request.write('{"wait":30}\n{"wait":10}\n3\n')
    const answers = [await lines.next(), await lines.next(), await lines.next()]
    expect(answers.map((line) => line.value)).toEqual([
      '{"result":{"wait":30}}',
      '{"result":{"wait":10}}',
      '{"result":3}',
    ])
    request.end()
  })

  test('is read no faster than its answers are', { timeout: 30_000 }, async () => {
    const { port, seen } = await start()
    const { request, response } = await stream(port)
    const count = 2_000
    request.end('"large"\n'.repeat(count))
    // 100 MB of answers: more than any buffer between here and there holds.
    const settled = async (): Promise<number> => {
      for (let before = -1; before !== seen.length || before === 0; await sleep(200)) before = seen.length
      return seen.length
    }
    expect(await settled()).toBeLessThan(count)
    let bytes = 0
    for await (const chunk of response) bytes += (chunk as Buffer).length
    expect(seen).toHaveLength(count)
    expect(bytes).toBe(count * (50_002 + '{"result":}\n'.length))
  })

  test('is not sent faster than it is decided', { timeout: 30_000 }, async () => {
    const { port } = await start()
    const { request, response } = await stream(port)
    response.resume()
    // Answers that take their time, and 50 MB behind them: more than any buffer between here and there holds.
    request.write('{"wait":3000}\n'.repeat(40))
    request.write(`"${'y'.repeat(9_000)}"\n`.repeat(5_500))
    let left = -1
    for (; left !== request.writableLength; await sleep(200)) left = request.writableLength
    expect(left).toBeGreaterThan(10_000_000)
    request.destroy()
  })

  test('is not decided for a client that has gone', async () => {
    const { port, seen, server } = await start()
    const { request, response } = await stream(port)
    request.write('{"busy":1}\n'.repeat(3_000))
    await once(response, 'data')
    request.destroy()
    while (server.inFlight() > 0) await sleep(5)
    const count = seen.length
    await sleep(50)
    expect(seen.length).toBe(count)
    expect(count).toBeLessThan(3_000)
  })

  test('a list is not decided for a client that has gone', async () => {
    const { port, seen, server } = await start()
    const body = `{"inputs":[${Array.from({ length: 3_000 }, () => '{"busy":1}').join(',')}]}`
    const request = httpRequest({ port, host: '127.0.0.1', path, method: 'POST' })
    request.on('error', () => undefined)
    request.end(body)
    while (seen.length === 0) await sleep(5)
    request.destroy()
    while (server.inFlight() > 0) await sleep(5)
    await sleep(20)
    const count = seen.length
    await sleep(50)
    expect(seen.length).toBe(count)
    expect(count).toBeLessThan(3_000)
  })

  test('may take longer than other requests, which still may not', { timeout: 20_000 }, async () => {
    const { port } = await start({ limits: { requestTimeoutMs: 300 } })
    const { request, response } = await stream(port)
    const lines = linesOf(response)
    const slow = new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      let text = ''
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
      socket.on('close', () => resolve(text))
      socket.write(`POST /policy/${key}/evaluation HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1`)
    })
    expect(await slow).toContain('408')
    for (const line of ['1', '2', '3']) {
      request.write(`${line}\n`)
      expect((await lines.next()).value).toBe(`{"result":${line}}`)
      await sleep(250)
    }
    request.end()
    expect((await lines.next()).done).toBe(true)
  })

  test('a list larger than a single body is taken, also when the client asks first', async () => {
    const { port } = await start()
    const inputs = Array.from({ length: 8_000 }, (_, i) => i)
    const request = httpRequest({
      ...{ port, host: '127.0.0.1', path, method: 'POST' },
      headers: { expect: '100-continue', 'content-length': JSON.stringify({ inputs }).length },
    })
    request.on('continue', () => request.end(JSON.stringify({ inputs })))
    request.flushHeaders()
    const [response]: IncomingMessage[] = await once(request, 'response')
    let text = ''
    for await (const chunk of response ?? []) text += String(chunk)
    expect(JSON.parse(text).results).toEqual(inputs.map((result) => ({ result })))
  })

  test('a long answer is streamed, and whole', async () => {
    const { call } = await start()
    const body = `{"inputs":[${Array.from({ length: 100 }, () => '"large"').join(',')}]}`
    const reply = await call(path, { method: 'POST', body })
    expect(reply.header('transfer-encoding')).toBe('chunked')
    expect(reply.header('x-evaluation-cost')).toBeNull()
    expect(JSON.parse(reply.text).results).toHaveLength(100)
  })
})

describe('the neighbours of a batch', () => {
  test('are answered while it is decided, also while there are several', { timeout: 30_000 }, async () => {
    const { call, seen } = await start()
    const body = `{"inputs":[${Array.from({ length: 500 }, () => '{"busy":1}').join(',')}]}`
    const ended: string[] = []
    const batches = [1, 2, 3].map(async () => {
      const reply = await call(path, { method: 'POST', body })
      ended.push('batch')
      return JSON.parse(reply.text).results.length as number
    })
    while (seen.length === 0) await sleep(1)
    for (let i = 0; i < 10; i++) {
      expect((await call(`/policy/${key}/evaluation`, { method: 'POST', body: `${i}` })).text).toBe(`${i}`)
      ended.push('single')
    }
    expect(await Promise.all(batches)).toEqual([500, 500, 500])
    expect(ended).toEqual([...Array.from({ length: 10 }, () => 'single'), 'batch', 'batch', 'batch'])
  })
})

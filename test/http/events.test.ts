import { describe, expect, it } from 'vitest'
import { createAddressOf } from '../../src/http/client.ts'
import { change, createFixture, lockDocument, meta } from './fixture.ts'

const open = async () => {
  const fixture = createFixture()
  const policies = [meta('g/echo/1.0')]
  fixture.registry.swap(change({ policies, complete: true, revision: 3, sequence: 5 }))
  const response = await fixture.app.request('/api/events')
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (reader === undefined) throw new Error('no body')
  const next = async (): Promise<string> => (await reader.read()).value ?? 'the end'
  return { ...fixture, response, reader, next }
}

describe('events', () => {
  it('say how things stand, and then that something changed, never what', async () => {
    const { response, next, registry, reader } = await open()
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(await next()).toBe('event: change\ndata: {"sequence":5,"revision":3}\n\n')
    registry.swap(change({ locks: new Map([['g/echo/1.0', lockDocument('g/echo/1.0')]]), revision: 3, sequence: 6 }))
    expect(await next()).toBe('event: change\ndata: {"sequence":6,"revision":3}\n\n')
    await reader.cancel()
  })

  it('tell of a source whose state changed', async () => {
    const { held, next, reader } = await open()
    await next()
    await new Promise((resolve) => setTimeout(resolve, 50))
    if (held.source !== null) held.source = { ...held.source, phase: 'Stalled', reason: 'FetchFailed' }
    expect(await next()).toBe('event: sources\ndata: {"main":"Stalled"}\n\n')
    await reader.cancel()
  })

  it('end when the server stops', async () => {
    const { held, next } = await open()
    await next()
    held.stop.abort()
    expect(await next()).toBe('the end')
  })
})

describe('streams of events', () => {
  const most = 40
  const streamsOf = () => {
    const { app } = createFixture({ identity: { addressOf: (_, forwarded) => forwarded ?? null } })
    return async (address: string) => app.request('/api/events', { headers: { 'x-forwarded-for': address } })
  }

  it('are bounded for each client address, so that one leaves some to the others', async () => {
    const ask = streamsOf()
    const open = await Promise.all(Array.from({ length: most }, () => ask('192.0.2.1')))
    expect(new Set(open.map(({ status }) => status))).toEqual(new Set([200]))
    const refused = await ask('192.0.2.1')
    expect([refused.status, await refused.json()]).toMatchObject([429, { code: 'rate_limited' }])
    const other = await ask('192.0.2.2')
    expect(other.status).toBe(200)
    await open[0]?.body?.cancel()
    const again = await ask('192.0.2.1')
    expect(again.status).toBe(200)
    await Promise.all([...open.slice(1), other, again].map(async ({ body }) => body?.cancel()))
  })

  it('count one network of IPv6 as one client', async () => {
    const ask = streamsOf()
    const open = await Promise.all(Array.from({ length: most }, (_, at) => ask(`2001:db8:1:2::${at + 1}`)))
    expect((await ask('2001:db8:1:2:3::4')).status).toBe(429)
    const other = await ask('2001:db8:1:3::1')
    expect(other.status).toBe(200)
    await Promise.all([...open, other].map(async ({ body }) => body?.cancel()))
  })

  it('are given back when the connection ends', async () => {
    const { server } = createFixture({ identity: { addressOf: createAddressOf([]) } })
    const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
    const ask = (signal: AbortSignal) => fetch(`http://127.0.0.1:${port}/api/events`, { signal })
    const [first, second] = [new AbortController(), new AbortController()]
    await Promise.all(Array.from({ length: most }, () => ask(first.signal)))
    expect((await ask(second.signal)).status).toBe(429)
    first.abort()
    await expect.poll(async () => (await ask(second.signal)).status).toBe(200)
    second.abort()
    await server.close({ graceMs: 100 })
  })
})

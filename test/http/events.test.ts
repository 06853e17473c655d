import { describe, expect, it } from 'vitest'
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

import { describe, expect, it } from 'vitest'
import { EdictError } from '../../src/errors.ts'
import type { Draft, DraftOutcome } from '../../src/http/routes/dry-run.ts'
import { createFixture, type FixtureOptions } from './fixture.ts'

const nothing: DraftOutcome = { findings: [], evaluated: null, explained: null }

const open = (options: FixtureOptions = {}) => {
  const { app, held } = createFixture(options)
  const ask = async (body: unknown, init: RequestInit = {}) => {
    const response = await app.request('/api/dry-run', { method: 'POST', body: JSON.stringify(body), ...init })
    const text = await response.text()
    return { status: response.status, text, json: JSON.parse(text) as Record<string, unknown> }
  }
  return { ask, held }
}

describe('a dry run', () => {
  it('passes headers in any spelling, and input and data as they are written', async () => {
    const seen: unknown[] = []
    const runDraft = async ({ header, input, data, rego, explain }: Draft) => {
      seen.push(header('x-TENANT'), input && Buffer.from(input).toString(), data, rego, explain)
      return nothing
    }
    const headers = { 'X-Tenant': 'one' }
    await open({ runDraft }).ask({ rego: 'package a.b', data: ' ', input: '1.50', headers, explain: true })
    expect(seen).toEqual(['one', '1.50', null, 'package a.b', true])
  })

  it('says where the input is no JSON, without running anything', async () => {
    const runDraft = () => Promise.reject(new Error('it ran'))
    const { json } = await open({ runDraft }).ask({ rego: 'package a.b', input: '{\n  "a": nope\n}' })
    expect(json).toMatchObject({
      ok: false,
      findings: [{ code: 'invalid_json', file: 'input.json', line: 2, column: 8 }],
      took: null,
    })
  })

  it('is for those who may change something', async () => {
    const enforce = () => Promise.reject(new EdictError('forbidden', 'viewers only look'))
    expect(await open({ enforce }).ask({ rego: 'package a.b' })).toMatchObject({ status: 403 })
    const { ask, held } = open()
    await ask({ rego: 'package a.b' })
    expect(held.enforced).toEqual(['local change anything *'])
  })

  it('asks of each module whether this actor may read it; what cannot be asked is no no', async () => {
    const asked: unknown[] = []
    const runDraft = async ({ mayRead }: Draft) => {
      asked.push(await mayRead('lib/open'), await mayRead('lib/hidden'))
      asked.push(await mayRead('lib/down').catch((error: unknown) => (error as EdictError).code))
      return nothing
    }
    const { ask } = open({
      runDraft,
      enforce: async (actor, action, resource) => {
        const [one] = [resource].flat()
        if (action === 'read' && one?.key === 'lib/hidden') throw new EdictError('forbidden', 'no')
        if (action === 'read' && one?.key === 'lib/down') throw new EdictError('store_unavailable', 'down')
        if (actor === null) throw new EdictError('unauthenticated', 'nobody')
        return actor
      },
    })
    expect((await ask({ rego: 'package a.b' })).status).toBe(200)
    expect(asked).toEqual([true, false, 'store_unavailable'])
  })

  it('refuses what is too large, is no such request, or is one too many', async () => {
    let let_go = (): void => undefined
    const held = new Promise<void>((resolve) => (let_go = resolve))
    const { ask } = open({ runDraft: async () => held.then(() => nothing) })
    expect(await ask({ rego: 'x'.repeat(2000) })).toMatchObject({ status: 413, json: { code: 'body_too_large' } })
    expect(await ask({})).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
    expect(await ask({ rego: 'x', inputs: '1' })).toMatchObject({ status: 400 })
    const eight = Array.from({ length: 8 }, () => ask({ rego: 'package a.b' }))
    expect(await ask({ rego: 'package a.b' })).toMatchObject({ status: 503, json: { code: 'too_many_requests' } })
    let_go()
    expect((await Promise.all(eight)).map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200))
    expect((await ask({ rego: 'package a.b' })).status).toBe(200)
  })

  it('that nobody waits for any more is no failure of ours', async () => {
    const stop = new AbortController()
    const runDraft = ({ signal }: Draft): Promise<never> =>
      new Promise((_, fail) => {
        signal.addEventListener('abort', () => fail(new Error('stopped')))
        stop.abort()
      })
    const gone = await open({ runDraft }).ask({ rego: 'package a.b' }, { signal: stop.signal })
    expect(gone).toMatchObject({ status: 408, json: { code: 'request_timeout' } })
  })
})

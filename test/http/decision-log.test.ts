import { expect, test } from 'vitest'
import { createDecisionLog } from '../../src/http/decision-log.ts'
import { change, createFixture, meta, throughSocket } from './fixture.ts'

const logged = async (options: { input?: boolean; headers?: boolean }): Promise<Record<string, unknown>> => {
  const lines: object[] = []
  const log = { info: (fields: object) => lines.push(fields) }
  const fixture = createFixture({ decide: { decisionLog: createDecisionLog({ log, ...options }) } })
  fixture.registry.swap(change({ policies: [meta('g/echo/1')] }))
  const { port } = await fixture.server.listen({ host: '127.0.0.1', port: 0 })
  const headers = {
    authorization: 'Bearer s3cret',
    'x-test': 'shown',
    'x-evaluation-id': 'id-1',
    'x-request-id': 'req-1',
  }
  await throughSocket(port)('/policy/g/echo/1/evaluation', { method: 'POST', body: '{"n":1.000}', headers })
  await fixture.server.close({ graceMs: 0 })
  expect(lines).toHaveLength(1)
  return Object.fromEntries(Object.entries(lines[0] ?? {}))
}

test('a decision is one line, without input and headers', async () => {
  const line = await logged({})
  expect(line).toMatchObject({
    id: 'id-1',
    requestId: 'req-1',
    repository: 'main',
    policy: 'g/echo/1',
    outcome: 'value',
  })
  expect(line).toMatchObject({ status: 200, digest: 'digest-of-echo', commit: 'c0ffee', revision: 7 })
  expect(JSON.stringify(line)).not.toMatch(/s3cret|shown|1\.000/)
})

test('input and headers are logged when they are asked for, credentials never', async () => {
  const line = await logged({ input: true, headers: true })
  expect(line['input']).toBe('{"n":1.000}')
  expect(line['headers']).toMatchObject({ 'x-test': 'shown', authorization: '[redacted]' })
})

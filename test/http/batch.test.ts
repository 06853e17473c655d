/** Batches, through both doors: each item is what a single evaluation would be. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DecisionLine } from '../../src/http/decision-log.ts'
import {
  change,
  createFixture,
  type Door,
  type Fixture,
  lockDocument,
  meta,
  throughApp,
  throughSocket,
  value,
} from './fixture.ts'

const digits = '12345678901234567890.123456789012345678901234567890'
const ndjson = { 'content-type': 'application/x-ndjson' }
const key = 'g/p/1'

/** Answers by the text of the input; `onItem` is told of each. */
let onItem: (text: string) => void = () => undefined
const create = (options: Parameters<typeof createFixture>[0] = {}) => {
  const fixture = createFixture({
    ...options,
    policies: {
      scripted: (input, { header }) => {
        const text = Buffer.from(input ?? [])
          .toString()
          .trim()
        onItem(text)
        if (text === '"conflict"') return { kind: 'error', code: 'evaluation_error', message: 'conflict', cost: 8 }
        if (text === '"nothing"') return { kind: 'undefined', cost: 3 }
        if (text === '"broken"') throw new Error('a secret of ours')
        if (text.startsWith('oops'))
          return { kind: 'invalid_input', code: 'invalid_json', message: 'expected a JSON value', position: 0 }
        const answer = value(`{"input":${text},"header":${JSON.stringify(header('X-Test'))}}`)
        const ms = /"wait":(\d+)/.exec(text)?.[1]
        return ms === undefined ? answer : new Promise((resolve) => setTimeout(resolve, Number(ms), answer))
      },
    },
  })
  fixture.registry.swap(change({ policies: [meta(key, { wasm: 'scripted' })], complete: true }))
  return fixture
}

describe.each(['application', 'socket'])('through the %s', (kind) => {
  const logged: DecisionLine[] = []
  let fixture: Fixture
  let call: Door

  beforeAll(async () => {
    fixture = create({ decide: { decisionLog: (line) => void logged.push(line) } })
    const { port } = await fixture.server.listen({ host: '127.0.0.1', port: 0 })
    call = kind === 'application' ? throughApp(fixture) : throughSocket(port)
  })
  afterAll(() => fixture.server.close({ graceMs: 0 }))
  beforeEach(() => {
    onItem = () => undefined
    logged.length = 0
    fixture.registry.swap(change({ policies: [meta(key, { wasm: 'scripted' })], locks: new Map([[key, null]]) }))
  })

  const post = (body: string, headers: Record<string, string> = {}, path = `/policy/${key}/evaluations`) =>
    call(path, { method: 'POST', body, headers })
  const list = (...inputs: string[]): string => `{"inputs":[${inputs.join(',')}]}`
  const results = async (body: string, headers?: Record<string, string>): Promise<unknown[]> =>
    JSON.parse((await post(body, headers)).text).results
  const lines = async (body: string): Promise<unknown[]> =>
    (await post(body, ndjson)).text
      .split('\n')
      .slice(0, -1)
      .map((line): unknown => JSON.parse(line))

  test('each input has its answer in its place, with every digit', async () => {
    const reply = await post(list('1', digits, '{"a":[1,2]}', '"nothing"', 'null'), { 'x-test': 'yes' })
    expect(reply.status).toBe(200)
    expect(reply.header('content-type')).toBe('application/json')
    const item = (input: string) => `{"result":{"input":${input},"header":"yes"}}`
    expect(reply.text).toBe(
      `{"results":[${item('1')},${item(digits)},${item('{"a":[1,2]}')},{"result":{}},${item('null')}]}`,
    )
  })

  test('the headers are those of an evaluation, with the id of the batch and what all items cost', async () => {
    const reply = await post(list('1', '"conflict"', '"nothing"'), { 'x-evaluation-id': 'my batch' })
    expect(reply.header('x-evaluation-id')).toBe('my batch')
    expect(reply.header('etag')).toBe('my batch')
    expect(reply.header('x-policy-digest')).toBe('digest-of-scripted')
    expect(reply.header('x-policy-commit')).toBe('c0ffee')
    expect(reply.header('x-policy-revision')).toBe('7')
    expect(reply.header('x-evaluation-cost')).toBe('53')
    expect(reply.header('cache-control')).toBe('no-store')
  })

  test('an error stands in the place of its item, and says nothing of ours', async () => {
    const answers = await results(list('1', '"conflict"', '"broken"', '2'), { 'x-evaluation-id': 'b' })
    expect(answers).toEqual([
      { result: { input: 1, header: '' } },
      {
        error: {
          code: 'evaluation_error',
          message: 'the policy failed while it was evaluated',
          id: 'b/1',
          errors: [{ code: 'evaluation_error', message: 'conflict' }],
        },
      },
      { error: { code: 'internal_error', message: 'something went wrong on our side', id: 'b/2' } },
      { result: { input: 2, header: '' } },
    ])
  })

  test('no inputs, no results', async () => {
    expect((await post('{"inputs":[]}')).text).toBe('{"results":[]}')
    expect((await post(' { "inputs" : [ ] } ')).text).toBe('{"results":[]}')
    expect(await post('', ndjson)).toMatchObject({ status: 200, text: '' })
  })

  test('white space between the inputs does no harm', async () => {
    expect(await results('\n{ "inputs"\t: [ 1 ,\r\n [ 2 ] , "a, ]" ] }\n')).toMatchObject([
      { result: { input: 1 } },
      { result: { input: [2] } },
      { result: { input: 'a, ]' } },
    ])
  })

  test('the content type is not looked at but for NDJSON', async () => {
    const reply = await post(list('1'), { 'content-type': 'application/x-www-form-urlencoded' })
    expect(reply.status).toBe(200)
  })

  test.each([
    ['', 'invalid_request', 'at byte 0'],
    ['[1]', 'invalid_request', '{ "inputs": [ … ] }'],
    ['{}', 'invalid_request', 'at byte 1'],
    ['{"inputs":{}}', 'invalid_request', 'inputs must be a list, at byte 10'],
    ['{"input":[1]}', 'invalid_request', 'not "input", at byte 1'],
    ['{"inputs":[1],"more":2}', 'invalid_request', 'not "more", at byte 14'],
    ['{"inputs":[1],"inputs":[2]}', 'invalid_request', 'nothing but one "inputs"'],
    ['{"inputs":[1,2,{"a":oops}]}', 'invalid_json', 'inputs[2] is not JSON: expected a JSON value'],
    ['{"inputs":[1,]}', 'invalid_json', "inputs[1] is not JSON: expected a JSON value, found ']' at byte 13"],
    ['{"inputs":[1 2]}', 'invalid_json', 'expected a comma or ] at byte 13'],
    ['{"inputs":[1', 'invalid_json', 'expected a comma or ] at byte 12'],
    ['{"inputs":[1]', 'invalid_request', 'expected }, at byte 13'],
    ['{"inputs":[1]} x', 'invalid_json', 'at byte 15'],
    [list('['.repeat(501) + ']'.repeat(501)), 'input_too_deep', 'inputs[0] nests deeper than 500'],
  ])('the body %s is refused as %s: %s', async (body, code, message) => {
    const reply = await post(body)
    expect(reply.status).toBe(400)
    expect(JSON.parse(reply.text)).toMatchObject({ code, message: expect.stringContaining(message) })
  })

  test('bytes that are not UTF-8 are no JSON', async () => {
    const body = Buffer.concat([Buffer.from('{"inputs":["'), Buffer.of(0xff), Buffer.from('"]}')])
    const reply = await call(`/policy/${key}/evaluations`, { method: 'POST', body })
    expect(JSON.parse(reply.text)).toMatchObject({ code: 'invalid_json' })
  })

  test('too many inputs and too long a body are 413; too long an input is an error of its own', async () => {
    expect((await post(list('1', '2', '3', '4', '5'))).status).toBe(200)
    expect(JSON.parse((await post(list('1', '2', '3', '4', '5', '6'))).text)).toMatchObject({ code: 'body_too_large' })
    expect((await post(list(...['1', '2', '3'].map((text) => `"${text.repeat(1000)}"`)))).status).toBe(413)
    expect(await results(list('1', `"${'a'.repeat(999)}"`, '2'))).toMatchObject([
      { result: {} },
      { error: { code: 'body_too_large' } },
      { result: {} },
    ])
  })

  test('what concerns all items is the answer to the whole', async () => {
    const codeOf = async (path: string, headers = {}) => {
      const { status, text } = await post(list('1'), headers, path)
      return [status, JSON.parse(text).code]
    }
    expect(await codeOf('/policy/g/unknown/1/evaluations')).toEqual([404, 'policy_not_found'])
    expect(await codeOf(`/policy/other/${key}/evaluations`)).toEqual([404, 'policy_not_found'])
    expect(await codeOf(`/policy/${key}/evaluations`, { 'x-evaluation-id': 'a'.repeat(257) })).toEqual([
      400,
      'invalid_request',
    ])
    fixture.registry.swap(change({ locks: new Map([[key, lockDocument(key)]]) }))
    expect(await codeOf(`/policy/main/${key}/evaluations`)).toEqual([403, 'policy_locked'])
    expect(await codeOf(`/policy/${key}/evaluations`, ndjson)).toEqual([403, 'policy_locked'])
  })

  test('a lock in the middle ends the rest, a removal too', async () => {
    onItem = (text) => {
      if (text === '2') fixture.registry.swap(change({ locks: new Map([[key, lockDocument(key)]]) }))
      if (text === '4') fixture.registry.swap(change({ removed: [key] }))
    }
    const locked = { error: { code: 'policy_locked' } }
    expect(await results(list('1', '2', '3', '5'))).toMatchObject([{ result: {} }, { result: {} }, locked, locked])
    fixture.registry.swap(change({ locks: new Map([[key, null]]) }))
    expect(await lines('4\n5\n')).toMatchObject([{ result: {} }, { error: { code: 'policy_not_found' } }])
  })

  test('NDJSON: one answer a line; a line that is no JSON is an error of its own, blank ones do not count', async () => {
    const reply = await post(`1\r\n\n  \n${digits}\noops\n"last"`, { ...ndjson, 'x-evaluation-id': 'b' })
    expect(reply).toMatchObject({ status: 200 })
    expect(reply.header('content-type')).toBe('application/x-ndjson')
    expect(reply.header('x-policy-digest')).toBe('digest-of-scripted')
    expect(reply.header('x-evaluation-cost')).toBeNull()
    const message = 'the input is not JSON: expected a JSON value at byte 0'
    expect(reply.text).toBe(
      [
        '{"result":{"input":1,"header":""}}',
        `{"result":{"input":${digits},"header":""}}`,
        JSON.stringify({ error: { code: 'invalid_json', message, id: 'b/2' } }),
        '{"result":{"input":"last","header":""}}',
        '',
      ].join('\n'),
    )
  })

  test('NDJSON may have any number of lines, each as long as an input may be', async () => {
    const many = Array.from({ length: 2_000 }, (_, i) => `{"i":${i}}`)
    expect(await lines(many.join('\n'))).toMatchObject(many.map((_, i) => ({ result: { input: { i } } })))
    const long = `"${'a'.repeat(999)}"`
    expect(await lines(`1\n${long}\n"${'b'.repeat(998)}"\n${long}`)).toMatchObject([
      { result: {} },
      { error: { code: 'body_too_large' } },
      { result: {} },
      { error: { code: 'body_too_large' } },
    ])
  })

  test('what waits for a builtin does not hold up the decisions behind it, and the order is kept', async () => {
    const seen: string[] = []
    onItem = (text) => void seen.push(text)
    const inputs = ['{"wait":60}', '{"wait":5}', '3', '{"wait":30}']
    const expected = inputs.map((input) => ({ result: { input: JSON.parse(input) } }))
    expect(await results(list(...inputs))).toMatchObject(expected)
    expect(seen).toEqual(inputs)
    expect(await lines(inputs.join('\n'))).toMatchObject(expected)
    const many = Array.from({ length: 100 }, (_, i) => `{"wait":1,"i":${i}}`)
    expect(await lines(many.join('\n'))).toMatchObject(many.map((_, i) => ({ result: { input: { i } } })))
  })

  test('metrics and the decision log have each item', async () => {
    const counted = async (outcome: string): Promise<number> => {
      const line = (await fixture.metrics.scrape())
        .split('\n')
        .find((text) => text.startsWith(`edict_decisions_total{policy="${key}",outcome="${outcome}"}`))
      return Number(line?.split(' ').at(-1) ?? 0)
    }
    const before = [await counted('value'), await counted('error'), await counted('undefined')] as const
    await post(list('1', '"conflict"', '{"wait":1}', '"nothing"'), { 'x-evaluation-id': 'b', 'x-request-id': 'r' })
    const after = [await counted('value'), await counted('error'), await counted('undefined')] as const
    expect(after.map((count, i) => count - (before[i] ?? 0))).toEqual([2, 1, 1])
    expect(
      logged
        .toSorted((a, b) => a.id.localeCompare(b.id))
        .map(({ id, outcome, status, cost, request }) => [
          ...[id, outcome, status, cost, request.requestId],
          Buffer.from(request.body).toString(),
        ]),
    ).toEqual([
      ['b/0', 'value', 200, 42, 'r', '1'],
      ['b/1', 'error', 500, 8, 'r', '"conflict"'],
      ['b/2', 'value', 200, 42, 'r', '{"wait":1}'],
      ['b/3', 'undefined', 200, 3, 'r', '"nothing"'],
    ])
  })

  test('a batch asks for the Host, and pages of other sites may evaluate as they may singly', async () => {
    expect((await post(list('1'), { host: 'evil.example' })).status).toBe(403)
    expect((await post(list('1'), { 'sec-fetch-site': 'cross-site' })).status).toBe(200)
  })

  test('another method is 405', async () => {
    const reply = await call(`/policy/${key}/evaluations`)
    expect(reply.status).toBe(405)
    expect(reply.header('allow')).toBe('POST')
  })
})

/** Tests of policies in a cycle's build: on real opa and the real engine. */
import { beforeAll, describe, expect, it } from 'vitest'
import { extensions } from '../../extensions/index.ts'
import type { CachedOpa } from '../../src/opa/cached.ts'
import { costChanges, plannedTests } from '../../src/testing/planned-tests.ts'
import { createTester, type Tester } from '../../src/testing/tester.ts'
import { cachedOpa } from '../opa/opa-for-tests.ts'
import { createWorld, fragment, shown, type Files } from './build/built-world.ts'

let opa: CachedOpa

beforeAll(async () => {
  opa = await cachedOpa()
})

const policy = (rule: string): string => `package shop.price\n\n${rule}\n`
const file = (text: string): Files => ({ 'shop/price/1.0/policy.tests.yaml': text })
const rego = (text: string): Files => ({
  'shop/price/1.0/policy_test.rego': `package shop.price_test\n\nimport data.shop.price\n\n${text}\n`,
})
const expecting = (answer: string): Files => file(`cases:\n  - { name: c, expect: { exact: ${answer} } }\n`)

const worldWith = (tester: Tester = createTester({ extensions })) => createWorld(opa, { tester })
const main = (rule: string, ...more: readonly Files[]) =>
  fragment('main', Object.assign({ 'shop/price/1.0/policy.rego': policy(rule) }, ...more) as Files)

describe('a policy is published when its tests pass', () => {
  it('the cases of its tests file, and its test rules, run on what it compiles to', async () => {
    const world = worldWith()
    const built = await world.apply([main('a := 1', expecting('{ a: 1 }'), rego('test_a if price.a == 1'))])
    expect(built.tests.flatMap(({ results }) => results.map(({ name, status }) => [name, status]))).toEqual([
      ['c', 'passed'],
      ['data.shop.price_test.test_a', 'passed'],
    ])
    expect(world.policies.get('shop/price/1.0')?.status.phase).toBe('Ready')
  })

  it('a case that fails keeps it back, and the finding names file, line, case and difference', async () => {
    const world = worldWith()
    const built = await world.apply([main('a := 1', expecting('{ a: 2 }'))])
    expect(world.policies.get('shop/price/1.0')).toMatchObject({ artifact: null, status: { phase: 'Quarantined' } })
    expect(built.findings.get('main')).toMatchObject([
      {
        code: 'test_failed',
        file: 'shop/price/1.0/policy.tests.yaml',
        line: 2,
        column: 5,
        message: 'c: at a: expected 2, got 1',
      },
    ])
    expect(world.blobs.size).toBe(0)
  })

  it('so does a test rule, and the last good version stays in force', async () => {
    const world = worldWith()
    const test = rego('test_a if price.a == 1')
    await world.apply([main('a := 1', test)])
    const good = world.policies.get('shop/price/1.0')
    const built = await world.apply([main('a := 2', test)])
    expect(shown(built)).toEqual(['test_failed shop/price/1.0/policy_test.rego:5'])
    expect(world.policies.get('shop/price/1.0')).toMatchObject({
      artifact: good?.artifact,
      status: { phase: 'Quarantined' },
    })
    const mended = await world.apply([main('a := 2', rego('test_a if price.a == 2'))])
    expect(shown(mended)).toEqual([])
    expect(world.policies.get('shop/price/1.0')?.status.phase).toBe('Ready')
  })

  it('a tests file that cannot be read keeps it back', async () => {
    const built = await worldWith().apply([main('a := 1', file('cases:\n  - nom: c\n'))])
    expect(shown(built)[0]).toBe('invalid_tests shop/price/1.0/policy.tests.yaml:2')
  })

  it('each test rule is run by itself: one that conflicts fails alone', async () => {
    const built = await worldWith().apply([
      main(
        'f(x) := x',
        rego(
          'test_bad if {\n\tx := [1, 2][_]\n\tprice.g == x\n}\ntest_good if price.f(1) == 1\ntodo_test_later if false',
        ),
        {
          'shop/price/1.0/more.rego': 'package shop.price\n\ng := 1 if true\n\ng := 2 if true\n',
        },
      ),
    ])
    const results = built.tests[0]?.results.map(({ name, status }) => `${name.split('.').at(-1)} ${status}`)
    expect(results).toEqual(['test_bad failed', 'test_good passed', 'todo_test_later skipped'])
  })
})

describe('tests are run only when something changed', () => {
  const counting = (inner: Tester) => {
    let runs = 0
    const tester: Tester = { ...inner, test: (subject) => (runs++, inner.test(subject)) }
    return { tester, runs: () => runs }
  }

  it('an unchanged policy is not tested again', async () => {
    const { tester, runs } = counting(createTester({ extensions }))
    const world = worldWith(tester)
    await world.apply([main('a := 1', expecting('{ a: 1 }'))])
    const again = await world.apply([main('a := 1', expecting('{ a: 1 }'))])
    expect([runs(), again.tests, again.changesForce]).toEqual([1, [], false])
  })

  it('a changed test alone is run, and replaces no artifact', async () => {
    const { tester, runs } = counting(createTester({ extensions }))
    const world = worldWith(tester)
    await world.apply([main('a := 1', expecting('{ a: 1 }'))])
    const digest = world.policies.get('shop/price/1.0')?.digest
    const built = await world.apply([main('a := 1', expecting('{ a: 2 }'))])
    expect([runs(), shown(built), world.policies.get('shop/price/1.0')?.digest]).toEqual([
      2,
      ['test_failed shop/price/1.0/policy.tests.yaml:2'],
      digest,
    ])
  })

  it('a source may be published untested; switched on, its tests count again', async () => {
    const off = createWorld(opa, { tester: createTester({ extensions, off: new Set(['main']) }) })
    const failing = [main('a := 1', expecting('{ a: 2 }'))]
    await off.apply(failing)
    expect(off.policies.get('shop/price/1.0')?.status.phase).toBe('Ready')
    const on = worldWith()
    for (const [key, document] of off.policies) on.policies.set(key, document)
    expect(shown(await on.apply(failing))).toEqual(['test_failed shop/price/1.0/policy.tests.yaml:2'])
  })

  it('a shared module that breaks the tests of a policy keeps the policy as it was', async () => {
    const world = worldWith()
    const own = (limit: number) =>
      main('a := data.lib.limits.most', expecting('{ a: 5 }'), {
        'lib/limits.rego': `package lib.limits\n\nmost := ${limit}\n`,
      })
    await world.apply([own(5)])
    const good = world.policies.get('shop/price/1.0')?.digest
    const built = await world.apply([own(6)])
    expect([shown(built), world.policies.get('shop/price/1.0')?.digest]).toEqual([
      ['test_failed shop/price/1.0/policy.tests.yaml:2'],
      good,
    ])
  })
})

describe('what a plan says of tests', () => {
  it('counts, failures, and what cases cost before and after', async () => {
    const blobs = new Map<string, Uint8Array>()
    const readBlob = (digest: string) => Promise.resolve(blobs.get(digest) ?? new Uint8Array())
    const world = createWorld(opa, { tester: createTester({ extensions }), readBlob })
    const test = expecting('{ a: 1 }')
    await world.apply([main('a := 1', test)])
    for (const [digest, bytes] of world.blobs) blobs.set(digest, bytes)
    const { tests } = await world.build([main('a := 1 if count(numbers.range(1, 500)) == 500', test)])
    expect(plannedTests(tests)).toEqual({
      passed: 1,
      failed: 0,
      skipped: 0,
      policies: [{ policy: 'shop/price/1.0', passed: 1, failed: 0, skipped: 0 }],
      failures: [],
    })
    const [change] = costChanges(tests) ?? []
    expect(change).toMatchObject({ policy: 'shop/price/1.0', test: 'c' })
    expect(change?.after).toBeGreaterThan(change?.before ?? Infinity)
    const failing = await world.build([main('a := 2', test)])
    expect(plannedTests(failing.tests)?.failures).toEqual([
      {
        policy: 'shop/price/1.0',
        test: 'c',
        file: 'shop/price/1.0/policy.tests.yaml',
        line: 2,
        message: 'at a: expected 1, got 2',
      },
    ])
  })

  it('nothing where nothing was run', () => {
    expect([plannedTests([]), costChanges([])]).toEqual([null, null])
  })
})

describe('what a case says of the world', () => {
  const resultOf = async (rule: string, text: string, also: Files = {}) => {
    const built = await worldWith().build([main(rule, file(text), also)])
    const found = built.findings.get('main') ?? []
    const [result] = built.tests[0]?.results ?? []
    return result === undefined ? found.map(({ message }) => message).join() : result.message || result.status
  }

  it('input, headers, time', async () => {
    const rule = 'a := [input.x, get_header("X-Tenant"), time.now_ns()]'
    const asked = 'input: { x: 1.50 }, headers: { x-tenant: t }, now: 2030-01-01T00:00:00Z'
    const text = `cases:\n  - { name: c, ${asked}, expect: { exact: { a: [1.5, t, 1893456000000000000] } } }\n`
    expect(await resultOf(rule, text)).toBe('passed')
  })

  it('data is replaced at a path, for one case alone', async () => {
    const also = { 'shop/price/1.0/data.json': '{"t":{"a":1,"b":2},"u":10000000000000000000001}' }
    const text = `cases:\n  - { name: c, data: { t.a: 5, w: [1] }, expect: { exact: { a: { t: { a: 5, b: 2 }, u: 10000000000000000000001 } } } }
  - { name: d, expect: { path: { a.t.a: 1 } } }\n`
    const built = await worldWith().build([main('a := {"t": data.t, "u": data.u}', file(text), also)])
    expect(built.tests[0]?.results.map(({ message }) => message)).toEqual(['', ''])
  })

  it('a mocked builtin answers by its arguments, and what no mock fits fails the case', async () => {
    const rule = 'a := http.send({"method": "get", "url": input.url}).body'
    const text = (url: string) => `cases:
  - name: c
    input: { url: ${url} }
    mocks:
      http.send:
        - { args: [{ url: one }], result: { body: 1 } }
        - { args: [{ url: two }], error: unreachable }
        - { args: [{ url: three }], result: !undefined }
    expect: { exact: { a: 1 } }\n`
    expect(await resultOf(rule, text('one'))).toBe('passed')
    expect(await resultOf(rule, text('two'))).toBe('at a: expected 1, got nothing')
    expect(await resultOf(rule, text('three'))).toBe('at a: expected 1, got nothing')
    expect(await resultOf(rule, text('four'))).toBe('no answer is mocked for http.send({"method":"get","url":"four"})')
  })

  it('nothing goes outside: a call that is not mocked fails the case, and a test rule', async () => {
    const rule = 'default a := 0\n\na := 1 if http.send({"method": "get", "url": "http://127.0.0.1:1/"})'
    const text = 'cases:\n  - { name: c, expect: { exact: { a: 0 } } }\n'
    expect(await resultOf(rule, text)).toMatch(/^http\.send\(.*\) goes outside and is not mocked$/)
    const built = await worldWith().build([main(rule, rego('test_a if price.a == 0'))])
    expect(built.findings.get('main')?.[0]?.message).toMatch(/goes outside and is not mocked$/)
  })

  it('an error is expected by its code, and a part of its message', async () => {
    const rule = 'a := x if some x in [1, 2]'
    const text = (expected: string) => `cases:\n  - { name: c, expect: ${expected} }\n`
    expect(await resultOf(rule, text('{ error: evaluation_error, message: conflict }'))).toBe('passed')
    expect(await resultOf(rule, text('{ error: evaluation_budget_exceeded }'))).toMatch(
      /^expected evaluation_budget_exceeded, got evaluation_error: /,
    )
    expect(await resultOf(rule, text('{ exact: {} }'))).toMatch(/^expected an answer, got evaluation_error: /)
    expect(await resultOf('a := 1', text('{ error: evaluation_error }'))).toBe(
      'expected evaluation_error, got an answer',
    )
  })

  it('a failing builtin ends a strict case', async () => {
    const text = 'strict: true\ncases:\n  - { name: c, expect: { error: evaluation_error } }\n'
    expect(await resultOf('a := json.unmarshal("{")', text.replace('strict: true\n', ''))).not.toBe('passed')
    expect(await resultOf('a := units.parse("x")', text)).toBe('passed')
  })

  it('a ceiling on cost is one', async () => {
    const text = (most: number) => `cases:\n  - { name: c, maxCost: ${most}, expect: { exact: { a: 1 } } }\n`
    expect(await resultOf('a := 1', text(1_000_000))).toBe('passed')
    expect(await resultOf('a := 1', text(1))).toMatch(/^it costs \d+ units, more than 1$/)
  })
})

/** What a hostile or careless policy costs: itself an error, its neighbours next to nothing. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Extension } from '../../extensions/extension.ts'
import { extensions } from '../../extensions/index.ts'
import { defaultLimits } from '../../src/engine/limits.ts'
import type { Outcome } from '../../src/engine/outcome.ts'
import type { LoadedPolicy } from '../../src/engine/policy.ts'
import { answer, compile, evaluateNow, load } from './compile.ts'

const MB = 2 ** 20

const rego = `package a.b

pairs := count([1 | some x in numbers.range(1, input.n); some y in numbers.range(1, input.n); x * y == 7]) if input.n
grown := count([y | some x in numbers.range(1, input.grow); y := [x, x, x]]) if input.grow
matches := [regex.match(input.pattern, s) | some s in data.texts] if input.pattern
globs := [glob.match(input.glob, [], s) | some s in data.texts] if input.glob
parsed := count(json.unmarshal(data.json)) if input.parse
parts := count(split(data.text, ",")) if input.split
headers := [get_header(concat("", [input.header, format_int(x, 10)])) | some x in numbers.range(1, input.times)] if input.times
conflict := 1 if input.conflict
conflict := 2 if input.conflict
found := data.list[input.at].name
sum := input.a + 1
`
let wasm: Uint8Array

beforeAll(async () => {
  wasm = await compile({ files: { 'policy.rego': rego }, document: 'data.a.b' })
})

const outcomeOf = (policy: LoadedPolicy, input: unknown): Outcome =>
  evaluateNow(policy, Buffer.from(JSON.stringify(input)))

const costOf = (policy: LoadedPolicy, input: unknown): number => {
  const outcome = outcomeOf(policy, input)
  if (outcome.kind === 'invalid_input') expect.unreachable()
  return outcome.cost
}

const exceeded = { kind: 'error', code: 'evaluation_budget_exceeded' }
const tooMuchWork = 'error: the evaluation takes more work than it may'

describe('the budget of work', () => {
  it('ends a comprehension of nine million steps', async () => {
    const policy = await load({ wasm })
    expect(outcomeOf(policy, { n: 3000 })).toMatchObject({ ...exceeded, cost: expect.any(Number) })
    expect(costOf(policy, { n: 3000 })).toBeLessThan(defaultLimits.budget * 1.01)
    expect(answer(policy, '{"a":1}')).toBe('{"sum":2}')
  })

  it('ends what the runtime does natively', async () => {
    const data = {
      texts: Array.from({ length: 400 }, () => 'a'.repeat(200)),
      json: JSON.stringify(Array.from({ length: 5000 }, (_, i) => ({ i }))),
      text: 'a,'.repeat(20_000),
    }
    const policy = await load({ wasm, data: JSON.stringify(data), engine: { limits: { budget: 150_000 } } })
    const expensive = [
      { pattern: '(a+)+b' },
      { pattern: '(x?){30}'.repeat(30) },
      { glob: '*'.repeat(50) },
      { parse: true },
      { split: true },
    ]
    for (const input of expensive) {
      expect(outcomeOf(policy, input)).toMatchObject(exceeded)
      expect(answer(policy, '{"a":1}')).toBe('{"sum":2}')
    }
  })

  it('is charged for what the host does, by the call and by the byte', async () => {
    const policy = await load({ wasm })
    const [short, long, often] = [
      { header: 'x', times: 10 },
      { header: 'x'.repeat(1000), times: 10 },
      { header: 'x', times: 20 },
    ].map((input) => costOf(policy, input))
    expect((long ?? 0) - (short ?? 0)).toBeGreaterThan(10 * 1000 * 8)
    expect((often ?? 0) - (short ?? 0)).toBeGreaterThan(10 * 1000)
    expect(outcomeOf(policy, { header: 'x'.repeat(1000), times: 10_000 })).toMatchObject(exceeded)
  })

  it('ends a host builtin that answers too much', async () => {
    const flood: Extension = {
      name: 'get_header',
      decl: { args: [{ type: 'string' }], result: { type: 'string' } },
      kind: 'pure',
      doc: '',
      impl: () => 'x'.repeat(5 * MB),
    }
    const others = extensions.filter(({ name }) => name !== flood.name)
    const policy = await load({ wasm, engine: { extensions: [...others, flood] } })
    expect(outcomeOf(policy, { header: 'x', times: 1 })).toMatchObject(exceeded)
  })

  it('is not charged for loading 20 MB of data', { timeout: 60_000 }, async () => {
    const list = Array.from({ length: 320_000 }, (_, i) => ({ id: i, name: `user ${i}`, roles: ['reader', 'writer'] }))
    const data = JSON.stringify({ list })
    expect(data.length).toBeGreaterThan(19 * MB)
    const policy = await load({ wasm, data, engine: { limits: { budget: 30_000 } } })
    expect(answer(policy, '{"at":319999}')).toBe('{"found":"user 319999"}')
    expect(costOf(policy, { at: 319_999 })).toBeLessThan(30_000)
  })

  it.each(['1,', '[],', '{},', '"",', '"\\n",', '1.5e7,', 'null,', '{"a":[1]},'])(
    'does not include reading an input of a megabyte of %s',
    { timeout: 20_000 },
    async (item) => {
      const policy = await load({
        wasm: await compile({ files: {}, document: 'is_array(input)' }),
        engine: { limits: { budget: 10_000 } },
      })
      const input = `[${item.repeat(Math.floor(MB / item.length))}0]`
      expect(answer(policy, input)).toBe('true')
    },
  )

  it('serves each of 10,000 evaluations after one that exceeded it', { timeout: 60_000 }, async () => {
    const policy = await load({ wasm, data: '{"list":[{"name":"zero"}]}', engine: { limits: { budget: 40_000 } } })
    const right = '{"found":"zero","sum":8}'
    expect(answer(policy, '{"a":7,"at":0}')).toBe(right)
    const bytes = policy.bytes
    for (let i = 0; i < 10_000; i++) {
      if (answer(policy, '{"n":1000}') !== tooMuchWork) expect.unreachable()
      if (answer(policy, '{"a":7,"at":0}') !== right) expect.unreachable()
    }
    expect(policy.bytes).toBe(bytes)
  })

  it('can be cut off anywhere without harm to what follows', { timeout: 60_000 }, async () => {
    const input = { n: 3, pattern: 'a(b|c)+$', glob: 'a*', parse: true, split: true, a: 1 }
    const data = '{"texts":["abc","x"],"json":"[1,2]","text":"a,b"}'
    const free = await load({ wasm, data })
    const whole = answer(free, JSON.stringify(input))
    const cost = costOf(free, input)
    const reading = JSON.stringify(input).length * 96
    // Each policy below stops at another place; then the same module answers with a budget that is enough.
    for (let budget = 1; budget + reading < cost; budget += Math.ceil(cost / 60)) {
      const policy = await load({ wasm, data, engine: { limits: { budget } } })
      expect(outcomeOf(policy, input)).toMatchObject(exceeded)
      expect(answer(policy, '{"a":1}')).toMatch(/^(\{"sum":2\}|error: the evaluation takes more work)/)
    }
    expect(answer(free, JSON.stringify(input))).toBe(whole)
  })
})

describe('the budget of memory', () => {
  it('ends an evaluation that grows without end, and is given back', { timeout: 60_000 }, async () => {
    const policy = await load({ wasm, engine: { limits: { memory: 32 * MB, keep: MB, budget: 2e9 } } })
    const bytes = policy.bytes
    for (let i = 0; i < 20; i++) {
      expect(outcomeOf(policy, { grow: 1_000_000 })).toMatchObject({
        ...exceeded,
        message: 'the evaluation takes more memory than it may',
      })
      expect(policy.bytes).toBe(bytes)
      expect(answer(policy, '{"a":1}')).toBe('{"sum":2}')
    }
  })
})

describe('the cost of an evaluation', () => {
  const texts = '{"texts":["aaa","b"],"json":"[1,2,3]","text":"a,b"}'
  const inputs = [
    { a: 1 },
    { n: 20 },
    { grow: 3000 },
    { parse: true, split: true },
    { header: 'x', times: 5 },
    { conflict: true },
    { pattern: '^a+$' },
    { glob: 'a*' },
  ]

  it('is the same again, whatever came before', async () => {
    const policy = await load({ wasm, data: texts })
    const first = inputs.map((input) => costOf(policy, input))
    outcomeOf(policy, { n: 3000 })
    outcomeOf(policy, { grow: 20_000 })
    for (const order of [inputs, inputs.toReversed()]) {
      for (const input of order) expect([input, costOf(policy, input)]).toEqual([input, first[inputs.indexOf(input)]])
    }
  })

  it('is the same on another instance', async () => {
    const costs = async (): Promise<readonly number[]> => {
      const policy = await load({ wasm, data: texts })
      return inputs.toReversed().map((input) => costOf(policy, input))
    }
    expect(await costs()).toEqual(await costs())
  })

  it('grows with the work', async () => {
    const policy = await load({ wasm })
    const [ten, twenty, forty] = [10, 20, 40].map((n) => costOf(policy, { n }))
    expect((twenty ?? 0) / (ten ?? 1)).toBeGreaterThan(2.5)
    expect((forty ?? 0) / (twenty ?? 1)).toBeGreaterThan(3)
    expect((forty ?? 0) / (twenty ?? 1)).toBeLessThan(4.5)
  })

  it('of an evaluation that exceeded its budget is no less than that', async () => {
    const policy = await load({ wasm, engine: { limits: { budget: 50_000 } } })
    expect(costOf(policy, { n: 3000 })).toBeGreaterThanOrEqual(50_000)
  })
})

describe('a neighbour of a hostile policy', () => {
  it('is answered right between any two of its evaluations', { timeout: 60_000 }, async () => {
    const hostile = await load({ wasm })
    const neighbour = await load({ wasm, data: '{"list":[{"name":"zero"}]}' })
    for (let i = 0; i < 100; i++) {
      expect(outcomeOf(hostile, i % 2 === 0 ? { n: 3000 } : { grow: 10_000_000 })).toMatchObject(exceeded)
      expect(answer(neighbour, '{"at":0}')).toBe('{"found":"zero"}')
    }
  })
})

/** How many instances are made until it is stopped. */
const countInstances = () => {
  const original = WebAssembly.Instance
  let made = 0
  WebAssembly.Instance = new Proxy(original, {
    construct: (target, args) => {
      made++
      return Reflect.construct(target, args) as object
    },
  })
  return {
    stop: () => {
      WebAssembly.Instance = original
      return made
    },
  }
}

describe('a rule conflict', () => {
  it('costs an instance with 10 MB of data nothing', { timeout: 60_000 }, async () => {
    const list = Array.from({ length: 160_000 }, (_, i) => ({ id: i, name: `user ${i}`, roles: ['reader', 'writer'] }))
    const policy = await load({ wasm, data: JSON.stringify({ list }) })
    const bytes = policy.bytes
    const instances = countInstances()
    for (let i = 0; i < 2000; i++) {
      if (!answer(policy, '{"conflict":true}').startsWith('error: eval_conflict_error')) expect.unreachable()
      if (answer(policy, '{"at":9}') !== '{"found":"user 9"}') expect.unreachable()
    }
    // Making the instance anew took 2 ms to 40 ms, each time.
    expect(instances.stop()).toBe(0)
    expect(policy.bytes).toBe(bytes)
  })
})

import { beforeAll, describe, expect, it } from 'vitest'
import type { Extension, PureExtension } from '../../extensions/extension.ts'
import { createEngine } from '../../src/engine/engine.ts'
import type { LoadedPolicy } from '../../src/engine/policy.ts'
import { answer, compile, contextOf, entrypoint, evaluateNow, load } from './compile.ts'

const MB = 2 ** 20
/** `EDICT_LONG_TESTS=1` runs a million. */
const evaluations = process.env['EDICT_LONG_TESTS'] === '1' ? 1_000_000 : 100_000
/** More than anything here takes. */
const budget = 2e9

/** One policy that can go wrong in every way, and right. */
const rego = `package a.b

conflict := 1 if input.conflict
conflict := 2 if input.conflict

object[k] := v if some v, k in input.twice

grown := count([y | some x in numbers.range(1, input.grow); y := [x, x, x]]) if input.grow

deep := json.unmarshal(input.deep) if input.deep

sum := input.n + 1
ok if input.ok
found := data.list[input.at]
header := get_header(input.header)
`
const sources = { files: { 'policy.rego': rego }, document: 'data.a.b' }
let wasm: Uint8Array

beforeAll(async () => {
  wasm = await compile(sources)
})

describe('a policy', () => {
  it('reports a rule conflict with its place, and answers the next input', async () => {
    const policy = await load({ wasm })
    expect(policy.evaluate(Buffer.from('{"conflict":true}'), contextOf())).toEqual({
      kind: 'error',
      code: 'evaluation_error',
      message: 'eval_conflict_error: complete rules and functions must not produce multiple outputs',
      location: { file: 'policy.rego', row: 4, col: 1 },
      cost: expect.any(Number),
    })
    expect(policy.evaluate(Buffer.from('{"twice":["k","k"]}'), contextOf())).toMatchObject({
      message: 'eval_conflict_error: object keys must be unique',
      location: { file: 'policy.rego', row: 6 },
    })
    expect(answer(policy, '{"ok":true}')).toBe('{"object":{},"ok":true}')
  })

  it('answers right after each of 10,000 rule conflicts', { timeout: 60_000 }, async () => {
    const policy = await load({ wasm, data: '{"list":["zero"]}' })
    for (let i = 0; i < 10_000; i++) {
      if (!answer(policy, '{"conflict":true}').startsWith('error: eval_conflict_error')) expect.unreachable()
      if (answer(policy, `{"n":${i},"at":0}`) !== `{"found":"zero","object":{},"sum":${i + 1}}`) expect.unreachable()
    }
    expect(policy.bytes).toBeLessThan(MB)
  })

  it('refuses 10,000 inputs of 40 kB of brackets, and answers between them', { timeout: 60_000 }, async () => {
    const policy = await load({ wasm })
    const bytes = policy.bytes
    const brackets = Buffer.from('['.repeat(40_000))
    for (let i = 0; i < 10_000; i++) {
      if (answer(policy, brackets) !== 'invalid_input: the input nests deeper than 500') expect.unreachable()
      if (answer(policy, `{"n":${i}}`) !== `{"object":{},"sum":${i + 1}}`) expect.unreachable()
    }
    expect(policy.bytes).toBe(bytes)
  })

  it('survives 300 inputs that are too deep for WASM itself', { timeout: 60_000 }, async () => {
    const policy = await load({ wasm, data: '{"list":[1]}', engine: { limits: { maxDepth: 1e6 } } })
    const nested = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    for (let i = 0; i < 300; i++) {
      if (answer(policy, nested) !== 'error: the evaluation nests too deeply') expect.unreachable()
      if (answer(policy, '{"at":0}') !== '{"found":1,"object":{}}') expect.unreachable()
    }
  })

  it('takes inputs as deep as the default limit allows', async () => {
    const policy = await load({ wasm: await compile({ files: {}, document: 'input' }) })
    const nested = `${'[{"k":'.repeat(250)}1${'}]'.repeat(250)}`
    expect(answer(policy, nested)).toBe(nested)
  })

  it('tells invalid JSON from an evaluation error', async () => {
    const policy = await load({ wasm })
    expect(policy.evaluate(Buffer.from('{"a":1}}'), contextOf())).toEqual({
      kind: 'invalid_input',
      code: 'invalid_json',
      position: 7,
      message: "expected the end of the JSON text, found '}'",
    })
    expect(policy.evaluate(Buffer.from('[[]]'.padStart(2000, '[')), contextOf())).toMatchObject({
      code: 'input_too_deep',
    })
  })

  it('does not hand out memory that a later evaluation overwrites', async () => {
    const policy = await load({ wasm })
    const first = evaluateNow(policy, Buffer.from('{"n":1}'))
    const second = evaluateNow(policy, Buffer.from('{"n":22}'))
    const texts = [first, second].map((it) => (it.kind === 'value' ? Buffer.from(it.json).toString() : it.kind))
    expect(texts).toEqual(['{"object":{},"sum":2}', '{"object":{},"sum":23}'])
  })
})

describe('an answer', () => {
  it('is the one to its own input, however alike its neighbours are', async () => {
    const policy = await load({ wasm: await compile({ files: {}, document: 'input' }) })
    const texts = [
      '1',
      '1',
      '2',
      '12',
      '1',
      '"1"',
      '[1]',
      '[1,1]',
      '"é"',
      '"e"',
      '',
      'null',
      '1'.repeat(127),
      '1'.repeat(128),
    ]
    for (const text of [...texts, ...texts.toReversed(), ...texts]) {
      const expected = text === '' ? 'undefined' : text
      expect(answer(policy, text === '' ? undefined : text)).toBe(expected)
    }
  })
})

describe('the memory of a policy', () => {
  it('ends a runaway evaluation with an error, and is small again afterwards', { timeout: 30_000 }, async () => {
    const policy = await load({ wasm, engine: { limits: { memory: 64 * MB, budget } } })
    const before = policy.bytes
    expect(answer(policy, '{"grow":3000000}')).toBe('error: the evaluation takes more memory than it may')
    expect(policy.bytes).toBe(before)
    expect(answer(policy, '{"grow":10}')).toBe('{"grown":10,"object":{}}')
  })

  it('is given back when one evaluation made it grow', async () => {
    const policy = await load({ wasm, data: '{"list":["zero"]}', engine: { limits: { keep: MB, budget } } })
    const before = policy.bytes
    expect(answer(policy, '{"grow":50000,"at":0}')).toBe('{"found":"zero","grown":50000,"object":{}}')
    expect(policy.bytes).toBe(before)
    expect(answer(policy, '{"at":0}')).toBe('{"found":"zero","object":{}}')
  })

  it(`stays flat over ${evaluations} mixed evaluations`, { timeout: 600_000 }, async () => {
    const policy = await load({ wasm, data: '{"list":["zero","one"]}' })
    const long = JSON.stringify({ n: 1, text: 'x'.repeat(300_000) })
    const step = (i: number): void => {
      if (i % 100 === 0) answer(policy, '{"conflict":true}')
      if (i % 500 === 1) answer(policy, long)
      if (i % 100 === 2) answer(policy, '{"twice":["a","a"]}')
      if (i % 100 === 3) answer(policy, 'no json')
      if (answer(policy, `{"at":1,"header":"A"}`, { A: `${i}` }) !== `{"found":"one","header":"${i}","object":{}}`) {
        expect.unreachable()
      }
    }
    for (let i = 0; i < 20_000; i++) step(i)
    const early = policy.bytes
    const heap = process.memoryUsage().rss
    for (let i = 20_000; i < evaluations; i++) step(i)
    expect(policy.bytes).toBe(early)
    expect(process.memoryUsage().rss - heap).toBeLessThan(150 * MB)
  })

  it('takes 10 MB of data, and keeps it over conflicts and traps', { timeout: 60_000 }, async () => {
    const list = Array.from({ length: 160_000 }, (_, i) => ({ id: i, name: `user ${i}`, roles: ['reader', 'writer'] }))
    const data = JSON.stringify({ list })
    expect(data.length).toBeGreaterThan(9 * MB)
    const policy = await load({ wasm, data, engine: { limits: { maxDepth: 1e6 } } })
    const deep = '['.repeat(20_000) + ']'.repeat(20_000)
    const right = '{"found":{"id":159999,"name":"user 159999","roles":["reader","writer"]},"object":{}}'
    for (const bad of ['{"conflict":true}', '{"grow":100000}', deep, '{"conflict":true}']) {
      answer(policy, bad)
      expect(answer(policy, '{"at":159999}')).toBe(right)
    }
    for (let i = 0; i < 20; i++) answer(policy, '{"conflict":true}')
    expect(answer(policy, '{"at":159999}')).toBe(right)
  })

  it('passes numbers of a million digits through', async () => {
    const policy = await load({ wasm: await compile({ files: {}, document: 'input' }) })
    const million = '7'.repeat(1_000_000)
    for (const text of [million, `0.${million}`, `[${million}e5,-${million}]`]) expect(answer(policy, text)).toBe(text)
  })

  it('leaves room for a thousand policies at once', { timeout: 60_000 }, async () => {
    const engine = createEngine({ extensions: [] })
    const module = await engine.compile(await compile({ files: {}, document: 'data.x' }))
    const policies = Array.from({ length: 1000 }, (_, i) => engine.load({ module, data: `{"x":${i}}`, entrypoint }))
    expect(policies.map((policy) => answer(policy))).toEqual(policies.map((_, i) => `${i}`))
  })
})

describe('builtins', () => {
  const echo = (impl: PureExtension['impl']): Extension => ({
    name: 'get_header',
    decl: { args: [{ type: 'string' }], result: { type: 'any' } },
    kind: 'pure',
    doc: '',
    impl,
  })
  const withBuiltin = (impl: PureExtension['impl']): Promise<LoadedPolicy> =>
    load({ wasm, engine: { extensions: [echo(impl)] } })

  it('make their call undefined when they throw or answer undefined', async () => {
    const throwing = await withBuiltin(() => {
      throw new Error('no')
    })
    const silent = await withBuiltin(() => undefined)
    for (const policy of [throwing, silent])
      expect(answer(policy, '{"header":"x","ok":true}')).toBe('{"object":{},"ok":true}')
  })

  it('hand any character over, both ways', async () => {
    const policy = await withBuiltin(([name]) => name)
    const text = JSON.stringify({ header: '\0\u0001\t"\\/\u007f\u0080ÿé😀\u2028\uffff' })
    expect(JSON.parse(answer(policy, text))).toMatchObject(JSON.parse(text) as object)
  })

  it('see no header of an earlier decision', async () => {
    const policy = await load({ wasm })
    expect(answer(policy, '{"header":"A"}', { A: 'one' })).toBe('{"header":"one","object":{}}')
    expect(answer(policy, '{"header":"A"}')).toBe('{"header":"","object":{}}')
  })

  it('are found by name, and a module that needs an unknown one is refused', async () => {
    await expect(load({ wasm, engine: { extensions: [] } })).rejects.toMatchObject({
      name: 'EdictError',
      code: 'policy_quarantined',
      message: 'the policy needs builtins that this server does not have: get_header',
    })
  })
})

describe('loading', () => {
  const refused = { name: 'EdictError', code: 'policy_quarantined' }

  it('refuses what is no policy', async () => {
    const engine = createEngine({ extensions: [] })
    await expect(engine.compile(Buffer.from('not wasm'))).rejects.toMatchObject(refused)
    const empty = new WebAssembly.Module(Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))
    expect(() => engine.load({ module: empty, data: '{}', entrypoint })).toThrow(expect.objectContaining(refused))
  })

  it('refuses an entrypoint that the module does not have', async () => {
    const engine = createEngine({ extensions: [echoHeader] })
    const module = await engine.compile(wasm)
    expect(() => engine.load({ module, data: '{}', entrypoint: 'a/b' })).toThrow('no entrypoint a/b')
  })

  it('refuses data that is not JSON', async () => {
    const engine = createEngine({ extensions: [echoHeader] })
    const module = await engine.compile(wasm)
    for (const data of ['', '{', '{1}', '[1 2]']) {
      expect(() => engine.load({ module, data, entrypoint })).toThrow(expect.objectContaining(refused))
    }
  })

  it('takes data with a lone surrogate, as Go does', async () => {
    const policy = await load({ wasm, data: '{"list":["\\ud800"]}' })
    expect(answer(policy, '{"at":0}')).toBe('{"found":"\ufffd","object":{}}')
  })

  it('starts modules whose own constants need much memory', async () => {
    const text = 'x'.repeat(1_000_000)
    const policy = await load({
      wasm: await compile({ files: { 'p.rego': `package p\n\nx := "${text}"` }, document: 'data.p.x' }),
      engine: { limits: { budget } },
    })
    expect(answer(policy)).toBe(JSON.stringify(text))
  })
})

const echoHeader: Extension = {
  name: 'get_header',
  decl: { args: [{ type: 'string' }], result: { type: 'string' } },
  kind: 'pure',
  doc: '',
  impl: ([name]) => name,
}

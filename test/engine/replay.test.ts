import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Answer, OutsideExtension, RegoValue } from '../../extensions/extension.ts'
import { extensions } from '../../extensions/index.ts'
import { printJson } from '../../extensions/print-json.ts'
import type { EngineLimits } from '../../src/engine/limits.ts'
import type { Outcome } from '../../src/engine/outcome.ts'
import type { LoadedPolicy } from '../../src/engine/policy.ts'
import { compile, contextOf, load, outcomeText } from './compile.ts'

const rego = `package a.b

one := test.read(input.one)

chain := test.read(test.read(test.read(input.chain)))

twice := [test.read(input.twice), {"again": test.read(input.twice)}]

all := [x | some y in input.all; x := test.read(y)]

effects := [x | some y in input.effects; x := test.effect(y)]

fallback := "none" if not test.read(input.fallback)

conflict := 1 if input.conflict

conflict := test.read(input.conflict)

plain := input.plain

pure := test.pure(input.pure)

noted if {
  trace("before")
  x := test.read(input.noted)
  trace(sprintf("after %s", [x]))
}
`

type Call = (arg: RegoValue | undefined) => Answer | Promise<Answer>

const any = { type: 'any' } as const
const outside = (kind: OutsideExtension['kind'], call: Call): OutsideExtension => ({
  name: `test.${kind}`,
  decl: { args: [any], result: any },
  kind,
  doc: '',
  impl: ([arg]) => call(arg),
})
const pure = {
  ...outside('read', () => null),
  name: 'test.pure',
  kind: 'pure',
  impl: () => {
    throw new Error('never')
  },
} as const

let wasm: Uint8Array
beforeAll(async () => {
  const also = [outside('read', () => null), outside('effect', () => null), pure]
  wasm = await compile({ files: { 'a.rego': rego }, document: 'data.a.b', also })
}, 30_000)

interface Options {
  readonly read?: Call
  readonly effect?: Call
  readonly strict?: boolean
  readonly limits?: Partial<EngineLimits>
}

const loadWith = async ({ read = later(), effect = later(), strict = false, limits = {} }: Options = {}) =>
  load({
    wasm,
    engine: { extensions: [...extensions, outside('read', read), outside('effect', effect), pure], limits },
    settings: { strict },
  })

/** Answers `<arg>!` after a while, and counts. */
const later =
  (calls: string[] = [], ms = 1): Call =>
  async (arg) => {
    calls.push(printJson(arg ?? null))
    await sleep(ms)
    return typeof arg === 'string' ? `${arg}!` : arg
  }

const start = (policy: LoadedPolicy, input: object, mayStart?: () => void): Outcome | Promise<Outcome> =>
  policy.evaluate(Buffer.from(JSON.stringify(input)), contextOf(), { mayStart })
const text = async (outcome: Outcome | Promise<Outcome>): Promise<string> => outcomeText(await outcome)

describe('an evaluation that calls a builtin that answers later', () => {
  it('is left, and run again with the answer', async () => {
    const calls: string[] = []
    const policy = await loadWith({ read: later(calls) })
    const pending = start(policy, { one: 'x' })
    expect(pending).toBeInstanceOf(Promise)
    expect(await text(pending)).toBe('{"all":[],"effects":[],"one":"x!"}')
    expect(calls).toEqual(['"x"'])
  })

  it('is answered at once where the policy calls none', async () => {
    const policy = await loadWith()
    const outcome = start(policy, { plain: 1 })
    expect(outcome).not.toBeInstanceOf(Promise)
    expect(await text(outcome)).toBe('{"all":[],"effects":[],"plain":1}')
  })

  it('asks for the same arguments once, and for what depends on an answer after it', async () => {
    const calls: string[] = []
    const policy = await loadWith({ read: later(calls) })
    const answer = await text(start(policy, { twice: { b: [1.0, 2], a: 1 }, chain: 'c' }))
    expect(JSON.parse(answer)).toMatchObject({
      chain: 'c!!!',
      twice: [{ a: 1, b: [1, 2] }, { again: { a: 1, b: [1, 2] } }],
    })
    expect(calls.toSorted()).toEqual(['"c!!"', '"c!"', '"c"', '{"a":1,"b":[1,2]}'].toSorted())
  })

  it('asks again in the next decision', async () => {
    const calls: string[] = []
    const policy = await loadWith({ read: later(calls) })
    await start(policy, { one: 'x' })
    await start(policy, { one: 'x' })
    expect(calls).toEqual(['"x"', '"x"'])
  })

  it('keeps a hundred decisions apart that wait at the same time on one instance', async () => {
    const calls: string[] = []
    const read = later(calls)
    const policy = await loadWith({ read: async (arg) => (await sleep(Math.random() * 20), read(arg)) })
    const inputs = Array.from({ length: 100 }, (_, i) => ({ one: `${i}`, all: [`a${i}`, `b${i}`] }))
    const answers = await Promise.all(inputs.map(async (input) => text(start(policy, input))))
    expect(answers).toEqual(inputs.map((_, i) => `{"all":["a${i}!","b${i}!"],"effects":[],"one":"${i}!"}`))
    expect(calls.length).toBe(300)
    expect(await text(start(policy, { plain: 1 }))).toBe('{"all":[],"effects":[],"plain":1}')
  })

  it('is undefined in that call where the answer fails or is undefined', async () => {
    const failing = await loadWith({ read: async () => Promise.reject(new Error('away')) })
    const silent = await loadWith({ read: async () => undefined })
    for (const policy of [failing, silent])
      expect(await text(start(policy, { one: 1, fallback: 1 }))).toBe('{"all":[],"effects":[],"fallback":"none"}')
  })

  it('ends with the error in strict mode, be it thrown or rejected', async () => {
    const policy = await loadWith({ strict: true, read: async () => Promise.reject(new Error('away')) })
    expect(await text(start(policy, { one: 1 }))).toBe('error: eval_builtin_error: test.read: away')
    expect(await text(start(policy, { pure: 1 }))).toBe('error: eval_builtin_error: test.pure: never')
    expect(await text(start(policy, { plain: 1 }))).toBe('{"all":[],"effects":[],"plain":1}')
  })

  it('fails as any other after the answer', async () => {
    const policy = await loadWith()
    expect(await text(start(policy, { conflict: 2 }))).toMatch(/^error: eval_conflict_error/)
    expect(await text(start(policy, { one: 'x' }))).toBe('{"all":[],"effects":[],"one":"x!"}')
  })

  it('stops before the next run when it may not start', async () => {
    const calls: string[] = []
    const policy = await loadWith({ read: later(calls) })
    let runs = 0
    const pending = start(policy, { chain: 'c' }, () => {
      if (++runs === 2) throw new Error('locked')
    })
    await expect(pending).rejects.toThrow('locked')
    expect(calls).toEqual(['"c"', '"c!"'])
  })
})

describe('notes', () => {
  it('are those of the last run', async () => {
    const policy = await loadWith()
    const outcome = await start(policy, { noted: 'x' })
    expect(outcome.notes).toEqual(['before', 'after x!'])
    expect((await start(policy, { plain: 1 })).notes).toEqual(['before'])
  })
})

describe('effects', () => {
  it('are made once each, in order, one at a time', async () => {
    const log: string[] = []
    let running = 0
    const effect: Call = async (arg) => {
      expect(++running).toBe(1)
      log.push(printJson(arg ?? null))
      await sleep(2)
      running--
      return arg
    }
    const policy = await loadWith({ effect })
    expect(await text(start(policy, { effects: [3, 1, 1, 2], one: 'x' }))).toBe(
      '{"all":[],"effects":[3,1,1,2],"one":"x!"}',
    )
    expect(log).toEqual(['3', '1', '1', '2'])
  })

  it('are made once when they answer at once, too', async () => {
    const log: RegoValue[] = []
    const effect: Call = (arg) => (log.push(arg ?? null), arg)
    const policy = await loadWith({ effect })
    await start(policy, { effects: [1, 2], chain: 'c' })
    expect(log).toEqual([1, 2])
  })

  it('end the decision when they fail, and those that follow are not made', async () => {
    const log: RegoValue[] = []
    const effect: Call = async (arg) => {
      log.push(arg ?? null)
      if (arg === 2) throw new Error('refused')
      return arg
    }
    const policy = await loadWith({ effect })
    expect(await text(start(policy, { effects: [1, 2, 3] }))).toBe('error: eval_builtin_error: test.effect: refused')
    expect(log).toEqual([1, 2])
  })
})

describe('what a decision may wait for is bounded', () => {
  it('in the number of answers', async () => {
    const policy = await loadWith({ limits: { maxRounds: 3 } })
    expect(await text(start(policy, { all: [1, 2, 3] }))).toBe('{"all":[1,2,3],"effects":[]}')
    expect(await text(start(policy, { all: [1, 2, 3, 4] }))).toBe(
      'error: test.read: the decision has waited for 3 answers',
    )
  })

  it('in time, over all answers, and what is asked is told', async () => {
    const policy = await loadWith({ read: later([], 40), limits: { maxWaitMs: 100 } })
    expect(await text(start(policy, { all: [1, 2, 3, 4, 5] }))).toBe(
      'error: test.read: the decision has waited for 100 ms',
    )
  })

  it('in work, over all rounds', async () => {
    const input = { all: Array.from({ length: 20 }, (_, i) => i) }
    const once = await start(await loadWith({ read: () => 1 }), input)
    const cost = once.kind === 'value' ? once.cost : expect.unreachable()
    const limits = { budget: cost * 3 }
    expect(await start(await loadWith({ read: async () => 1, limits }), input)).toMatchObject({
      kind: 'error',
      code: 'evaluation_budget_exceeded',
    })
    expect(await text(start(await loadWith({ read: async () => 1, limits }), { one: 1 }))).toContain('"one":1')
  })

  it('and the cost is that of the last round, whatever was cached', async () => {
    const costOf = async (read: Call): Promise<number> => {
      const outcome = await start(await loadWith({ read }), { all: [1, 2] })
      return outcome.kind === 'value' ? outcome.cost : expect.unreachable()
    }
    expect(await costOf(async () => 1)).toBe(await costOf(() => 1))
  })

  it('in the size of the answers', async () => {
    const policy = await loadWith({ read: async () => 'x'.repeat(600), limits: { maxAnswerBytes: 1_000 } })
    expect(await text(start(policy, { all: [1] }))).toContain('xxx')
    expect(await text(start(policy, { all: [1, 2] }))).toBe('error: test.read: answers of more than 1000 bytes')
  })
})

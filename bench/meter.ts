/**
 * `node scripts/run.mjs bench/meter.js [--quick]`: what metering costs. The same policies with and without charges, in rounds that take
 * turns; and once each the growth in size and the time to rewrite a module.
 */
import { extensions } from '../extensions/index.ts'
import { createEngine } from '../src/engine/engine.ts'
import { meter } from '../src/engine/meter/meter.ts'
import type { LoadedPolicy } from '../src/engine/policy.ts'
import { findOpa } from '../src/opa/binary.ts'
import { cacheFolder } from '../src/tools/cache-folder.ts'
import { createBuild, entrypoint, type Build } from './engine/artifact.ts'
import { abac, range, rbac, rules, type Scenario } from './engine/scenarios.ts'
import { median, ratio, round } from './report.ts'

const context = { header: () => '' }

type Subject = Pick<Scenario, 'name' | 'rego' | 'data' | 'input'>

const comprehension: Subject = {
  name: 'comprehension',
  rego: 'package bench.p\nsums := [sum | some x in input.list; some y in input.list; x < y; sum := x + y]\n',
  data: {},
  input: { list: range(40, (i) => i) },
}

const input: Subject = {
  name: 'input_10kB',
  rego: 'package bench.p\nn := count(input.items)\n',
  data: {},
  input: { items: range(150, (i) => ({ id: i, name: `item number ${i}`, tags: ['a', 'b'], price: i * 1.5 })) },
}

const engine = createEngine({ extensions })

/** Nanoseconds for one evaluation. */
const time = (policy: LoadedPolicy, input: Uint8Array, count: number): number => {
  const start = performance.now()
  for (let i = 0; i < count; i++) void policy.evaluate(input, context)
  return ((performance.now() - start) * 1e6) / count
}

const measure = async (build: Build, subject: Subject): Promise<void> => {
  const { wasm, data, input } = await build(subject)
  const load = async (bytes: Uint8Array): Promise<LoadedPolicy> =>
    engine.load({ module: await WebAssembly.compile(bytes), data, entrypoint })
  const plain = meter(wasm, { charging: false })
  const charged = meter(wasm)
  const [without, metered] = await Promise.all([load(plain), load(charged)])
  const body = Buffer.from(input)
  const count = Math.ceil(5e6 / Math.max(time(without, body, 3_000), time(metered, body, 3_000)))
  const rounds = range(roundCount, () => [time(without, body, count), time(metered, body, count)] as const)
  const base = rounds.map(([ns]) => ns)
  const ours = rounds.map(([, ns]) => ns)
  const outcome = await metered.evaluate(body, context)
  const figures = {
    ns: round(median(base), 0),
    metered_ns: round(median(ours), 0),
    ratio: ratio(ours, base),
    cost: outcome.kind === 'value' ? outcome.cost : Number.NaN,
    size: round(charged.length / plain.length, 3),
    rewrite_ms: round(median(range(15, () => rewriteTime(wasm))), 1),
  }
  console.log(subject.name.padEnd(16), JSON.stringify(figures))
}

const rewriteTime = (wasm: Uint8Array): number => {
  const start = performance.now()
  meter(wasm)
  return performance.now() - start
}

const roundCount = process.argv.includes('--quick') ? 21 : 201
const opa = await findOpa({ env: process.env, cacheDir: cacheFolder(process.env), log: (line) => console.error(line) })
const build = createBuild(opa)
for (const subject of [rbac, abac, rules(1000), comprehension, input]) await measure(build, subject)

/**
 * Who decides: this engine, the npm SDK, `opa bench`. Each makes beforehand what can be made once; a sample is the time
 * of one decision in nanoseconds. This engine goes from the bytes of an input to the bytes of an answer, and so does the
 * SDK with what a server has to do around it; the SDK by itself, and `opa bench`, go from a parsed input to an answer
 * that is not printed.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { loadPolicy } from '@open-policy-agent/opa-wasm'
import { extensions } from '../../extensions/index.ts'
import { defaultSettings, type PolicySettings } from '../../src/engine/decision.ts'
import { createEngine } from '../../src/engine/engine.ts'
import type { Outcome } from '../../src/engine/outcome.ts'
import { entrypoint, type Artifact } from './artifact.ts'
import type { Scenario } from './scenarios.ts'

export interface Candidate {
  /** JSON, to see that all decide the same. */
  readonly answer: () => Promise<string>
  /** Nanoseconds per decision, over `ms` milliseconds or what the candidate takes by itself. */
  readonly sample: (ms: number) => Promise<number>
}

const engine = createEngine({ extensions })
const context = { header: () => '' }
const run = promisify(execFile)

export const edict = async ({ asks }: Scenario, { wasm, data, input }: Artifact): Promise<Candidate> => {
  const settings = asks === undefined ? defaultSettings : settingsFor(asks)
  const policy = engine.load({ module: await engine.compile(wasm), data, entrypoint, settings })
  const body = Buffer.from(input)
  const decide = (): Outcome | Promise<Outcome> => policy.evaluate(body, context)
  return {
    answer: async () => textOf(await decide()),
    sample: (ms) => (asks === undefined ? sample(decide, ms) : sampleLater(decide, ms)),
  }
}

const settingsFor = (port: number): PolicySettings => ({
  ...defaultSettings,
  outbound: { rules: [{ host: '127.0.0.1', port, private: true }], secret: () => undefined },
})

const textOf = (outcome: Outcome): string =>
  outcome.kind === 'value' ? Buffer.from(outcome.json).toString() : JSON.stringify(outcome)

/** `parsed`: the SDK's own call alone. */
export const sdk = async ({ wasm, data, input }: Artifact, { parsed }: { parsed: boolean }): Promise<Candidate> => {
  const policy = await loadPolicy(wasm, { initial: 100 })
  policy.setData(JSON.parse(data) as object)
  const body = Buffer.from(input)
  const value = JSON.parse(input) as object
  const evaluate = (from: object): unknown => (policy.evaluate(from, entrypoint) as [{ result: unknown }])[0].result
  const decide = (): unknown => evaluate(value)
  const serve = (): Buffer => Buffer.from(JSON.stringify(evaluate(JSON.parse(body.toString()) as object)))
  return {
    answer: () => Promise.resolve(serve().toString()),
    sample: (ms) => sample(parsed ? decide : serve, ms),
  }
}

interface OpaBench {
  readonly N: number
  /** Nanoseconds for all of them. */
  readonly T: number
}

export const opaBench = (opa: string, { folder }: Artifact): Candidate => {
  const files = ['--data', join(folder, 'policy'), '--input', join(folder, 'input.json')]
  // With one processor it neither waits for others when it reads its statistics, between decisions, nor is it slower.
  const env = { GOMAXPROCS: '1', GOMEMLIMIT: '2GiB' }
  const call = async (args: readonly string[]): Promise<string> => {
    const { stdout } = await run(opa, [...args, ...files, 'data.bench.p'], {
      env,
      timeout: 120_000,
      maxBuffer: 2 ** 24,
    })
    return stdout
  }
  return {
    answer: async () => JSON.stringify(JSON.parse(await call(['eval', '--format', 'raw'])) as unknown),
    sample: async () => {
      const flags = ['--format', 'json', '--metrics=false', '--benchmem=false', '--count', '1']
      const { N, T } = JSON.parse(await call(['bench', ...flags])) as OpaBench
      return T / N
    },
  }
}

const sample = (decide: () => unknown, ms: number): Promise<number> => {
  // The clock is read about once in a millisecond.
  const chunk = Math.max(1, Math.floor(1 / timed(decide, 1)))
  let ended = 0
  let spent = 0
  for (; spent < ms; ended += chunk) spent += timed(decide, chunk)
  return Promise.resolve((spent * 1e6) / ended)
}

const timed = (decide: () => unknown, count: number): number => {
  const start = performance.now()
  for (let i = 0; i < count; i++) void decide()
  return performance.now() - start
}

const sampleLater = async (decide: () => unknown, ms: number): Promise<number> => {
  const start = performance.now()
  let ended = 0
  for (; performance.now() - start < ms; ended++) await decide()
  return ((performance.now() - start) * 1e6) / ended
}

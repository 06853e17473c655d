/**
 * The engine in process, against the npm SDK and `opa bench`: policies one after the other, the candidates in rounds
 * that take turns. A ratio is the median of their time over ours in the same round: above 1, this engine is faster.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { createBuild, type Build } from './engine/artifact.ts'
import { edict, opaBench, sdk, type Candidate } from './engine/candidates.ts'
import { allScenarios, smallScenarios, type Scenario } from './engine/scenarios.ts'
import { startServer } from './process.ts'
import { median, ratio, round, type Figures } from './report.ts'

export interface EngineRow {
  readonly name: string
  readonly title: string
  /** It counts for the ratios over all small policies. */
  readonly small: boolean
  /** Microseconds for one decision; null: it has not all the builtins. */
  readonly edict_us: number
  readonly sdk_us: number | null
  readonly sdk_parsed_us: number | null
  readonly opa_us: number
  readonly vs_sdk: number | null
  readonly vs_sdk_parsed: number | null
  readonly vs_opa_bench: number
}

/** Ratios: the median over the small policies. */
export interface EngineFigures {
  /** Against the SDK in a server: bytes in, bytes out. */
  readonly vs_sdk: number
  /** Against the SDK's own call: a parsed input in, a value out; this engine still from bytes to bytes. */
  readonly vs_sdk_parsed: number
  /** Against `opa bench`: a parsed input in, nothing printed; this engine still from bytes to bytes. */
  readonly vs_opa_bench: number
  readonly policies: readonly EngineRow[]
}

interface Effort {
  /** Of this engine and the SDK, and of `opa bench`, which takes a second and a half for each. */
  readonly rounds: number
  readonly opaRounds: number
  readonly sampleMs: number
}

export const measureEngine = async ({ opa, quick }: { opa: string; quick: boolean }): Promise<Figures> => {
  const tools = { opa, build: createBuild(opa) }
  if (quick) return { engine: summary(await measureAll(smallScenarios, tools, quickEffort)) }
  const server = await startServer({
    command: process.execPath,
    args: () => [join(import.meta.dirname, 'echo.js')],
    path: '/health',
  })
  try {
    return { engine: summary(await measureAll(allScenarios(server.port), tools, wholeEffort)) }
  } finally {
    await server.stop()
  }
}

const quickEffort: Effort = { rounds: 15, opaRounds: 1, sampleMs: 40 }
const wholeEffort: Effort = { rounds: 21, opaRounds: 5, sampleMs: 100 }

/** What goes over the network runs through thousands of lines, which V8 takes its time to compile. */
const warmUpMs = 3_000

interface Tools {
  readonly opa: string
  readonly build: Build
}

const measureAll = async (scenarios: readonly Scenario[], tools: Tools, effort: Effort): Promise<EngineRow[]> => {
  const rows: EngineRow[] = []
  for (const scenario of scenarios) rows.push(await measure(scenario, tools, effort))
  return rows
}

const measure = async (scenario: Scenario, { opa, build }: Tools, effort: Effort): Promise<EngineRow> => {
  const artifact = await build(scenario)
  try {
    const ours = await edict(scenario, artifact)
    const go = opaBench(opa, artifact)
    const sdks = scenario.notBySdk === true ? [] : [{ parsed: false }, { parsed: true }]
    const theirs = await Promise.all(sdks.map((how) => sdk(artifact, how)))
    await compare(scenario, [ours, go, ...theirs])
    if (scenario.asks !== undefined) await ours.sample(warmUpMs)
    const [own = [], served, parsed] = await alternate([ours, ...theirs], effort)
    const [ownBesideGo = [], byGo = []] = await alternate(
      [ours, go],
      { ...effort, rounds: effort.opaRounds },
      { warmUp: false },
    )
    return {
      name: scenario.name,
      title: scenario.title,
      small: scenario.small === true,
      edict_us: microseconds(own),
      sdk_us: served === undefined ? null : microseconds(served),
      sdk_parsed_us: parsed === undefined ? null : microseconds(parsed),
      opa_us: microseconds(byGo),
      vs_sdk: served === undefined ? null : ratio(served, own),
      vs_sdk_parsed: parsed === undefined ? null : ratio(parsed, own),
      vs_opa_bench: ratio(byGo, ownBesideGo),
    }
  } finally {
    rmSync(artifact.folder, { recursive: true })
  }
}

/** What does not decide the same is not compared. */
const compare = async ({ name }: Scenario, candidates: readonly Candidate[]): Promise<void> => {
  const answers = new Set<string>()
  for (const { answer } of candidates) answers.add(sorted(await answer()))
  if (answers.size > 1) throw new Error(`${name}: the answers differ: ${[...answers].join(' and ')}`)
}

const sorted = (json: string): string => {
  const document = JSON.parse(json) as Readonly<Record<string, unknown>>
  return JSON.stringify(Object.entries(document).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Samples of each candidate, behind a round that warms them up. */
const alternate = async (
  candidates: readonly Candidate[],
  { rounds, sampleMs }: Pick<Effort, 'rounds' | 'sampleMs'>,
  { warmUp = true } = {},
): Promise<number[][]> => {
  const samples: number[][] = candidates.map(() => [])
  for (let turn = warmUp ? -1 : 0; turn < rounds; turn++)
    for (const [at, candidate] of candidates.entries()) {
      const sample = await candidate.sample(sampleMs)
      if (turn >= 0) samples[at]?.push(sample)
    }
  return samples
}

const microseconds = (nanoseconds: readonly number[]): number => Number((median(nanoseconds) / 1000).toPrecision(3))

const summary = (policies: readonly EngineRow[]): EngineFigures => {
  const small = policies.filter((row) => row.small)
  return {
    vs_sdk: round(median(small.flatMap((row) => row.vs_sdk ?? []))),
    vs_sdk_parsed: round(median(small.flatMap((row) => row.vs_sdk_parsed ?? []))),
    vs_opa_bench: round(median(small.map((row) => row.vs_opa_bench))),
    policies,
  }
}

/**
 * What a run measured: printed, and written to `bench/results/latest.json`. A whole run is kept in `full.json`, too, which
 * `docs/performance.md` is made from; a run of one part replaces that part in it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'

export type Figures = Readonly<Record<string, object>>

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = 0, high = 0] = sorted.length % 2 === 1 ? [sorted[middle], sorted[middle]] : sorted.slice(middle - 1)
  return (low + high) / 2
}

/** The median of the pairwise ratios: what two alternating series say of each other when the machine drifts. */
export const ratio = (ours: readonly number[], theirs: readonly number[]): number =>
  round(median(ours.map((value, index) => value / (theirs[index] ?? Number.NaN))))

export const round = (value: number, digits = 2): number => Number(value.toFixed(digits))

export interface Run {
  readonly quick: boolean
  /** One part alone was measured. */
  readonly partial: boolean
  readonly started: number
  /** Of the machine, before. */
  readonly load: number
}

export const report = (figures: Figures, { quick, partial, started, load }: Run): void => {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? '', node: process.version, load }
  const seconds = round((performance.now() - started) / 1000, 1)
  const head = { quick, seconds, at: new Date().toISOString(), machine }
  mkdirSync('bench/results', { recursive: true })
  for (const file of quick ? [latestResults] : [latestResults, fullResults])
    write(file, partial ? { ...read(file), ...figures } : { ...head, ...figures })
  for (const [part, values] of Object.entries(figures)) {
    for (const [name, value] of Object.entries(values) as [string, unknown][]) {
      if (Array.isArray(value)) console.table(value)
      else console.log(`${`${part}.${name}`.padEnd(36)} ${String(value)}`)
    }
  }
  console.log(`${seconds} s, written to bench/results/latest.json`)
}

export const fullResults = 'bench/results/full.json'
const latestResults = 'bench/results/latest.json'

const read = (file: string): object => JSON.parse(readFileSync(file, 'utf8')) as object

const write = (file: string, result: object): void => writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)

/** What a run measured: printed as a table, written to `bench/results/latest.json`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'

export type Figures = Record<string, Record<string, number>>

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

export const report = (figures: Figures, { quick, started }: { quick: boolean; started: number }): void => {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? '', node: process.version }
  const seconds = round((performance.now() - started) / 1000, 1)
  mkdirSync('bench/results', { recursive: true })
  const result = { quick, seconds, at: new Date().toISOString(), machine, ...figures }
  writeFileSync('bench/results/latest.json', `${JSON.stringify(result, null, 2)}\n`)
  for (const [part, values] of Object.entries(figures)) {
    for (const [name, value] of Object.entries(values)) console.log(`${`${part}.${name}`.padEnd(36)} ${value}`)
  }
  console.log(`${seconds} s, written to bench/results/latest.json`)
}

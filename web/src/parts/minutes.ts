/** Minutes as the server counts them, put together to as many bars as can be told apart. */
import type { StatsMinute } from '../api/types.ts'

export const sumOf = (minutes: readonly StatsMinute[]): Omit<StatsMinute, 'at'> => {
  const sum = { decisions: 0, failed: 0, seconds: 0, cost: 0 }
  for (const { decisions, failed, seconds, cost } of minutes) {
    sum.decisions += decisions
    sum.failed += failed
    sum.seconds += seconds
    sum.cost += cost
  }
  return sum
}

/** `size` minutes each, the last ones whole. */
export const spans = (minutes: readonly StatsMinute[], size: number): readonly StatsMinute[] => {
  const skipped = minutes.length % size
  return Array.from({ length: Math.floor(minutes.length / size) }, (_, number) => {
    const part = minutes.slice(skipped + number * size, skipped + (number + 1) * size)
    return { at: part[0]?.at ?? '', ...sumOf(part) }
  })
}

const rounded = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 1 })

/** Of one decision, in words: `1,234.5 units`. */
export const meanCost = ({ cost, decisions }: Pick<StatsMinute, 'cost' | 'decisions'>): string =>
  decisions === 0 ? '–' : `${rounded(cost / decisions)} units`

/** `12.5 µs`, `3.2 ms`. */
export const meanTime = ({ seconds, decisions }: Pick<StatsMinute, 'seconds' | 'decisions'>): string => {
  if (decisions === 0) return '–'
  const micros = (seconds / decisions) * 1e6
  return micros < 1000 ? `${rounded(micros)} µs` : `${rounded(micros / 1000)} ms`
}

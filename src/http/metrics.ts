/**
 * The numbers of this server for Prometheus. Decisions are counted in plain numbers and become prom-client metrics when
 * they are scraped; so many policies have a label of their own, all others share `other`.
 */
import { type Aggregator, collectDefaultMetrics, Counter, Gauge, Registry as PrometheusRegistry } from 'prom-client'
import type { SourceDocument } from '../policy/schema.ts'
import type { Registry } from '../registry/registry.ts'
import { contentType, numbersText, readNumbers, type Measure, type Numbers } from './numbers.ts'

export const decisionOutcomes = [
  'value',
  'undefined',
  'error',
  'locked',
  'not_found',
  'bad_request',
  'budget_exceeded',
] as const
export type DecisionOutcome = (typeof decisionOutcomes)[number]

export interface Decided {
  readonly outcome: DecisionOutcome
  readonly seconds: number
  /** Units of work. */
  readonly cost: number
}

export interface DecisionMetrics {
  /** `key` is empty when no policy was found. */
  readonly decision: (key: string, decided: Decided) => void
  readonly refused: (reason: RefusalReason) => void
}

export type RefusalReason = 'too_many_requests' | 'body_too_large' | 'host' | 'timeout' | 'headers' | 'malformed'

export interface Metrics extends DecisionMetrics {
  readonly contentType: string
  /** Prometheus text. */
  readonly scrape: () => Promise<string>
  /** The same as data, to be put together with those of other processes. */
  readonly numbers: () => Promise<Numbers>
}

const buckets = [
  0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1, 5,
] as const

type Counts = Record<DecisionOutcome | 'cost', number>
const zero = (): Counts => ({
  value: 0,
  undefined: 0,
  error: 0,
  locked: 0,
  not_found: 0,
  bad_request: 0,
  budget_exceeded: 0,
  cost: 0,
})

export const createMetrics = ({
  registry,
  sources,
  maxLabels = 1_000,
}: {
  registry: Pick<Registry, 'stats' | 'state'>
  /** What is known of the sources now; [] while the store is away. */
  sources: () => Promise<readonly Pick<SourceDocument, '_id' | 'phase' | 'lastSuccess' | 'counts'>[]>
  maxLabels?: number
}): Metrics => {
  const byPolicy = new Map<string, Counts>()
  const other = zero()
  const unknown = zero()
  const refusals = new Map<RefusalReason, number>()
  const latency = { counts: Array.from({ length: buckets.length + 1 }, () => 0), sum: 0 }
  const prometheus = new PrometheusRegistry()
  const registers = [prometheus]
  collectDefaultMetrics({ register: prometheus })

  const countsOf = (key: string): Counts => {
    const known = byPolicy.get(key)
    if (known !== undefined) return known
    if (key === '') return unknown
    if (byPolicy.size >= maxLabels) return other
    const fresh = zero()
    byPolicy.set(key, fresh)
    return fresh
  }

  const labelled = () => [...byPolicy, ['other', other] as const, ['unknown', unknown] as const]

  new Counter({
    name: 'edict_decisions_total',
    help: 'Evaluations by policy and outcome.',
    labelNames: ['policy', 'outcome'],
    registers,
    collect() {
      this.reset()
      for (const [policy, counts] of labelled()) {
        for (const outcome of decisionOutcomes) {
          if (counts[outcome] > 0) this.inc({ policy, outcome }, counts[outcome])
        }
      }
    },
  })
  new Counter({
    name: 'edict_evaluation_cost_total',
    help: 'Units of work of evaluations, by policy.',
    labelNames: ['policy'],
    registers,
    collect() {
      this.reset()
      for (const [policy, { cost }] of labelled()) if (cost > 0) this.inc({ policy }, cost)
    },
  })
  new Counter({
    name: 'edict_refused_requests_total',
    help: 'Requests refused before any route, by reason.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset()
      for (const [reason, count] of refusals) this.inc({ reason }, count)
    },
  })
  const gauge = (name: string, help: string, value: () => number, aggregator: Aggregator = 'sum'): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      aggregator,
      collect() {
        this.set(value())
      },
    })
  gauge('edict_processes', 'Processes that answer.', () => 1)
  gauge('edict_policies', 'Policies known.', () => registry.stats().policies, 'max')
  gauge('edict_policies_loaded', 'Policies loaded in memory.', () => registry.stats().loaded)
  gauge('edict_policies_loaded_bytes', 'Memory held by loaded policies.', () => registry.stats().bytes)
  gauge('edict_modules_loaded', 'Compiled WASM modules in memory.', () => registry.stats().modules)
  new Counter({
    name: 'edict_policy_loads_total',
    help: 'Policies loaded into memory: new, replaced, or asked for again after they were dropped for space.',
    registers,
    collect() {
      this.reset()
      this.inc(registry.stats().loads)
    },
  })
  gauge('edict_locks', 'Policies locked now.', () => registry.stats().locked, 'max')
  gauge('edict_revision', 'The revision in force.', () => registry.state.revision, 'min')
  gauge('edict_sequence', 'The last change of the store seen.', () => registry.state.sequence, 'min')
  gauge('edict_ready', '1 while the store is followed.', () => (registry.state.ready ? 1 : 0), 'min')
  const staleSeconds = () => {
    const { staleSince } = registry.state
    return staleSince === null ? 0 : (Date.now() - staleSince) / 1000
  }
  gauge('edict_stale_seconds', 'How long the store has been lost.', staleSeconds, 'max')
  sourceGauges({ registers, sources })

  const numbers = async (): Promise<Numbers> => [...(await readNumbers(prometheus)), histogram(latency)]

  return {
    contentType,
    decision: (key, { outcome, seconds, cost }) => {
      const counts = countsOf(key)
      counts[outcome]++
      counts.cost += cost
      let at = 0
      while (at < buckets.length && seconds > (buckets[at] ?? 0)) at++
      latency.counts[at] = (latency.counts[at] ?? 0) + 1
      latency.sum += seconds
    },
    refused: (reason) => {
      refusals.set(reason, (refusals.get(reason) ?? 0) + 1)
    },
    numbers,
    scrape: async () => numbersText([await numbers()]),
  }
}

const sourceGauges = ({
  registers,
  sources,
}: {
  registers: PrometheusRegistry[]
  sources: Parameters<typeof createMetrics>[0]['sources']
}): void => {
  new Gauge({
    name: 'edict_source_ready',
    aggregator: 'max',
    help: '1 while the last cycle of the source succeeded.',
    labelNames: ['source'],
    registers,
    async collect() {
      this.reset()
      for (const { _id, phase } of await sources()) this.set({ source: _id }, phase === 'Ready' ? 1 : 0)
    },
  })
  new Gauge({
    name: 'edict_source_last_success_timestamp_seconds',
    aggregator: 'max',
    help: 'When the source was last synced.',
    labelNames: ['source'],
    registers,
    async collect() {
      this.reset()
      for (const { _id, lastSuccess } of await sources()) {
        if (lastSuccess !== null) this.set({ source: _id }, lastSuccess.getTime() / 1000)
      }
    },
  })
  new Gauge({
    name: 'edict_source_quarantined',
    aggregator: 'max',
    help: 'Policies of the source that are quarantined.',
    labelNames: ['source'],
    registers,
    async collect() {
      this.reset()
      for (const { _id, counts } of await sources()) this.set({ source: _id }, counts.quarantined)
    },
  })
}

/** By hand: prom-client observes one value at a time. */
const histogram = ({ counts, sum }: { readonly counts: readonly number[]; readonly sum: number }): Measure => {
  const name = 'edict_decision_duration_seconds'
  let total = 0
  const lines = counts.map((count, at) => {
    total += count
    return { metricName: `${name}_bucket`, labels: { le: buckets[at] ?? '+Inf' }, value: total }
  })
  return {
    name,
    help: 'Time to decide, without reading the request.',
    type: 'histogram',
    aggregator: 'sum',
    values: [
      ...lines,
      { metricName: `${name}_sum`, labels: {}, value: sum },
      { metricName: `${name}_count`, labels: {}, value: total },
    ],
  }
}

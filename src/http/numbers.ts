/**
 * The numbers of several processes as one Prometheus text. Each metric says itself how it is put together: what counts is
 * added up, what all share is not.
 */
import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client'

/** One metric as plain data. */
export interface Measure {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary'
  readonly aggregator: 'omit' | 'sum' | 'first' | 'min' | 'max' | 'average'
  readonly values: readonly {
    readonly value: number
    readonly labels: Readonly<Record<string, string | number>>
    /** Of one line of a histogram. */
    readonly metricName?: string
  }[]
}

export type Numbers = readonly Measure[]

export const contentType: string = Registry.PROMETHEUS_CONTENT_TYPE

export const readNumbers = async (registry: Registry): Promise<Numbers> => {
  // The library's own declaration of this has numbers for the type.
  const measures = (await registry.getMetricsAsJSON()) as unknown as Numbers
  return measures.map((measure) => (measure.aggregator === 'omit' ? { ...measure, aggregator: 'min' } : measure))
}

export const numbersText = (all: readonly Numbers[]): Promise<string> =>
  AggregatorRegistry.aggregate([...all]).metrics()

/** What must not sink when a process ends: Prometheus would take that for a start from zero. */
export const lasting = (all: readonly Numbers[]): Promise<Numbers> =>
  readNumbers(
    AggregatorRegistry.aggregate(
      all.map((numbers) => numbers.filter(({ type }) => type === 'counter' || type === 'histogram')),
    ),
  )

/** Of a process that answers no requests itself: its CPU time, its memory. */
export const processNumbers = (): (() => Promise<Numbers>) => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return () => readNumbers(registry)
}

/** What operates the server: liveness, readiness, metrics. They are answered even when too many requests are under way. */
import { createRoute, z } from '@hono/zod-openapi'
import type { App } from '../environment.ts'
import type { Metrics } from '../metrics.ts'
import { jsonContent } from '../schemas.ts'

/** What readiness asks, answered from what is known already: it must not wait. */
export interface Health {
  /** The store answers. */
  readonly store: boolean
  /** Its change stream is followed. */
  readonly stream: boolean
  /** A first sync has been applied. */
  readonly firstSync: boolean
}

export interface OperationRoutesOptions {
  readonly health: () => Health
  readonly metrics: Pick<Metrics, 'scrape' | 'contentType'>
  readonly version: string
}

const state = z.enum(['up', 'down'])
const liveSchema = z.object({ service: z.literal('policy'), status: state, version: z.string() }).openapi('Liveness')
const readySchema = liveSchema
  .extend({ checks: z.object({ store: state, stream: state, firstSync: state }) })
  .openapi('Readiness')

const upOrDown = (up: boolean) => (up ? ('up' as const) : ('down' as const))

export const operationRoutes = (app: App, { health, metrics, version }: OperationRoutesOptions): void => {
  app.openapi(livenessRoute, (c) => c.json({ service: 'policy' as const, status: 'up' as const, version }, 200))

  app.openapi(readinessRoute, (c) => {
    const { store, stream, firstSync } = health()
    const ready = store && stream && firstSync
    const checks = { store: upOrDown(store), stream: upOrDown(stream), firstSync: upOrDown(firstSync) }
    return c.json({ service: 'policy' as const, status: upOrDown(ready), version, checks }, ready ? 200 : 503)
  })

  app.openapi(metricsRoute, async (c) => c.text(await metrics.scrape(), 200, { 'content-type': metrics.contentType }))
}

const livenessRoute = createRoute({
  method: 'get',
  path: '/liveness',
  operationId: 'liveness',
  tags: ['operation'],
  summary: 'Does the process answer?',
  responses: { 200: jsonContent('It does.', liveSchema) },
})

const readinessRoute = createRoute({
  method: 'get',
  path: '/readiness',
  operationId: 'readiness',
  tags: ['operation'],
  summary: 'Does this replica follow the store, and has a first sync been applied?',
  responses: { 200: jsonContent('Ready.', readySchema), 503: jsonContent('Not ready.', readySchema) },
})

const metricsRoute = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'metrics',
  tags: ['operation'],
  summary: 'Prometheus metrics',
  responses: { 200: { description: 'Prometheus text.', content: { 'text/plain': { schema: z.string() } } } },
})

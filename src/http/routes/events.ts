/**
 * `GET /api/events`: server-sent events for who shows how things stand. They say that something changed; what, is asked
 * of the other routes. Read with fetch, so that a token goes in a header.
 */
import { createRoute } from '@hono/zod-openapi'
import { EdictError } from '../../errors.ts'
import { addressKey, clientAddress } from '../client.ts'
import type { App } from '../environment.ts'
import type { Event, EventHub } from '../event-hub.ts'
import { errorResponses } from '../schemas.ts'

export interface EventRoutesOptions {
  readonly hub: EventHub
  /** Aborted: streams end. */
  readonly signal: AbortSignal
  readonly beatMs?: number
  readonly most?: number
  readonly mostOfOne?: number
}

/** How long a connection may look idle to what lies between. */
const defaultBeatMs = 15_000
/** Streams at once: each is a connection that stays. */
const defaultMost = 200
/** Of one client address, as limits count them: nobody has to say who they are, and one must not take all. */
const defaultMostOfOne = 40

const route = createRoute({
  method: 'get',
  path: '/api/events',
  operationId: 'followEvents',
  tags: ['operation'],
  summary: 'Be told when something changes (server-sent events)',
  responses: {
    200: {
      description:
        '`event: change` with `{ sequence, revision }` at first and whenever policies, modules, rules, locks or the audit log changed; `event: sources` with the phase of each when one of them did; a comment now and then.',
      content: { 'text/event-stream': { schema: {} } },
    },
    ...errorResponses(429, 503),
  },
})

export const eventRoutes = (app: App, options: EventRoutesOptions): void => {
  const { hub, signal, beatMs = defaultBeatMs, most = defaultMost, mostOfOne = defaultMostOfOne } = options
  const openOf = createCounts()
  app.openAPIRegistry.registerPath(route)
  app.get('/api/events', (c) => {
    const who = addressKey(clientAddress(c))
    if (hub.listeners() >= most) throw new EdictError('too_many_requests', `${most} streams of events are open already`)
    if (openOf.get(who) >= mostOfOne)
      throw new EdictError('rate_limited', `${mostOfOne} streams of events are open to this address already`)
    const subscribe: EventHub['subscribe'] = (tell) => {
      const leave = hub.subscribe(tell)
      const free = openOf.take(who)
      return () => {
        leave()
        free()
      }
    }
    const body = eventStream({ subscribe, signal, beatMs })
    return c.body(body, 200, { 'content-type': 'text/event-stream' })
  })
}

/** How many each has at this time. */
const createCounts = () => {
  const held = new Map<string, Set<object>>()
  return {
    get: (key: string): number => held.get(key)?.size ?? 0,
    /** Answers what gives it back. */
    take: (key: string): (() => void) => {
      const all = held.get(key) ?? new Set()
      const one = {}
      held.set(key, all.add(one))
      return () => {
        all.delete(one)
        if (all.size === 0 && held.get(key) === all) held.delete(key)
      }
    },
  }
}

const encoder = new TextEncoder()
const block = ({ event, data }: Event): Uint8Array =>
  encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
const beat = encoder.encode(': here\n\n')

interface StreamOptions extends Required<Pick<EventRoutesOptions, 'signal' | 'beatMs'>>, Pick<EventHub, 'subscribe'> {}

const eventStream = ({ subscribe, signal, beatMs }: StreamOptions) => {
  let end: () => void = () => undefined
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      const push = (bytes: Uint8Array): void => {
        // Who does not read is dropped rather than buffered for; it comes again and asks for everything.
        if ((controller.desiredSize ?? 0) < -100) close()
        else controller.enqueue(bytes)
      }
      const leave = subscribe((event) => push(block(event)))
      const timer = setInterval(() => push(beat), beatMs)
      timer.unref()
      end = () => {
        clearInterval(timer)
        leave()
        signal.removeEventListener('abort', close)
      }
      const close = (): void => {
        end()
        controller.close()
      }
      signal.addEventListener('abort', close, { once: true })
      if (signal.aborted) close()
    },
    cancel: () => end(),
  })
}

/** `GET /api/stats`: decisions per minute, of one policy or of all, added up over all servers. */
import { createRoute, z } from '@hono/zod-openapi'
import type { App } from '../environment.ts'
import { errorResponses, instant, jsonContent } from '../schemas.ts'
import { total } from '../stats-counter.ts'

interface MinuteCounts {
  readonly decisions: number
  readonly failed: number
  readonly seconds: number
  readonly cost: number
}

/** Throws `store_unavailable`. */
export type ReadStats = (policy: string, from: number, to: number) => Promise<ReadonlyMap<number, MinuteCounts>>

export interface StatsRoutesOptions {
  readonly readStats: ReadStats
  readonly now?: () => number
}

const minuteMs = 60_000
const weekMinutes = 7 * 24 * 60

const query = z.object({
  policy: z.string().optional().openapi({ description: 'group/name/version; absent: all.', example: 'gaiax/x/1.0' }),
  minutes: z.coerce.number().int().min(1).max(weekMinutes).default(60).openapi({ description: 'How far back.' }),
})

const minuteSchema = z
  .object({
    at: instant,
    decisions: z.number(),
    failed: z.number().openapi({ description: 'Those that answered neither a value nor undefined.' }),
    seconds: z.number().openapi({ description: 'Spent on deciding, in all.' }),
    cost: z.number().openapi({ description: 'Units of work, in all.' }),
  })
  .openapi('StatsMinute')

const route = createRoute({
  method: 'get',
  path: '/api/stats',
  operationId: 'readStats',
  tags: ['operation'],
  summary: 'Count decisions per minute, over all servers; kept for seven days',
  request: { query },
  responses: {
    200: jsonContent(
      'Every minute of that time, the present one last. Servers add theirs every five seconds.',
      z.object({ policy: z.string().nullable(), minutes: z.array(minuteSchema) }),
    ),
    ...errorResponses(400, 503),
  },
})

const nothing = { decisions: 0, failed: 0, seconds: 0, cost: 0 }

export const statsRoutes = (app: App, { readStats, now = Date.now }: StatsRoutesOptions): void => {
  app.openapi(route, async (c) => {
    const { policy, minutes } = c.req.valid('query')
    const time = now()
    const to = time - (time % minuteMs)
    const from = to - (minutes - 1) * minuteMs
    const counted = await readStats(policy ?? total, from, to)
    const all = Array.from({ length: minutes }, (_, number) => {
      const at = from + number * minuteMs
      return { at: new Date(at).toISOString(), ...(counted.get(at) ?? nothing) }
    })
    return c.json({ policy: policy ?? null, minutes: all }, 200)
  })
}

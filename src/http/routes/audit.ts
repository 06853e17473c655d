/** `GET /api/audit`: the log, filtered, page by page or whole as NDJSON; and whether it is what was written. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { stream } from 'hono/streaming'
import { auditResource } from '../../auth/actions.ts'
import type { Enforce } from '../../auth/enforce.ts'
import { auditJson } from '../../audit-text.ts'
import { EdictError } from '../../errors.ts'
import type { Audit, AuditQuery } from '../../store/audit.ts'
import { markText, parseMark } from '../../store/audit-chain.ts'
import type { App, AppEnv } from '../environment.ts'
import { invalidRequest } from '../json-request.ts'
import { errorResponses, instant, jsonContent } from '../schemas.ts'

export type AuditLog = Pick<Audit, 'list' | 'each' | 'verify'>

const date = z.iso.datetime({ offset: true }).transform((text) => new Date(text))

const query = z.object({
  actor: z.string().optional(),
  action: z.string().optional(),
  resource: z.string().optional(),
  module_name: z.string().optional().openapi({ description: 'Entries about this shared module, or that changed it.' }),
  since: date.optional(),
  until: date.optional(),
  before: z.coerce.number().int().optional().openapi({ description: 'The `next` of the page before.' }),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})

const entrySchema = z
  .object({
    sequence: z.number().int(),
    at: instant,
    actor: z.string().nullable().openapi({ description: 'null once it was erased.' }),
    from: z.string().nullable(),
    action: z.string(),
    resource: z.string(),
    details: z.record(z.string(), z.unknown()),
    changes: z.array(z.object({ key: z.string(), before: z.string().nullable(), after: z.string().nullable() })),
    mark: z.string().openapi({ description: '`sequence:hash`, for `verify?since=`.' }),
  })
  .openapi('AuditEntry')

const verdictSchema = z
  .object({
    ok: z.boolean(),
    head: z.string().nullable().optional().openapi({ description: 'The mark of the newest entry.' }),
    sequence: z.number().int().optional().openapi({ description: 'The first entry that does not hold.' }),
    message: z.string(),
  })
  .openapi('AuditVerdict')

const listRoute = createRoute({
  method: 'get',
  path: '/api/audit',
  operationId: 'listAudit',
  tags: ['audit'],
  summary: 'List what was changed, newest first; with `accept: application/x-ndjson` all of it, a line each',
  request: { query },
  responses: {
    200: {
      description: 'One page, or all as lines.',
      content: {
        'application/json': {
          schema: z.object({ entries: z.array(entrySchema), next: z.number().int().nullable() }),
        },
        'application/x-ndjson': { schema: {} },
      },
    },
    ...errorResponses(400, 401, 403, 503),
  },
})

const verifyRoute = createRoute({
  method: 'get',
  path: '/api/audit/verify',
  operationId: 'verifyAudit',
  tags: ['audit'],
  summary: 'Whether no entry was altered, removed or reordered',
  request: {
    query: z.object({
      since: z
        .string()
        .optional()
        .openapi({ description: 'A mark that a mutation answered with; verifies from there.' }),
    }),
  },
  responses: { 200: jsonContent('The verdict.', verdictSchema), ...errorResponses(400, 401, 403, 503) },
})

export interface AuditRoutesOptions {
  readonly audit: AuditLog
  readonly enforce: Enforce
}

export const auditRoutes = (app: App, { audit, enforce }: AuditRoutesOptions): void => {
  // Lines are no shape that a schema types; so the route is described and handled in two steps.
  app.openAPIRegistry.registerPath(listRoute)
  app.get(listRoute.getRoutingPath(), async (c) => {
    await enforce(c.get('actor'), 'admin', auditResource)
    const parsed = query.safeParse(c.req.query())
    if (!parsed.success) throw invalidRequest('the query is not valid', parsed.error)
    const { limit, module_name: module, ...asked } = parsed.data
    const wanted = { ...asked, module }
    if (/^application\/x-ndjson\b/.test(c.req.header('accept') ?? '')) return lines(c, audit, wanted)
    const found = await audit.list({ ...wanted, limit: limit + 1 })
    const page = found.slice(0, limit)
    const next = found.length > limit ? (page.at(-1)?._id ?? null) : null
    return c.json({ entries: page.map(auditJson), next })
  })

  app.openapi(verifyRoute, async (c) => {
    await enforce(c.get('actor'), 'admin', auditResource)
    const { since } = c.req.valid('query')
    const mark = since === undefined ? undefined : parseMark(since)
    if (since !== undefined && mark === undefined)
      throw new EdictError('invalid_request', 'since must be <sequence>:<hash>, as a change answered with')
    const verdict = await audit.verify({ since: mark })
    if (!verdict.ok) return c.json({ ok: false, sequence: verdict.sequence, message: verdict.message }, 200)
    const head = verdict.head === null ? null : markText(verdict.head)
    return c.json({ ok: true, head, message: `${verdict.entries} entries hold` }, 200)
  })
}

/** Written while it is read; the first entry is read before the answer begins, so that a store that is away is a 503. */
const lines = async (c: Context<AppEnv>, audit: AuditLog, wanted: AuditQuery): Promise<Response> => {
  const entries = audit.each(wanted)[Symbol.asyncIterator]()
  let next = await entries.next()
  c.header('content-type', 'application/x-ndjson')
  return stream(c, async (out) => {
    out.onAbort(() => void entries.return?.())
    while (next.done !== true) {
      // oxlint-disable-next-line no-await-in-loop
      await out.write(`${JSON.stringify(auditJson(next.value))}\n`)
      // oxlint-disable-next-line no-await-in-loop
      next = await entries.next()
    }
  })
}

/**
 * `/api/plans`: what was applied, what waits, and who decided. A decision answers when it is in force: an approval is a
 * request that a worker heeds, a rejection is written at once.
 */
import { createRoute, z } from '@hono/zod-openapi'
import { anything, everything } from '../../auth/actions.ts'
import type { Actor } from '../../auth/actor.ts'
import type { Enforce } from '../../auth/enforce.ts'
import { touchedByPlan } from '../../auth/touched-by-plan.ts'
import { EdictError } from '../../errors.ts'
import { documentDiffSchema } from '../../policy/diff.ts'
import { planStatuses, type PlanSummary } from '../../policy/plan-document.ts'
import type { App } from '../environment.ts'
import { documentedBody, readJson } from '../json-request.ts'
import { planAsJson, planSchema } from '../plan-json.ts'
import { errorResponses, jsonContent } from '../schemas.ts'
import { approvalOf, approvalSchema, type Approvals } from '../plan-approval.ts'
import { acceptedSchema, type CycleRequests, runCycle, waitQuery } from './cycle-requests.ts'

/** Throws `store_unavailable`. */
export interface PlanStore {
  readonly list: (query: {
    readonly status?: PlanSummary['status'] | undefined
    readonly source?: string | undefined
    readonly limit: number
    readonly cursor?: string | undefined
  }) => Promise<{ readonly items: readonly PlanSummary[]; readonly next: string | null }>
  /** With its differences. */
  readonly get: (id: string) => Promise<(PlanSummary & { readonly diffs: unknown }) | null>
  /** Throws `plan_not_found`, `conflict`. */
  readonly reject: (
    id: string,
    by: { readonly actor: Actor; readonly reason: string | null },
  ) => Promise<{ readonly plan: PlanSummary; readonly sequence: number; readonly hash: string }>
}

export interface PlanRoutesOptions {
  readonly plans: PlanStore
  readonly requests: CycleRequests
  readonly enforce: Enforce
  readonly approvals: Approvals
}

const planWithDiffsSchema = planSchema
  .extend({
    diffs: z.array(documentDiffSchema),
    approval: approvalSchema.nullable().openapi({ description: 'Who may approve it; null unless it waits.' }),
  })
  .openapi('PlanWithDiffs')

const query = z.object({
  status: z.enum(planStatuses).optional(),
  source: z.string().optional().openapi({ description: 'Plans about this source.' }),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().optional().openapi({ description: 'The `next` of the page before.' }),
})

const params = z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' } }) })
const rejectRequest = z.strictObject({
  reason: z.string().max(500).nullish().openapi({ description: 'Why, for people.' }),
})

export const planRoutes = (app: App, { plans, requests, enforce, approvals }: PlanRoutesOptions): void => {
  const show = async (id: string, actor: Actor | null) => {
    const plan = await plans.get(id)
    if (plan === null) throw new EdictError('plan_not_found', `no plan ${id}`)
    const { diffs, ...rest } = plan
    const waits = plan.status === 'Waiting'
    const approval = waits ? await approvalOf(approvals, actor, touchedByPlan(id, plan)) : null
    return { ...planAsJson(rest), diffs: z.array(documentDiffSchema).parse(diffs), approval }
  }

  app.openapi(listRoute, async (c) => {
    await enforce(c.get('actor'), 'read', everything('plan'))
    const { items, next } = await plans.list(c.req.valid('query'))
    return c.json({ plans: items.map(planAsJson), next }, 200)
  })

  app.openapi(getRoute, async (c) => {
    const { id } = c.req.valid('param')
    await enforce(c.get('actor'), 'read', anything)
    const plan = await show(id, c.get('actor'))
    // Its differences are source text.
    await enforce(c.get('actor'), 'read', touchedByPlan(id, plan))
    return c.json(plan, 200)
  })

  app.openapi(approveRoute, async (c) => {
    const { id } = c.req.valid('param')
    await enforce(c.get('actor'), 'approve', anything)
    const plan = await show(id, c.get('actor'))
    const actor = await enforce(c.get('actor'), 'approve', touchedByPlan(id, plan))
    if (plan.status !== 'Waiting') throw new EdictError('conflict', `plan ${id} does not wait: it is ${plan.status}`)
    const request = { reason: 'approve', source: null, commit: null, plan: id, actor } as const
    const ran = await runCycle(requests, request, c.req.valid('query').wait)
    return 'outcome' in ran ? c.json(await show(id, c.get('actor')), 200) : c.json(ran, 202)
  })

  app.openapi(rejectRoute, async (c) => {
    const { id } = c.req.valid('param')
    const actor = await enforce(c.get('actor'), 'approve', anything)
    const { reason = null } = await readJson(c, rejectRequest)
    const { plan, sequence, hash } = await plans.reject(id, { actor, reason })
    // A cycle says so in the sources' statuses; the decision stands without it.
    const [source = null] = plan.subject
    await requests.submit({ reason: 'sync', source, commit: null, actor })
    return c.json({ ...planAsJson(plan), sequence, hash }, 200)
  })
}

const listRoute = createRoute({
  method: 'get',
  path: '/api/plans',
  operationId: 'listPlans',
  tags: ['plans'],
  summary: 'List plans, the newest first',
  request: { query },
  responses: {
    200: jsonContent('One page.', z.object({ plans: z.array(planSchema), next: z.string().nullable() })),
    ...errorResponses(400, 403, 503),
  },
})

const getRoute = createRoute({
  method: 'get',
  path: '/api/plans/{id}',
  operationId: 'getPlan',
  tags: ['plans'],
  summary: 'Show a plan with its differences',
  request: { params },
  responses: { 200: jsonContent('The plan.', planWithDiffsSchema), ...errorResponses(403, 404, 503) },
})

const approveRoute = createRoute({
  method: 'post',
  path: '/api/plans/{id}/approve',
  operationId: 'approvePlan',
  tags: ['plans'],
  summary: 'Apply a plan that waits; refused when what it was made from has moved on',
  request: { params, query: waitQuery },
  responses: {
    200: jsonContent('It is in force.', planWithDiffsSchema),
    202: jsonContent('Asked for; not waited for, or not finished in time.', acceptedSchema),
    ...errorResponses(400, 403, 404, 409, 503),
  },
})

const rejectRoute = createRoute({
  method: 'post',
  path: '/api/plans/{id}/reject',
  operationId: 'rejectPlan',
  tags: ['plans'],
  summary: 'Reject a plan that waits: its commits are held, what the API asked for is dropped',
  request: { params, body: documentedBody(rejectRequest) },
  responses: {
    200: jsonContent('It is rejected.', planSchema.extend({ sequence: z.number().int(), hash: z.string() })),
    ...errorResponses(400, 403, 404, 409, 503),
  },
})

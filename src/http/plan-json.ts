/** A plan as the routes show it, without its differences. */
import { z } from '@hono/zod-openapi'
import {
  costChangeSchema,
  planStatuses,
  plannedOwnerSchema,
  plannedRequestSchema,
  plannedSourceSchema,
  plannedTestsSchema,
  type PlanSummary,
} from '../policy/plan-document.ts'
import { findingJson, instant } from './schemas.ts'

const changeSchema = z.object({
  create: z.array(z.string()),
  replace: z.array(z.string()),
  remove: z.array(z.string()),
  keep: z.number().int(),
})

export const planSchema = z
  .object({
    id: z.string(),
    digest: z
      .string()
      .openapi({ description: 'Names fragments, base revision and changes: what was looked at is what is applied.' }),
    kind: z.enum(['sync', 'rollback']),
    status: z.enum(planStatuses),
    message: z.string(),
    baseRevision: z.number().int(),
    revision: z.number().int().nullable().openapi({ description: 'The revision that it made.' }),
    sources: z.array(plannedSourceSchema),
    subject: z.array(z.string()).openapi({ description: 'The sources that it is about.' }),
    changes: z.object({ policies: changeSchema, modules: changeSchema }),
    owners: z.array(plannedOwnerSchema).openapi({ description: 'Whose is what the plan writes.' }),
    findings: z.array(findingJson),
    tests: plannedTestsSchema.nullable().openapi({ description: 'Of the policies that were compiled anew.' }),
    cost: z.array(costChangeSchema).nullable().openapi({ description: 'Cases whose cost changes, in units of work.' }),
    requests: z
      .array(
        z.object({
          id: z.string(),
          actor: z.string().openapi({ description: 'Who asked.' }),
          change: plannedRequestSchema.shape.change,
        }),
      )
      .openapi({ description: 'Changes asked for through the API.' }),
    authors: z
      .array(z.string())
      .openapi({ description: 'Who wrote or committed what it changes, by e-mail address, as Git has it.' }),
    createdAt: instant,
    decidedAt: instant.nullable(),
    decidedBy: z.string().nullable(),
  })
  .openapi('Plan')

export const planAsJson = ({ _id, createdAt, decidedAt, ...rest }: PlanSummary) => ({
  id: _id,
  ...rest,
  createdAt: createdAt.toISOString(),
  decidedAt: decidedAt?.toISOString() ?? null,
})

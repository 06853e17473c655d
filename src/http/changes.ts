/** Asking for a change of modules or rules, and what it came to, as HTTP says it. */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Actor } from '../auth/actor.ts'
import { EdictError, type ErrorCode } from '../errors.ts'
import type { ApiChange } from '../policy/api-change.ts'
import type { PlanSummary } from '../policy/plan-document.ts'
import type { CycleOutcome, Finding } from '../policy/schema.ts'
import type { AppEnv } from './environment.ts'
import { planAsJson, planSchema } from './plan-json.ts'
import { jsonContent } from './schemas.ts'

export type Changed = CycleOutcome & {
  /** The plan that waits to be approved with this change in it: it is not in force. */
  readonly waitsIn?: PlanSummary
}

/** Answers when the change is in force, waits in a plan, or says what stopped it. Throws `forbidden`, `sync_unavailable`, `store_unavailable`. */
export type ApplyChange = (asked: {
  readonly change: ApiChange
  readonly actor: Actor
  /** The client's address. */
  readonly from?: string | null
  /** Only say what would come of it. */
  readonly dryRun?: boolean
}) => Promise<Changed>

const codes = {
  invalid: 'policy_invalid',
  conflict: 'conflict',
  not_found: 'policy_not_found',
  plan_not_found: 'plan_not_found',
  revision_gone: 'revision_gone',
} as const satisfies Record<NonNullable<CycleOutcome['code']>, ErrorCode>

/** Throws what stopped it; sets headers that say where in the audit log it stands. */
export const granted = (c: Context<AppEnv>, outcome: Changed): Changed => {
  if (!outcome.ok) throw refusal(outcome)
  if (outcome.revision !== null) c.header('x-edict-revision', String(outcome.revision))
  if (outcome.sequence !== undefined) c.header('x-edict-audit', `${outcome.sequence}:${outcome.hash ?? ''}`)
  return outcome
}

export const waitingAnswer = (plan: PlanSummary) => ({
  message: `It waits to be approved with plan ${plan._id}`,
  plan: planAsJson(plan),
})

export const waitingResponse = {
  202: jsonContent(
    'Not in force: it waits to be approved with this plan, where the API has `mode: plan`.',
    z.object({ message: z.string(), plan: planSchema }).openapi('Waits'),
  ),
}

const refusal = ({ code, message, findings }: CycleOutcome): EdictError => {
  if (code === undefined) return new EdictError('sync_unavailable', message)
  return new EdictError(codes[code], message, { errors: findings.map(detail) })
}

const detail = ({ code, message, file, line, column }: Finding) => ({
  code,
  message,
  ...(file !== undefined && { location: { file, row: line ?? 1, col: column ?? 1 } }),
})

/** Wishes for a cycle: submitted as a document, answered by a worker. What several routes share about them. */
import { z } from '@hono/zod-openapi'
import type { Actor } from '../../auth/actor.ts'
import { EdictError } from '../../errors.ts'
import type { CycleOutcome } from '../../policy/schema.ts'
import { findingJson, instant, jsonContent } from '../schemas.ts'

/** Throws `store_unavailable`. */
export interface CycleRequests {
  readonly submit: (request: WantedCycle) => Promise<{ readonly id: string }>
  /** null: no outcome in that time. */
  readonly outcome: (id: string, options: { readonly withinMs: number }) => Promise<CycleOutcome | null>
}

export interface WantedCycle {
  readonly reason: 'webhook' | 'sync' | 'confirm' | 'approve' | 'rollback'
  /** null: none in particular. */
  readonly source: string | null
  /** With `confirm`. */
  readonly commit: string | null
  /** With `approve`. */
  readonly plan?: string
  /** With `rollback`. */
  readonly revision?: number
  /** Why, for people. */
  readonly note?: string | null
  readonly actor: Actor
}

export const outcomeSchema = z
  .object({
    id: z.string(),
    ok: z.boolean(),
    at: instant,
    revision: z.number().int().nullable(),
    message: z.string(),
    findings: z.array(findingJson),
    plan: z.string().nullable().optional().openapi({ description: 'The plan that was applied or waits.' }),
  })
  .openapi('CycleOutcome')

export const acceptedSchema = z.object({ id: z.string(), message: z.string() }).openapi('Accepted')

export const waitQuery = z.object({
  wait: z.coerce.number().min(0).max(600).default(60).openapi({ description: 'Seconds to wait for the outcome.' }),
})

export const cycleResponses = {
  200: jsonContent('How the cycle ended.', outcomeSchema),
  202: jsonContent('Asked for; not waited for, or not finished in time.', acceptedSchema),
}

type Ran = { readonly id: string; readonly outcome: CycleOutcome } | { readonly id: string; readonly message: string }

/** Throws what the outcome says the caller is refused for. */
export const runCycle = async (requests: CycleRequests, request: WantedCycle, waitSeconds: number): Promise<Ran> => {
  const { id } = await requests.submit(request)
  const outcome = waitSeconds === 0 ? null : await requests.outcome(id, { withinMs: waitSeconds * 1000 })
  if (outcome === null) return { id, message: 'a cycle was asked for' }
  if (outcome.code !== undefined) throw refusalOf(outcome.code, outcome.message)
  return { id, outcome }
}

export const outcomeAsJson = (id: string, { at, ok, revision, message, findings, plan }: CycleOutcome) => ({
  id,
  ok,
  at: at.toISOString(),
  revision,
  message,
  findings,
  ...(plan !== undefined && { plan }),
})

const refusalOf = (code: NonNullable<CycleOutcome['code']>, message: string): EdictError =>
  new EdictError(code === 'invalid' ? 'invalid_request' : code, message)

/** `?revision=n`: which revision an evaluation shall answer from, and whether it may. */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { policyResource } from '../auth/actions.ts'
import type { Enforce } from '../auth/enforce.ts'
import { EdictError } from '../errors.ts'
import type { PolicyName } from '../registry/registry.ts'
import type { AtRevision } from './at-revision.ts'
import type { AppEnv } from './environment.ts'
import type { MayEvaluate } from './may-evaluate.ts'

export interface Past {
  readonly atRevision: AtRevision
  readonly enforce: Enforce
  readonly mayEvaluate: MayEvaluate
}

export const pastQuery = z.object({
  revision: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .openapi({ description: 'Answers from what that revision held. Locks hold all the same.', example: 7 }),
})

/** undefined: the present. What is not in force any more is source text: it takes the right to read the policy. */
export const mayReadPast = async (
  c: Context<AppEnv>,
  { group, name, version }: PolicyName,
  { enforce }: Past,
): Promise<number | undefined> => {
  const parsed = pastQuery.safeParse({ revision: c.req.query('revision') })
  if (!parsed.success) throw new EdictError('invalid_request', 'revision must be a number from 1')
  const { revision } = parsed.data
  if (revision === undefined) return undefined
  await enforce(await c.get('identify')(), 'read', policyResource(`${group}/${name}/${version}`))
  return revision
}

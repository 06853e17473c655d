/** Who may let a plan through: the rules that say so, who may not because they made it, and the caller. */
import { z } from '@hono/zod-openapi'
import type { Resource } from '../auth/actions.ts'
import type { Actor } from '../auth/actor.ts'
import { isAllowed } from '../auth/allowed.ts'
import type { Authz } from '../auth/authz.ts'
import type { Enforce } from '../auth/enforce.ts'
import { makersOf } from '../auth/holders.ts'
import type { AuthMode } from '../auth/mode.ts'

const texts = z.array(z.string())

const allowedSchema = z.object({
  allowed: z.boolean(),
  because: z.string().nullable().openapi({ description: 'Why not.' }),
})

export const approvalSchema = z
  .object({
    mode: z.enum(['open', 'required']).openapi({ description: 'open: whoever reaches the server may.' }),
    rules: z
      .array(
        z.object({
          rule: z.string(),
          actors: texts,
          roles: texts,
          groups: texts,
          ownGroups: texts
            .nullable()
            .openapi({ description: 'Only who is in the group of all that is touched: these.' }),
          uncovered: texts.openapi({ description: 'What of the plan lies outside the scope of this rule.' }),
        }),
      )
      .openapi({
        description: 'The rules that give somebody `approve`. Each thing that is touched needs one that covers it.',
      }),
    notBy: texts.openapi({
      description:
        'Who asked for it through the API, or wrote or committed it (by e-mail address), where four eyes are asked for.',
    }),
    you: z.object({ approve: allowedSchema, reject: allowedSchema }).openapi({ description: 'The caller.' }),
  })
  .openapi('PlanApproval')

export type PlanApproval = z.infer<typeof approvalSchema>

export interface Approvals {
  readonly enforce: Enforce
  readonly mode: () => AuthMode
  readonly authz: () => Promise<Pick<Authz, 'decide' | 'holders'>>
}

/** How much is named of what a rule does not cover. */
const mostNamed = 20

export async function approvalOf(
  { enforce, mode, authz }: Approvals,
  actor: Actor | null,
  touched: readonly Resource[],
): Promise<PlanApproval> {
  const you = {
    approve: await isAllowed(enforce, actor, 'approve', touched),
    // Nobody else is needed to take back one's own.
    reject: await isAllowed(
      enforce,
      actor,
      'approve',
      touched.map((one) => ({ ...one, by: [] })),
    ),
  }
  if (mode() === 'open') return { mode: 'open', rules: [], notBy: [], you }
  const { decide, holders } = await authz()
  const rules = holders('approve', touched).map(({ rule, actors, roles, groups, ownGroups, uncovered }) => ({
    rule,
    actors: [...actors],
    roles: [...roles],
    groups: [...groups],
    ownGroups: ownGroups === null ? null : [...ownGroups],
    uncovered: uncovered.slice(0, mostNamed),
  }))
  return { mode: 'required', rules, notBy: [...makersOf(touched, decide)], you }
}

/**
 * The rules that decide who may do what, as `authz.yaml` has them: groups with their members (beside the groups that a
 * credential names), rules with ids. Each rule is of one kind: its actions take a `scope`, or a `target_scope`, or they
 * are `admin` and take neither.
 */
import { z } from 'zod'
import { pattern } from '../config/scopes.ts'
import { scopedActions, targetActions } from './actions.ts'

const name = z.string().min(1).max(128)
const names = z.array(name)

const scope = z.union(
  [
    z.enum(['any', 'protected', 'unprotected']),
    z.strictObject({
      is: z.enum(['any', 'protected', 'unprotected']).default('any'),
      patterns: z.array(pattern).min(1).optional(),
      own_groups: z.boolean().default(false),
    }),
  ],
  'is any, protected, unprotected, or { is, patterns, own_groups }',
)

const actions = [...scopedActions, ...targetActions, 'admin'] as const

const rule = z
  .strictObject({
    id: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/, 'is not an id: letters, digits and . _ -'),
    actors: names.default([]),
    roles: names.default([]),
    groups: names.default([]),
    actions: z.array(z.enum(actions)).min(1),
    scope: scope.optional(),
    target_scope: scope.optional(),
  })
  .superRefine((written, context) => {
    for (const problem of kindProblems(written)) context.addIssue({ code: 'custom', ...problem })
    if (written.actors.length + written.roles.length + written.groups.length === 0)
      context.addIssue({ code: 'custom', message: 'names nobody: give actors, roles or groups' })
  })

type Written = {
  readonly actions: readonly (typeof actions)[number][]
  readonly scope?: unknown
  readonly target_scope?: unknown
}

const kindOf = (action: (typeof actions)[number]): 'scope' | 'target_scope' | 'neither' => {
  if (action === 'admin') return 'neither'
  return scopedActions.some((scoped) => scoped === action) ? 'scope' : 'target_scope'
}

interface KindProblem {
  readonly message: string
  /** Where in the rule; absent: the rule itself. */
  readonly path?: string[]
}

function kindProblems({ actions: asked, scope: what, target_scope: where }: Written): readonly KindProblem[] {
  const kinds = [...new Set(asked.map(kindOf))]
  const [kind] = kinds
  if (kind === undefined) return []
  if (kinds.length > 1) {
    const shown = kinds.map((one) => `${asked.filter((action) => kindOf(action) === one).join(', ')} (${one})`)
    const message = `has actions of different kinds, which need rules of their own: ${shown.join('; ')}`
    return [{ message, path: ['actions'] }]
  }
  if (what !== undefined && where !== undefined) return [{ message: 'has both scope and target_scope' }]
  const given = what !== undefined ? 'scope' : where !== undefined ? 'target_scope' : 'neither'
  if (given === kind) return []
  if (kind === 'neither') return [{ message: `admin takes no ${given}`, path: [given] }]
  return given === 'neither'
    ? [{ message: `${asked.join(', ')} needs a ${kind}` }]
    : [{ message: `${asked.join(', ')} takes a ${kind}, not a ${given}`, path: [given] }]
}

export const rulesSchema = z
  .strictObject({
    groups: z.record(name, names).default({}),
    /** By actor: addresses that commits of theirs bear. */
    emails: z.record(name, names).default({}),
    rules: z.array(rule).min(1),
    four_eyes: z.array(pattern).default([]),
  })
  .superRefine(({ rules }, context) => {
    for (const [index, { id }] of rules.entries())
      if (rules.findIndex((other) => other.id === id) !== index)
        context.addIssue({ code: 'custom', path: ['rules', index, 'id'], message: `the id ${id} is used twice` })
  })

export type Rules = z.infer<typeof rulesSchema>

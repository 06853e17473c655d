/** `/api/authz`: the rules of who may do what that are in force, and taking their file up again without a restart. */
import { createRoute, z } from '@hono/zod-openapi'
import { authzResource } from '../../auth/actions.ts'
import type { Actor } from '../../auth/actor.ts'
import type { Enforce } from '../../auth/enforce.ts'
import type { Rules } from '../../auth/rules.ts'
import { markText } from '../../store/audit-chain.ts'
import type { ReplicaStatus } from '../../store/replicas.ts'
import { auditHeader, clientAddress } from '../client.ts'
import type { App } from '../environment.ts'
import { errorResponses, instant, jsonContent } from '../schemas.ts'
import { replicaRules } from '../views.ts'
import type { Confirmation } from './lock.ts'

export interface RulesPort {
  /** As this process goes by them. */
  readonly state: () => {
    readonly file: string | null
    readonly digest: string | null
    readonly since: Date
    readonly problem: { readonly message: string } | null
    readonly rules: Rules
    readonly protectedKeys: readonly string[]
  }
  readonly replicas: () => Promise<readonly ReplicaStatus[]>
  /** Rejects with `conflict` when there is no file, with `policy_invalid` when it cannot be taken. */
  readonly reload: (by: {
    readonly actor: Actor
    readonly from: string | null
  }) => Promise<{ readonly digest: string; readonly sequence: number; readonly hash: string }>
  readonly confirmed: (sequence: number) => Promise<Confirmation>
}

const digest = z.string().nullable().openapi({ description: 'sha256 of the file; null: what is shipped.' })
const problem = z.string().nullable().openapi({ description: 'Why the file as it is now is not in force.' })

const replicaSchema = z
  .object({ id: z.string(), host: z.string(), live: z.boolean(), digest, since: instant.nullable(), problem })
  .openapi('ReplicaRules')

const scopes = z.enum(['any', 'protected', 'unprotected'])
const scope = z.union([
  scopes,
  z.object({ is: scopes, patterns: z.array(z.string()).optional(), own_groups: z.boolean() }),
])

const ruleSchema = z
  .object({
    id: z.string(),
    actors: z.array(z.string()),
    roles: z.array(z.string()),
    groups: z.array(z.string()),
    actions: z.array(z.string()),
    scope: scope.optional(),
    target_scope: scope.optional(),
  })
  .openapi('AuthzRule')

const rulesSchema = z
  .object({
    file: z.string().nullable(),
    digest,
    since: instant.openapi({ description: 'In the process that answers.' }),
    problem,
    groups: z.record(z.string(), z.array(z.string())),
    emails: z.record(z.string(), z.array(z.string())),
    rules: z.array(ruleSchema),
    four_eyes: z.array(z.string()),
    protected: z.array(z.string()),
    replicas: z.array(replicaSchema),
  })
  .openapi('AuthzRules')

const showRoute = createRoute({
  method: 'get',
  path: '/api/authz',
  operationId: 'showAuthz',
  tags: ['identity'],
  summary: 'Show the rules of who may do what that are in force, and by which each replica goes',
  responses: { 200: jsonContent('The rules.', rulesSchema), ...errorResponses(401, 403, 503) },
})

const reloadRoute = createRoute({
  method: 'post',
  path: '/api/authz/reload',
  operationId: 'reloadAuthz',
  tags: ['identity'],
  summary: 'Have every process take up the rules file as it is now',
  responses: {
    200: jsonContent(
      'They are in force in all that are in `confirmed`; `replicas` says which rules that are, for each.',
      z
        .object({
          digest: z.string(),
          confirmed: z.array(z.string()),
          silent: z.array(z.string()),
          pending: z.array(z.string()),
          replicas: z.array(replicaSchema),
        })
        .openapi('ReloadedAuthz'),
    ),
    ...errorResponses(400, 401, 403, 409, 429, 503),
  },
})

export interface AuthzRoutesOptions {
  readonly rules: RulesPort
  readonly enforce: Enforce
}

export const authzRoutes = (app: App, { rules, enforce }: AuthzRoutesOptions): void => {
  const replicas = async () => (await rules.replicas()).map(replicaRules)

  app.openapi(showRoute, async (c) => {
    await enforce(c.get('actor'), 'admin', authzResource)
    const { file, since, problem: why, rules: written, protectedKeys, ...state } = rules.state()
    const shown = { file, digest: state.digest, since: since.toISOString(), problem: why?.message ?? null }
    return c.json({ ...shown, ...written, protected: [...protectedKeys], replicas: await replicas() }, 200)
  })

  app.openapi(reloadRoute, async (c) => {
    const actor = await enforce(c.get('actor'), 'admin', authzResource)
    const { sequence, hash, digest: taken } = await rules.reload({ actor, from: clientAddress(c) })
    c.header(auditHeader, markText({ sequence, hash }))
    const { confirmed, silent, pending } = await rules.confirmed(sequence)
    const known = { confirmed: [...confirmed], silent: [...silent], pending: [...pending] }
    return c.json({ digest: taken, ...known, replicas: await replicas() }, 200)
  })
}

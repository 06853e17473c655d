/**
 * `POST/DELETE P/lock`. The answer 200 says that every live replica knows of it; 202 names those that have not said so
 * within the bound: the lock (or its end) stands all the same.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { policyResource } from '../../auth/actions.ts'
import type { Actor } from '../../auth/actor.ts'
import type { Enforce } from '../../auth/enforce.ts'
import { EdictError } from '../../errors.ts'
import { type AuditMark, markText } from '../../store/audit-chain.ts'
import { auditHeader, clientAddress } from '../client.ts'
import type { PolicyKey } from '../../policy/schema.ts'
import type { PolicyName, Registry } from '../../registry/registry.ts'
import type { App, AppEnv } from '../environment.ts'
import { documentedBody, readJson } from '../json-request.ts'
import { policyForms, policyName } from '../policy-route.ts'
import { errorResponses, jsonContent } from '../schemas.ts'

/** Throws `already_locked`, `not_locked`, `store_unavailable`. */
export interface LockStore {
  readonly lock: (lock: {
    readonly key: PolicyKey
    readonly actor: Actor
    readonly from: string | null
    readonly reason: string | null
    readonly until: Date | null
  }) => Promise<AuditMark>
  readonly unlock: (lock: {
    readonly key: PolicyKey
    readonly actor: Actor
    readonly from: string | null
  }) => Promise<AuditMark>
  /** Waits until all live replicas have taken in this change, or for a bound. */
  readonly confirmed: (sequence: number) => Promise<Confirmation>
}

export interface Confirmation {
  readonly confirmed: readonly string[]
  /** Not heard of for so long that they count as gone. */
  readonly silent: readonly string[]
  /** Live, but have not confirmed. */
  readonly pending: readonly string[]
}

export interface LockRoutesOptions {
  readonly registry: Pick<Registry, 'find' | 'lock' | 'state'>
  readonly locks: LockStore
  readonly enforce: Enforce
  readonly now?: () => number
}

const lockRequest = z.strictObject({
  reason: z.string().max(500).nullish().openapi({ description: 'Why, for people.' }),
  until: z.iso.datetime({ offset: true }).nullish().openapi({ description: 'When the lock ends by itself.' }),
})

const confirmedSchema = z.object({ confirmed: z.array(z.string()), silent: z.array(z.string()) }).openapi('Confirmed')
const unconfirmedSchema = z
  .object({
    code: z.literal('lock_unconfirmed'),
    message: z.string(),
    id: z.string(),
    pending: z.array(z.string()),
    confirmed: z.array(z.string()),
    silent: z.array(z.string()),
  })
  .openapi('Unconfirmed')

const responses = {
  200: jsonContent('Every live replica has confirmed.', confirmedSchema),
  202: jsonContent('It stands, but a live replica has not confirmed in time.', unconfirmedSchema),
  ...errorResponses(400, 403, 404, 503),
}

export const lockRoutes = (app: App, options: LockRoutesOptions): void => {
  const { registry, locks, enforce, now = Date.now } = options

  const lock = async (c: Context<AppEnv>, name: PolicyName) => {
    const actor = await enforce(c.get('actor'), 'lock', policyResource(keyOf(name)))
    const { reason = null, until = null } = await readJson(c, lockRequest)
    const end = until === null ? null : new Date(until)
    if (end !== null && end.getTime() <= now()) {
      const errors = [{ code: 'past', message: 'until: must be in the future' }]
      throw new EdictError('invalid_request', 'the body is not valid', { errors })
    }
    const { key } = known(registry, name)
    const mark = await locks.lock({ key, actor, from: clientAddress(c), reason, until: end })
    return answer(c, mark, { confirmation: await locks.confirmed(mark.sequence), what: 'the lock stands' })
  }

  const unlock = async (c: Context<AppEnv>, name: PolicyName) => {
    const key = keyOf(name)
    const actor = await enforce(c.get('actor'), 'unlock', policyResource(key))
    // A lock outlives its policy and must be liftable then; the source of a policy that is gone cannot be checked.
    if (name.repository !== undefined || registry.lock(key) === undefined) known(registry, name)
    const mark = await locks.unlock({ key, actor, from: clientAddress(c) })
    return answer(c, mark, { confirmation: await locks.confirmed(mark.sequence), what: 'the lock is lifted' })
  }

  for (const { prefix, params, suffix } of policyForms) {
    const common = { path: `${prefix}/lock` as const, tags: ['lock'], responses }
    app.openapi(
      createRoute({
        ...common,
        method: 'post',
        operationId: `lock${suffix}`,
        summary: 'Lock a policy: no evaluation of it starts after the answer',
        request: { params, body: documentedBody(lockRequest) },
      }),
      (c) => lock(c, policyName(c.req.valid('param'))),
    )
    app.openapi(
      createRoute({
        ...common,
        method: 'delete',
        operationId: `unlock${suffix}`,
        summary: 'Unlock a policy',
        request: { params },
      }),
      (c) => unlock(c, policyName(c.req.valid('param'))),
    )
  }
}

const keyOf = ({ group, name, version }: PolicyName): PolicyKey => `${group}/${name}/${version}`

const known = (registry: LockRoutesOptions['registry'], name: PolicyName) => {
  const entry = registry.find(name)
  if (entry !== undefined) return entry
  if (!registry.state.loaded)
    throw new EdictError('store_unavailable', 'no policy is known yet: the store has not answered')
  throw new EdictError('policy_not_found', `no policy ${keyOf(name)}`)
}

const answer = (
  c: Context<AppEnv>,
  mark: AuditMark,
  { confirmation, what }: { readonly confirmation: Confirmation; readonly what: string },
) => {
  c.header(auditHeader, markText(mark))
  const confirmed = [...confirmation.confirmed]
  const silent = [...confirmation.silent]
  const pending = [...confirmation.pending]
  if (pending.length === 0) return c.json({ confirmed, silent }, 200)
  const message = `${what}, but ${pending.join(', ')} did not confirm in time`
  return c.json({ code: 'lock_unconfirmed' as const, message, id: c.get('requestId'), pending, confirmed, silent }, 202)
}

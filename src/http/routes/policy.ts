/** `GET P`: what is known of one policy, its lock and its source text. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import { policyResource } from '../../auth/actions.ts'
import type { Enforce } from '../../auth/enforce.ts'
import { EdictError } from '../../errors.ts'
import { urlWords } from '../../policy/layout.ts'
import { policyTestsSchema, type PolicyKey, type PolicyTests } from '../../policy/schema.ts'
import type { PolicyEntry } from '../../registry/policy-entry.ts'
import type { PolicyName, Registry } from '../../registry/registry.ts'
import type { App, AppEnv } from '../environment.ts'
import { policyForms, policyName } from '../policy-route.ts'
import { errorResponses, instant, jsonContent, lockJson, statusJson } from '../schemas.ts'
import { lockAsJson, statusAsJson } from '../views.ts'

/** The text of a policy in force, references resolved. Throws `store_unavailable`. */
export interface PolicyReader {
  readonly read: (key: PolicyKey) => Promise<PolicySource | null>
}

export interface PolicySource {
  readonly rego: string
  readonly data: string | null
  readonly files: readonly { readonly path: string; readonly text: string }[]
  readonly tests: PolicyTests | null
}

export interface PolicyRoutesOptions {
  readonly registry: Pick<Registry, 'find' | 'list' | 'state'>
  readonly policies: PolicyReader
  readonly enforce: Enforce
}

const policySchema = z
  .object({
    repository: z.string(),
    group: z.string(),
    name: z.string(),
    version: z.string(),
    versions: z.array(z.string()).openapi({ description: 'All versions of this policy, the newest first.' }),
    digest: z.string(),
    artifact: z.object({ wasm: z.string(), data: z.string(), entry: z.enum(['package', 'value']) }).nullable(),
    regoVersion: z.union([z.literal(0), z.literal(1)]),
    commit: z.string(),
    author: z.string().nullable(),
    revision: z.number().int(),
    updated: instant,
    status: statusJson,
    lock: lockJson.nullable(),
    rego: z.string(),
    data: z.string().nullable().openapi({ description: 'data.json as it was written.' }),
    files: z.array(z.object({ path: z.string(), text: z.string() })),
    tests: policyTestsSchema.extend({ at: instant }).nullable().openapi({
      description: 'What its tests came to on what is in force; null where there are none, or they were not run.',
    }),
  })
  .openapi('Policy')

export const policyRoutes = (app: App, { registry, policies, enforce }: PolicyRoutesOptions): void => {
  const show = async (c: Context<AppEnv>, name: PolicyName) => {
    const entry = find(registry, name)
    await enforce(c.get('actor'), 'read', policyResource(entry.key))
    const source = await policies.read(entry.key)
    if (source === null) throw new EdictError('policy_not_found', `no policy ${entry.key}`)
    return c.json(view(entry, versionsOf(registry, name), source), 200)
  }
  for (const { prefix, params, suffix } of policyForms) {
    const route = createRoute({
      method: 'get',
      path: prefix,
      middleware: noUrlWord,
      operationId: `getPolicy${suffix}`,
      tags: ['policies'],
      summary: 'Show a policy: its state, lock, versions and source text',
      request: { params },
      responses: { 200: jsonContent('The policy.', policySchema), ...errorResponses(403, 404, 503) },
    })
    app.openapi(route, (c) => show(c, policyName(c.req.valid('param'))))
  }
}

/** `P/lock` and the like have routes of their own; with a method that these lack, they are still no policy. */
const noUrlWord: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (urlWords.has(c.req.param('version') ?? '')) return c.notFound()
  await next()
  return undefined
}

const find = (registry: PolicyRoutesOptions['registry'], name: PolicyName): PolicyEntry => {
  const entry = registry.find(name)
  if (entry !== undefined) return entry
  if (!registry.state.loaded)
    throw new EdictError('store_unavailable', 'no policy is known yet: the store has not answered')
  throw new EdictError('policy_not_found', `no policy ${name.group}/${name.name}/${name.version}`)
}

const versionsOf = (registry: PolicyRoutesOptions['registry'], { group, name }: PolicyName): string[] =>
  registry
    .list()
    .filter((meta) => meta.group === group && meta.name === name)
    .map(({ version }) => version)
    .reverse()

const view = (entry: PolicyEntry, versions: string[], { rego, data, files, tests }: PolicySource) => {
  const { repository, group, name, version, digest, artifact, regoVersion, commit, author, revision } = entry.meta
  return {
    repository,
    group,
    name,
    version,
    versions,
    digest,
    artifact,
    regoVersion,
    commit,
    author,
    revision,
    updated: entry.meta.updated.toISOString(),
    status: statusAsJson(entry.meta.status),
    lock: entry.lock === undefined ? null : lockAsJson(entry.lock),
    rego,
    data,
    files: [...files],
    tests: tests === null ? null : { ...tests, at: tests.at.toISOString() },
  }
}

/**
 * OPA's policy API over the shared modules: list, read, put and delete, the same changes as those of the management
 * routes. The list answers the Go policy service's clients as well, who ask the same path: `policies` beside `result`.
 */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { everything, moduleResource, type Action, type Resource } from '../../auth/actions.ts'
import type { Actor } from '../../auth/actor.ts'
import type { Enforce } from '../../auth/enforce.ts'
import { EdictError } from '../../errors.ts'
import type { ApiChange } from '../../policy/api-change.ts'
import type { PolicyKey, PolicyMeta } from '../../policy/schema.ts'
import type { Registry } from '../../registry/registry.ts'
import { granted, waitingAnswer, waitingResponse, type ApplyChange, type Changed } from '../changes.ts'
import { clientAddress } from '../client.ts'
import type { App, AppEnv } from '../environment.ts'
import type { ErrorLog } from '../error-body.ts'
import { createAnswering } from '../opa/answering.ts'
import { flag, pathBelow } from '../opa/data-request.ts'
import { opaError, type OpaError } from '../opa/error-shape.ts'
import { policyFilters, type PolicyFilters } from '../opa/policy-filters.ts'
import { readBytes } from '../request-body.ts'
import type { ModuleReader } from './modules.ts'
import type { PolicyReader } from './policy.ts'

export interface OpaPoliciesDeps {
  readonly registry: Pick<Registry, 'list' | 'lock'>
  readonly modules: ModuleReader
  readonly policies: PolicyReader
  readonly applyChange: ApplyChange
  readonly enforce: Enforce
  readonly log: ErrorLog
}

const base = '/v1/policies'

export const opaPolicyRoutes = (app: App, deps: OpaPoliciesDeps): void => {
  const { registry, modules, policies, applyChange, enforce, log } = deps
  const change = async (c: Context<AppEnv>, asked: ApiChange, actor: Actor) =>
    granted(c, await applyChange({ change: asked, actor, from: clientAddress(c) }))
  const answering = createAnswering(log, explain)

  const may = (c: Context<AppEnv>, action: Action, resource: Resource): Promise<Actor> =>
    enforce(c.get('actor'), action, resource)

  const listed = async (meta: PolicyMeta, filters: PolicyFilters) => {
    const wantsText = filters.rego || filters.data || filters.dataConfig
    const source = wantsText ? await policies.read(meta._id as PolicyKey) : null
    const config = source?.files.find(({ path }) => path === 'data-config.json')?.text
    return {
      repository: meta.repository,
      policyName: meta.name,
      group: meta.group,
      version: meta.version,
      locked: registry.lock(meta._id) !== undefined,
      lastUpdate: Math.floor(meta.updated.getTime() / 1000),
      ...(filters.rego && source !== null && { rego: source.rego }),
      ...(filters.data && source?.data != null && { data: source.data }),
      ...(filters.dataConfig && config !== undefined && { dataConfig: config }),
    }
  }

  app.get(
    base,
    answering(async (c) => {
      await may(c, 'read', everything('module'))
      const filters = policyFilters(c.req.query())
      const result: { id: string; raw: string }[] = []
      for (const id of await modules.list()) result.push({ id, raw: (await modules.read(id)) ?? '' })
      const matching = registry
        .list()
        .filter(({ name }) => filters.matches(name))
        .filter(({ _id }) => filters.locked === undefined || (registry.lock(_id) !== undefined) === filters.locked)
      const found: Awaited<ReturnType<typeof listed>>[] = []
      for (const meta of matching) found.push(await listed(meta, filters))
      return json(c, { result, policies: found })
    }),
  )

  app.get(
    `${base}/*`,
    answering(async (c) => {
      const id = idOf(c)
      await may(c, 'read', moduleResource(id))
      const raw = await modules.read(id)
      if (raw === null) throw new EdictError('policy_not_found', unknown(id))
      return json(c, { result: { id, raw } })
    }),
  )

  app.put(
    `${base}/*`,
    answering(async (c) => {
      const id = idOf(c)
      const actor = await may(c, 'change', moduleResource(id))
      const rego = Buffer.from(await readBytes(c)).toString()
      return changed(c, await change(c, { kind: 'modules', put: [{ id, rego }], remove: [] }, actor))
    }),
  )

  app.delete(
    `${base}/*`,
    answering(async (c) => {
      const id = idOf(c)
      const actor = await may(c, 'change', moduleResource(id))
      return changed(c, await change(c, { kind: 'modules', put: [], remove: [id] }, actor))
    }),
  )

  describePolicies(app)
}

const changed = (c: Context<AppEnv>, { waitsIn }: Changed): Response =>
  waitsIn === undefined ? json(c, {}) : json(c, waitingAnswer(waitsIn), 202)

const json = (c: Context<AppEnv>, value: object, status: 200 | 202 = 200): Response =>
  c.body(`${JSON.stringify(value, null, flag(c, 'pretty') ? 2 : 0)}\n`, status, { 'content-type': 'application/json' })

/** With its slashes as they are, or as `%2F`. */
const idOf = (c: Context<AppEnv>): string => pathBelow(c.req.url, base).join('/')

const unknown = (id: string): string => `storage_not_found_error: policy id ${JSON.stringify(id)}`

/** OPA's words for what it would say itself. */
const explain = (error: EdictError, c: Context<AppEnv>): OpaError => {
  const shape = opaError(error)
  if (error.code === 'policy_not_found') return { ...shape, message: unknown(idOf(c)) }
  if (error.code !== 'policy_invalid') return shape
  const deletes = c.req.method === 'DELETE'
  return {
    ...shape,
    code: deletes ? 'invalid_operation' : 'invalid_parameter',
    message: 'error(s) occurred while compiling module(s)',
  }
}

const moduleSchema = z.object({ id: z.string(), raw: z.string() })
const listSchema = z.object({
  result: z.array(moduleSchema).openapi({ description: 'The shared modules.' }),
  policies: z
    .array(
      z.object({
        repository: z.string(),
        policyName: z.string(),
        group: z.string(),
        version: z.string(),
        locked: z.boolean(),
        lastUpdate: z.number().int().openapi({ description: 'Seconds since 1970.' }),
        rego: z.string().optional(),
        data: z.string().optional(),
        dataConfig: z.string().optional(),
      }),
    )
    .openapi({ description: 'The policies.' }),
})

const describePolicies = (app: App): void => {
  const id = z.object({
    path: z.string().openapi({ param: { name: 'path', in: 'path' }, description: 'May hold slashes.' }),
  })
  const answer = (description: string, schema: z.ZodType) => ({
    200: { description, content: { 'application/json': { schema } } },
    400: { description: 'The Rego does not compile; `errors` say where.' },
  })
  const common = { tags: ['opa'] }
  const query = z.object({
    policyName: z.string().optional().openapi({ description: 'Part of a name, as a regular expression, in any case.' }),
    locked: z.string().optional(),
    rego: z.string().optional(),
    data: z.string().optional(),
    dataConfig: z.string().optional(),
  })
  const paths = app.openAPIRegistry
  paths.registerPath({
    ...common,
    method: 'get',
    path: base,
    operationId: 'opaListPolicies',
    summary: 'List shared modules as OPA does, and policies as the Go policy service does',
    request: { query },
    responses: answer('Both.', listSchema),
  })
  paths.registerPath({
    ...common,
    method: 'get',
    path: `${base}/{path}`,
    operationId: 'opaGetPolicy',
    summary: 'Read a shared module',
    request: { params: id },
    responses: answer('The module.', z.object({ result: moduleSchema })),
  })
  paths.registerPath({
    ...common,
    method: 'put',
    path: `${base}/{path}`,
    operationId: 'opaPutPolicy',
    summary: 'Put a shared module in force',
    request: { params: id, body: { content: { 'text/plain': { schema: z.string() } } } },
    responses: { ...answer('In force.', z.object({})), ...waitingResponse },
  })
  paths.registerPath({
    ...common,
    method: 'delete',
    path: `${base}/{path}`,
    operationId: 'opaDeletePolicy',
    summary: 'Delete a shared module',
    request: { params: id },
    responses: { ...answer('Gone.', z.object({})), ...waitingResponse },
  })
}

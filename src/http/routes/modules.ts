/**
 * The management of dynamic policies: generate a module from roles, upload, list, read, check and delete modules. Offered
 * under each prefix; a change answers when it is in force, or waits in a plan. Errors also carry `detail`, which is the message.
 */
import { type createRoute, z } from '@hono/zod-openapi'
import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { anything, everything, moduleResource, type Action, type Resource } from '../../auth/actions.ts'
import type { Actor } from '../../auth/actor.ts'
import type { Enforce } from '../../auth/enforce.ts'
import { EdictError } from '../../errors.ts'
import type { ApiChange } from '../../policy/api-change.ts'
import { renderRules } from '../../policy/generate.ts'
import { generatedModule, ruleKeySchema } from '../../policy/rules.ts'
import { previewSchema } from '../../policy/schema.ts'
import { granted, waitingAnswer, waitingResponse, type ApplyChange } from '../changes.ts'
import { clientAddress } from '../client.ts'
import type { App, AppEnv } from '../environment.ts'
import { documentedBody, readJson } from '../json-request.ts'
import { errorResponses, findingJson, jsonContent } from '../schemas.ts'

/** What is in force. Throws `store_unavailable`. */
export interface ModuleReader {
  readonly list: () => Promise<readonly string[]>
  readonly read: (id: string) => Promise<string | null>
}

export interface ModuleRoutesOptions {
  readonly prefixes: readonly string[]
  readonly modules: ModuleReader
  readonly applyChange: ApplyChange
  readonly enforce: Enforce
}

const { service_name, resource_type, role, action } = ruleKeySchema.shape

const generateRequest = z.object({
  service_name,
  resource_type,
  actions: z.record(role, z.array(action)).refine((actions) => Object.values(actions).flat().length > 0, {
    error: 'names no action',
  }),
})
const module_name = z.string().min(1).max(512)
const uploadRequest = z.object({ module_name, rego_code: z.string() })
const checkRequest = z.object({ module_name: module_name.optional(), rego_code: z.string() })

const messageSchema = z.object({ message: z.string() }).openapi('Message')
const moduleSchema = z.object({ module_name: z.string(), rego_code: z.string() }).openapi('Module')
const generatedSchema = messageSchema.extend({ module_name: z.string(), rego_code: z.string() }).openapi('Generated')
const checkedSchema = z
  .object({
    ok: z.boolean(),
    message: z.string(),
    findings: z.array(findingJson),
    plan: previewSchema.nullable().openapi({ description: 'What would be created, replaced and removed.' }),
  })
  .openapi('Checked')

export const moduleRoutes = (app: App, options: ModuleRoutesOptions): void => {
  for (const [index, prefix] of options.prefixes.entries()) routesBelow(app, `${prefix}/policies`, index, options)
}

const routesBelow = (app: App, base: string, index: number, options: ModuleRoutesOptions): void => {
  const { modules, applyChange, enforce } = options

  const may = (c: Context<AppEnv>, what: Action, resource: Resource): Promise<Actor> =>
    enforce(c.get('actor'), what, resource)
  const change = async (c: Context<AppEnv>, asked: ApiChange, actor: Actor) =>
    granted(c, await applyChange({ change: asked, actor, from: clientAddress(c) }))

  app.post(`${base}/generate`, async (c) => {
    await may(c, 'change', anything)
    const { service_name: service, resource_type: type, actions } = await readJson(c, generateRequest)
    const id = generatedModule(service)
    const actor = await may(c, 'change', moduleResource(id))
    const rules = Object.entries(actions).flatMap(([name, all]) =>
      all.map((one) => ({ service_name: service, resource_type: type, role: name, action: one, is_active: true })),
    )
    const put = rules.map((rule) => ({ ...rule, id: randomUUID() }))
    const replaceOf = { service_name: service, resource_type: type }
    const { waitsIn } = await change(c, { kind: 'rules', put, patch: [], remove: [], replaceOf }, actor)
    if (waitsIn !== undefined) return c.json(waitingAnswer(waitsIn), 202)
    const rego_code = (await modules.read(id)) ?? renderRules(rules)
    return c.json({ message: `Policy for ${service} created successfully`, module_name: id, rego_code }, 200)
  })

  for (const existing of [false, true])
    app.post(`${base}/${existing ? 'update' : 'upload'}`, async (c) => {
      await may(c, 'change', anything)
      const { module_name: id, rego_code: rego } = await readJson(c, uploadRequest)
      const actor = await may(c, 'change', moduleResource(id))
      const asked: ApiChange = { kind: 'modules', put: [{ id, rego }], remove: [], ...(existing && { existing }) }
      const { waitsIn } = await change(c, asked, actor)
      if (waitsIn !== undefined) return c.json(waitingAnswer(waitsIn), 202)
      return c.json({ message: `Policy ${id} uploaded successfully` }, 200)
    })

  app.post(`${base}/check`, async (c) => {
    await may(c, 'change', anything)
    const { module_name: id = 'rbac/unnamed', rego_code: rego } = await readJson(c, checkRequest)
    const actor = await may(c, 'change', moduleResource(id))
    const asked: ApiChange = { kind: 'modules', put: [{ id, rego }], remove: [] }
    const { ok, message, findings, preview } = await applyChange({ change: asked, actor, dryRun: true })
    return c.json({ ok, message, findings, plan: preview ?? null }, 200)
  })

  app.get(base, async (c) => {
    await may(c, 'read', everything('module'))
    return c.json({ policies: await modules.list() }, 200)
  })

  app.get(`${base}/*`, async (c) => {
    const id = idBelow(c, base)
    await may(c, 'read', moduleResource(id))
    const rego_code = await modules.read(id)
    if (rego_code === null) throw new EdictError('policy_not_found', 'Policy not found')
    return c.json({ module_name: id, rego_code }, 200)
  })

  app.delete(`${base}/*`, async (c) => {
    const id = idBelow(c, base)
    const actor = await may(c, 'change', moduleResource(id))
    const { waitsIn } = await change(c, { kind: 'modules', put: [], remove: [id] }, actor)
    if (waitsIn !== undefined) return c.json(waitingAnswer(waitsIn), 202)
    return c.json({ message: `Policy ${id} deleted successfully` }, 200)
  })

  describe(app, base, index === 0 ? '' : String(index + 1))
}

/** Plain or with `%2F` for its slashes. */
const idBelow = (c: Context<AppEnv>, base: string): string => {
  const rest = new URL(c.req.url).pathname.slice(base.length + 1)
  try {
    return decodeURIComponent(rest)
  } catch {
    throw new EdictError('invalid_request', 'the module name is not encoded as a URL')
  }
}

const idParams = z.object({
  path: z.string().openapi({
    param: { name: 'path', in: 'path' },
    description: 'The module’s name; may hold slashes.',
    example: 'rbac/core',
  }),
})

/** For the OpenAPI document: an id may hold slashes, which its paths cannot say. */
const describe = (app: App, base: string, suffix: string): void => {
  const changed = { ...waitingResponse, ...errorResponses(400, 401, 403, 404, 409, 413, 503) }
  const register = (config: Omit<Parameters<typeof createRoute>[0], 'tags'>): void =>
    app.openAPIRegistry.registerPath({ ...config, tags: ['modules'] })
  register({
    method: 'post',
    path: `${base}/generate`,
    operationId: `generatePolicy${suffix}`,
    summary: 'Give roles their actions on a type of resource; replaces the active rules of that service and type',
    request: { body: documentedBody(generateRequest, true) },
    responses: { 200: jsonContent('In force.', generatedSchema), ...changed },
  })
  for (const word of ['upload', 'update'])
    register({
      method: 'post',
      path: `${base}/${word}`,
      operationId: `${word}Policy${suffix}`,
      summary: word === 'upload' ? 'Upload a shared module' : 'Replace a shared module that is there',
      request: { body: documentedBody(uploadRequest, true) },
      responses: { 200: jsonContent('In force.', messageSchema), ...changed },
    })
  register({
    method: 'post',
    path: `${base}/check`,
    operationId: `checkPolicy${suffix}`,
    summary: 'Say what would come of an upload; nothing is stored',
    request: { body: documentedBody(checkRequest, true) },
    responses: { 200: jsonContent('Findings and plan.', checkedSchema), ...errorResponses(400, 401, 403, 503) },
  })
  register({
    method: 'get',
    path: base,
    operationId: `listPolicies${suffix}`,
    summary: 'List the shared modules in force, whatever their source',
    responses: {
      200: jsonContent('Their names.', z.object({ policies: z.array(z.string()) })),
      ...errorResponses(401, 403, 503),
    },
  })
  register({
    method: 'get',
    path: `${base}/{path}`,
    operationId: `readPolicy${suffix}`,
    summary: 'Read a shared module; one that rules own as they would be written',
    request: { params: idParams },
    responses: { 200: jsonContent('The module.', moduleSchema), ...errorResponses(401, 403, 404, 503) },
  })
  register({
    method: 'delete',
    path: `${base}/{path}`,
    operationId: `deletePolicy${suffix}`,
    summary: 'Delete a shared module of the API, or the rules that own it',
    request: { params: idParams },
    responses: { 200: jsonContent('Gone.', messageSchema), ...changed },
  })
}

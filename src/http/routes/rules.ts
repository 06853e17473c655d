/**
 * `/api/rules`: rules as data. They are in force when a change is answered; nothing is compiled for it. Bulk upsert and
 * import take a dry run, which says what would change.
 */
import { createRoute, z } from '@hono/zod-openapi'
import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { anything, everything, ruleResource, type Action, type Resource } from '../../auth/actions.ts'
import type { Actor } from '../../auth/actor.ts'
import { isAllowed } from '../../auth/allowed.ts'
import type { Enforce } from '../../auth/enforce.ts'
import { EdictError } from '../../errors.ts'
import type { ApiChange } from '../../policy/api-change.ts'
import { parseRules, ruleInputSchema, showRules, type RuleInput } from '../../policy/rule-list.ts'
import { mostRules, ruleKey, ruleKeySchema, type Rule, type RuleQuery } from '../../policy/rules.ts'
import { previewSchema } from '../../policy/schema.ts'
import { granted, waitingAnswer, waitingResponse, type ApplyChange } from '../changes.ts'
import { clientAddress } from '../client.ts'
import type { App, AppEnv } from '../environment.ts'
import { documentedBody, invalidRequest, readJson } from '../json-request.ts'
import { readBytes } from '../request-body.ts'
import { regoPreview, regoPreviewSchema } from '../rules-rego.ts'
import { errorResponses, findingJson, instant, jsonContent } from '../schemas.ts'

/** Throws `store_unavailable`. */
export interface RuleReader {
  readonly list: (query: RuleQuery) => Promise<{ readonly items: readonly Rule[]; readonly total: number }>
  readonly get: (id: string) => Promise<Rule | null>
}

export interface RuleRoutesOptions {
  readonly rules: RuleReader
  readonly applyChange: ApplyChange
  readonly enforce: Enforce
  /** Bytes of an import. */
  readonly maxImport: number
}

const ruleJson = ruleKeySchema
  .extend({
    id: z.string(),
    is_active: z.boolean(),
    created_at: instant,
    created_by: z.string(),
    updated_at: instant,
    updated_by: z.string(),
  })
  .openapi('Rule')

const asJson = ({ _id: id, created_at, updated_at, revision: _revision, ...rest }: Rule) => ({
  id,
  ...rest,
  created_at: created_at.toISOString(),
  updated_at: updated_at.toISOString(),
})

const filter = z.object({
  service_name: z.string().optional(),
  resource_type: z.string().optional(),
  role: z.string().optional(),
  action: z.string().optional(),
  is_active: z.enum(['true', 'false']).optional(),
  q: z.string().optional().openapi({ description: 'Part of one of the names, in any case.' }),
})
const page = filter.extend({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  offset: z.coerce.number().int().min(0).default(0),
})
const dryRunQuery = z.object({
  dry_run: z.enum(['true', 'false']).default('false').openapi({ description: 'Only say what would change.' }),
})
const patchRequest = ruleInputSchema.extend({ is_active: z.boolean() }).partial().strict()
const bulkRequest = z.object({ rules: z.array(ruleInputSchema).min(1).max(mostRules) })

const countsSchema = z.object({ created: z.number(), updated: z.number(), removed: z.number() })
const bulkSchema = z
  .object({ message: z.string(), rules: countsSchema.openapi({ description: 'What changed.' }) })
  .openapi('RulesChanged')
const dryRunSchema = z
  .object({
    ok: z.boolean(),
    message: z.string(),
    findings: z.array(findingJson),
    plan: previewSchema.nullable(),
    rego: z.array(regoPreviewSchema).openapi({
      description: 'Each service as Rego, now and with the change, for callers who may read it; of twenty services.',
    }),
  })
  .openapi('RulesPreview')

export const ruleRoutes = (app: App, options: RuleRoutesOptions): void => {
  const { rules, applyChange, enforce, maxImport } = options

  const may = (c: Context<AppEnv>, what: Action, resource: Resource | readonly Resource[]): Promise<Actor> =>
    enforce(c.get('actor'), what, resource)
  const mayChange = (c: Context<AppEnv>, services: readonly string[]): Promise<Actor> =>
    may(c, 'change', services.length === 0 ? anything : [...new Set(services)].map(ruleResource))
  const change = async (c: Context<AppEnv>, asked: Partial<RulesChange>, actor: Actor) =>
    granted(c, await applyChange({ change: { ...nothing, ...asked }, actor, from: clientAddress(c) }))
  const found = async (id: string): Promise<Rule> => {
    const rule = await rules.get(id)
    if (rule === null) throw new EdictError('rule_not_found', `no rule ${id}`)
    return rule
  }
  const standing = async (input: RuleInput): Promise<Rule> => {
    const { service_name, resource_type, role, action } = input
    const { items } = await rules.list({ service_name, resource_type, role, action, limit: 1, skip: 0 })
    const [rule] = items
    if (rule === undefined) throw new EdictError('conflict', 'the rule was changed again meanwhile')
    return rule
  }

  const upsert = async (c: Context<AppEnv>, inputs: readonly RuleInput[], dryRun: boolean) => {
    const services = inputs.map(({ service_name }) => service_name)
    const actor = await mayChange(c, services)
    const unique = new Map(inputs.map((rule) => [ruleKey(rule), rule]))
    const put = [...unique.values()].map((rule) => ({ ...rule, id: randomUUID() }))
    if (dryRun) {
      const outcome = await applyChange({ change: { ...nothing, put }, actor, dryRun })
      const { ok, message, findings, preview = null } = outcome
      const mayRead = await isAllowed(enforce, actor, 'read', [...new Set(services)].map(ruleResource))
      const rego = mayRead.allowed ? await regoPreview(inputs, rules) : []
      return c.json({ ok, message, findings, plan: preview, rego }, 200)
    }
    const { message, counts, waitsIn } = await change(c, { put }, actor)
    if (waitsIn !== undefined) return c.json(waitingAnswer(waitsIn), 202)
    return c.json({ message, rules: counts ?? noCounts }, 200)
  }

  app.openapi(listRoute, async (c) => {
    await may(c, 'read', everything('rule'))
    const { limit, offset, is_active, ...rest } = c.req.valid('query')
    const { items, total } = await rules.list({ ...rest, is_active: flagOf(is_active), limit, skip: offset })
    const next = offset + items.length < total ? offset + items.length : null
    return c.json({ rules: items.map(asJson), total, next }, 200)
  })

  app.openAPIRegistry.registerPath(exportRoute)
  app.get('/api/rules/export', async (c) => {
    await may(c, 'export', everything('rule'))
    const asked = exportQuery.safeParse(c.req.query())
    if (!asked.success) throw invalidRequest('the query is not valid', asked.error)
    const { format, is_active, ...rest } = asked.data
    const limit = Number.MAX_SAFE_INTEGER
    const { items } = await rules.list({ ...rest, is_active: flagOf(is_active), limit, skip: 0 })
    const type = format === 'csv' ? 'text/csv; charset=utf-8' : 'application/json'
    return c.body(showRules(items, format), 200, { 'content-type': type })
  })

  app.openapi(getRoute, async (c) => {
    const { id } = c.req.valid('param')
    await may(c, 'read', anything)
    const rule = await found(id)
    await may(c, 'read', ruleResource(rule.service_name))
    return c.json(asJson(rule), 200)
  })

  app.openapi(createRouteOf, async (c) => {
    await may(c, 'change', anything)
    const input = await readJson(c, ruleInputSchema)
    const actor = await mayChange(c, [input.service_name])
    const { waitsIn } = await change(c, { put: [{ ...input, id: randomUUID() }], fresh: true }, actor)
    if (waitsIn !== undefined) return c.json(waitingAnswer(waitsIn), 202)
    return c.json(asJson(await standing(input)), 201)
  })

  app.openapi(patchRoute, async (c) => {
    const { id } = c.req.valid('param')
    await may(c, 'change', anything)
    const fields = await readJson(c, patchRequest)
    const { service_name: now } = await found(id)
    const actor = await mayChange(c, [now, fields.service_name ?? now])
    const { waitsIn } = await change(c, { patch: [{ id, ...fields }] }, actor)
    if (waitsIn !== undefined) return c.json(waitingAnswer(waitsIn), 202)
    return c.json(asJson(await found(id)), 200)
  })

  app.openapi(deleteRoute, async (c) => {
    const { id } = c.req.valid('param')
    await may(c, 'change', anything)
    const { service_name: service } = await found(id)
    const actor = await mayChange(c, [service])
    const { waitsIn } = await change(c, { remove: [id] }, actor)
    if (waitsIn !== undefined) return c.json(waitingAnswer(waitsIn), 202)
    return c.json({ message: `Rule ${id} deleted successfully` }, 200)
  })

  app.openapi(deleteManyRoute, async (c) => {
    await may(c, 'change', anything)
    const { is_active, ...rest } = c.req.valid('query')
    const asked = { ...rest, is_active: flagOf(is_active) }
    if (Object.values(asked).every((value) => value === undefined))
      throw new EdictError('invalid_request', 'say which rules: give at least one filter')
    const { items, total } = await rules.list({ ...asked, limit: mostRules, skip: 0 })
    if (total > mostRules) throw new EdictError('invalid_request', `${total} rules; one call takes ${mostRules}`)
    const services = items.map(({ service_name }) => service_name)
    const actor = await mayChange(c, services)
    if (items.length === 0) return c.json({ message: 'no rule matches', rules: noCounts }, 200)
    const { message, counts, waitsIn } = await change(c, { remove: items.map(({ _id }) => _id) }, actor)
    if (waitsIn !== undefined) return c.json(waitingAnswer(waitsIn), 202)
    return c.json({ message, rules: counts ?? noCounts }, 200)
  })

  app.openapi(bulkRoute, async (c) => {
    await may(c, 'change', anything)
    c.set('maxBody', maxImport)
    const { rules: inputs } = await readJson(c, bulkRequest)
    return upsert(c, inputs, c.req.valid('query').dry_run === 'true')
  })

  app.openapi(importRoute, async (c) => {
    await may(c, 'change', anything)
    c.set('maxBody', maxImport)
    const text = Buffer.from(await readBytes(c)).toString()
    const isCsv = c.req.header('content-type')?.includes('csv') === true
    const parsed = parseRules(text, isCsv ? 'csv' : 'json')
    if (!parsed.ok) {
      const errors = parsed.problems.map(({ place, message }) => ({
        code: 'rule_invalid',
        message: `${place}: ${message}`,
      }))
      throw new EdictError('invalid_request', errors[0]?.message ?? 'the rules are not valid', { errors })
    }
    if (parsed.rules.length > mostRules)
      throw new EdictError('invalid_request', `${parsed.rules.length} rules; one call takes ${mostRules}`)
    return upsert(c, parsed.rules, c.req.valid('query').dry_run === 'true')
  })
}

const noCounts = { created: 0, updated: 0, removed: 0 }

type RulesChange = Extract<ApiChange, { kind: 'rules' }>

const nothing: RulesChange = { kind: 'rules', put: [], patch: [], remove: [] }

const flagOf = (text: 'true' | 'false' | undefined): boolean | undefined =>
  text === undefined ? undefined : text === 'true'

const idParams = z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' } }) })
const written = { ...waitingResponse, ...errorResponses(400, 401, 403, 404, 409, 413, 503) }

const listRoute = createRoute({
  method: 'get',
  path: '/api/rules',
  operationId: 'listRules',
  tags: ['rules'],
  summary: 'List rules',
  request: { query: page },
  responses: {
    200: jsonContent(
      'One page, ordered by service, resource type, role and action.',
      z.object({
        rules: z.array(ruleJson),
        total: z.number().int(),
        next: z.number().int().nullable().openapi({ description: 'The `offset` of the next page.' }),
      }),
    ),
    ...errorResponses(400, 401, 403, 503),
  },
})

const exportQuery = filter.extend({ format: z.enum(['csv', 'json']).default('json') })

const exportRoute = createRoute({
  method: 'get',
  path: '/api/rules/export',
  operationId: 'exportRules',
  tags: ['rules'],
  summary: 'All rules that match, as a file that can be imported',
  request: { query: exportQuery },
  responses: {
    200: { description: 'CSV or JSON.', content: { 'text/csv': { schema: z.string() } } },
    ...errorResponses(400, 401, 403, 503),
  },
})

const getRoute = createRoute({
  method: 'get',
  path: '/api/rules/{id}',
  operationId: 'getRule',
  tags: ['rules'],
  summary: 'Show a rule',
  request: { params: idParams },
  responses: { 200: jsonContent('The rule.', ruleJson), ...errorResponses(401, 403, 404, 503) },
})

const createRouteOf = createRoute({
  method: 'post',
  path: '/api/rules',
  operationId: 'createRule',
  tags: ['rules'],
  summary: 'Add a rule; there may be none of the same service, resource type, role and action',
  request: { body: documentedBody(ruleInputSchema, true) },
  responses: { 201: jsonContent('In force.', ruleJson), ...written },
})

const patchRoute = createRoute({
  method: 'patch',
  path: '/api/rules/{id}',
  operationId: 'changeRule',
  tags: ['rules'],
  summary: 'Change a rule, or switch it off and on',
  request: { params: idParams, body: documentedBody(patchRequest, true) },
  responses: { 200: jsonContent('In force.', ruleJson), ...written },
})

const deleteRoute = createRoute({
  method: 'delete',
  path: '/api/rules/{id}',
  operationId: 'deleteRule',
  tags: ['rules'],
  summary: 'Delete a rule',
  request: { params: idParams },
  responses: { 200: jsonContent('Gone.', z.object({ message: z.string() })), ...written },
})

const deleteManyRoute = createRoute({
  method: 'delete',
  path: '/api/rules',
  operationId: 'deleteRules',
  tags: ['rules'],
  summary: 'Delete all rules that match, in one change; at least one filter is given',
  request: { query: filter },
  responses: { 200: jsonContent('Gone.', bulkSchema), ...written },
})

const many = {
  200: jsonContent('In force; or with `dry_run` what would change.', z.union([bulkSchema, dryRunSchema])),
  ...written,
}

const bulkRoute = createRoute({
  method: 'post',
  path: '/api/rules/bulk',
  operationId: 'upsertRules',
  tags: ['rules'],
  summary: 'Add rules, and switch those that are there off or on, in one change',
  request: { query: dryRunQuery, body: documentedBody(bulkRequest, true) },
  responses: many,
})

const importRoute = createRoute({
  method: 'post',
  path: '/api/rules/import',
  operationId: 'importRules',
  tags: ['rules'],
  summary: 'Import rules from CSV (`content-type: text/csv`) or JSON, in one change',
  request: { query: dryRunQuery },
  responses: many,
})

/**
 * `POST /api/dry-run`: what a policy that nobody has published would answer, on the real engine with the shared modules
 * and data in force. Nothing is stored, no effect happens. Bounded: few at once, and a budget for each.
 */
import { createRoute, z } from '@hono/zod-openapi'
import { anything, moduleResource } from '../../auth/actions.ts'
import type { Enforce } from '../../auth/enforce.ts'
import { EdictError } from '../../errors.ts'
import { printExact } from '../../explain/exact-json.ts'
import { explanationSchema, type Explanation } from '../../explain/view.ts'
import { scanJson } from '../../policy/json-text.ts'
import type { Finding } from '../../policy/schema.ts'
import type { App } from '../environment.ts'
import { documentedBody, readJson } from '../json-request.ts'
import { errorResponses, findingJson, jsonContent } from '../schemas.ts'

export interface Draft {
  readonly rego: string
  /** Text of a JSON object; null: none. */
  readonly data: string | null
  /** JSON; undefined in Rego when absent. */
  readonly input: Uint8Array | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly header: (name: string) => string
  /** Also why, and the lines that it came to. */
  readonly explain: boolean
  /** Of a shared module, or of shared data by its path. */
  readonly mayRead: (id: string) => Promise<boolean>
  readonly signal: AbortSignal
}

export interface DraftOutcome {
  /** Files are `policy.rego` and `data.json`. */
  readonly findings: readonly Finding[]
  readonly evaluated: {
    /** JSON text; null: undefined. */
    readonly result: string | null
    readonly error: { readonly code: string; readonly message: string } | null
    readonly cost: number | null
    readonly compileMs: number
    readonly evaluateMs: number
  } | null
  /** null: not asked for, or not evaluated. */
  readonly explained: {
    readonly explanation: Explanation
    /** null: not all could be looked at. */
    readonly coverage: Coverage | null
  } | null
}

/** Throws `tool_unavailable`, `store_unavailable`. */
export type RunDraft = (draft: Draft) => Promise<DraftOutcome>

export interface DryRunRoutesOptions {
  readonly runDraft: RunDraft
  readonly enforce: Enforce
}

const request = z.strictObject({
  rego: z.string().max(262_144).openapi({ description: 'A module whose package has two parts: group and name.' }),
  data: z.string().nullish().openapi({ description: 'Text of data.json.' }),
  input: z.string().nullish().openapi({ description: 'JSON text, every digit of which counts; empty: no input.' }),
  headers: z.record(z.string().max(256), z.string().max(8192)).default({}),
  explain: z
    .boolean()
    .default(false)
    .openapi({ description: 'Also why, and the lines that it came to; takes longer.' }),
})

const lines = z.array(z.number().int()).readonly()
const coverageSchema = z.object({
  covered: lines.openapi({ description: 'Reached, those that failed included.' }),
  failed: lines.openapi({ description: 'Reached, and never held.' }),
  notCovered: lines.openapi({ description: 'Not reached. A line in no list is none that counts, or is not known of.' }),
})
type Coverage = z.infer<typeof coverageSchema>

const answerSchema = z
  .object({
    ok: z.boolean().openapi({ description: 'It was evaluated without an error.' }),
    findings: z.array(findingJson),
    defined: z.boolean(),
    result: z.unknown(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    took: z.object({ compileMs: z.number(), evaluateMs: z.number(), cost: z.number().nullable() }).nullable(),
    explanation: z
      .object(explanationSchema.shape)
      .nullable()
      .optional()
      .openapi({ description: 'Where it was asked for; null: it was not evaluated.' }),
    coverage: coverageSchema
      .nullable()
      .optional()
      .openapi({ description: 'Lines of policy.rego, where asked for; null: not evaluated, or too much to look at.' }),
  })
  .openapi('DryRun')

const route = createRoute({
  method: 'post',
  path: '/api/dry-run',
  operationId: 'dryRun',
  tags: ['policies'],
  summary: 'Evaluate a policy that is not published; nothing is stored',
  request: { body: documentedBody(request, true) },
  responses: {
    200: jsonContent('Findings with line and column, or what it answers.', answerSchema),
    ...errorResponses(400, 401, 403, 413, 503),
  },
})

/** Dry runs under way at once, those that wait for the compiler included. */
const most = 8

export const dryRunRoutes = (app: App, { runDraft, enforce }: DryRunRoutesOptions): void => {
  let running = 0
  app.openAPIRegistry.registerPath(route)
  app.post(route.getRoutingPath(), async (c) => {
    const actor = await enforce(c.get('actor'), 'change', anything)
    const { rego, data = null, input, headers, explain } = await readJson(c, request)
    const problems = inputFindings(input ?? '')
    if (problems.length > 0) return answer({ findings: problems, evaluated: null, explained: null }, explain)
    if (running >= most) throw new EdictError('too_many_requests', `${most} dry runs are under way already`)
    running++
    const { signal } = c.req.raw
    try {
      const known = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
      const outcome = await runDraft({
        rego,
        data: data === null || data.trim() === '' ? null : data,
        input: input == null || input.trim() === '' ? undefined : Buffer.from(input),
        headers,
        header: (name) => known.get(name.toLowerCase()) ?? '',
        explain,
        mayRead: (id) => isAllowed(enforce(actor, 'read', moduleResource(id))),
        signal,
      })
      return answer(outcome, explain)
    } catch (cause) {
      if (!signal.aborted) throw cause
      throw new EdictError('request_timeout', 'the caller does not wait for it any more', { cause })
    } finally {
      running--
    }
  })
}

const isAllowed = (asked: Promise<unknown>): Promise<boolean> =>
  asked.then(
    () => true,
    (error: unknown) => {
      if (error instanceof EdictError && error.code === 'forbidden') return false
      throw error
    },
  )

const inputFindings = (input: string): readonly Finding[] => {
  if (input.trim() === '') return []
  const scan = scanJson(input)
  if (scan.ok) return []
  const { code, message, line, column } = scan.problem
  return [{ code, severity: 'error', message, source: 'draft', file: 'input.json', line, column }]
}

/** The result goes in as text: its digits are its own. */
const answer = ({ findings, evaluated, explained }: DraftOutcome, explain: boolean): Response => {
  const took = evaluated && {
    compileMs: evaluated.compileMs,
    evaluateMs: evaluated.evaluateMs,
    cost: evaluated.cost,
  }
  const { result = null, error = null } = evaluated ?? {}
  const { explanation = null, coverage = null } = explained ?? {}
  const why = explain ? { explanation, coverage: coverage && linesOf(coverage) } : {}
  const rest = { ok: evaluated !== null && error === null, findings, defined: result !== null, error, took, ...why }
  const text = printExact(rest)
  const body = result === null ? text : `${text.slice(0, -1)},"result":${result}}`
  return new Response(body, { headers: { 'content-type': 'application/json' } })
}

const linesOf = ({ covered, failed, notCovered }: Coverage): Coverage => ({ covered, failed, notCovered })

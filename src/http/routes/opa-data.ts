/**
 * OPA's data API over what is in force: `/v1/data`, `/v0/data`, `POST /`, `/v1/batch/data`, `/health`. Answers and errors
 * have OPA's shapes. Undefined is 200 `{}`. What would change data is not offered: it comes from the sources.
 */
import type { Context } from 'hono'
import { EdictError } from '../../errors.ts'
import { showPath } from '../../policy/paths.ts'
import type { Registry } from '../../registry/registry.ts'
import type { App, AppEnv } from '../environment.ts'
import type { ErrorLog } from '../error-body.ts'
import { firstHeader } from '../first-header.ts'
import { dataAnswer, send } from '../opa/answer.ts'
import { createAnswering, type Answer } from '../opa/answering.ts'
import { answerBatch } from '../opa/batch.ts'
import type { MayEvaluate } from '../may-evaluate.ts'
import { checkedJson, inputOf, pathBelow, readDocument, type BodyLimits } from '../opa/data-request.ts'
import type { DocumentRequest, ReadDocument } from '../opa/documents.ts'
import { opaErrorText } from '../opa/error-shape.ts'
import { describeOpaData } from '../opa/openapi.ts'

export interface OpaDataDeps {
  readonly readDocument: ReadDocument
  readonly mayEvaluate: MayEvaluate
  readonly registry: Pick<Registry, 'state'>
  readonly limits: BodyLimits & { readonly maxBatch: number; readonly maxBatchBody: number }
  /** Decision ids are in the answers only when a log has them. */
  readonly showIds: boolean
  readonly log: ErrorLog
  readonly version: string
}

export const opaDataRoutes = (app: App, deps: OpaDataDeps): void => {
  const { readDocument: documentAt, registry, mayEvaluate, limits, showIds, log, version } = deps

  const answering = createAnswering(log)

  const requestOf = (c: Context<AppEnv>, asked: Pick<DocumentRequest, 'path' | 'input' | 'id'>): DocumentRequest => {
    const rawHeaders = c.env?.incoming?.rawHeaders ?? [...c.req.raw.headers].flat()
    return {
      ...asked,
      version: c.req.query('version'),
      requestId: c.req.header('x-request-id'),
      rawHeaders,
      header: (canonicalName) => firstHeader(rawHeaders, canonicalName),
    }
  }

  const query = (c: Context<AppEnv>): Uint8Array | undefined => {
    const given = c.req.query('input')
    const wrong = (message: string): EdictError =>
      new EdictError('invalid_request', `parameter contains malformed input document: ${message}`)
    return given === undefined ? undefined : checkedJson(Buffer.from(given), limits.maxDepth, wrong)
  }

  const v1: Answer = async (c, id) => {
    const started = performance.now()
    const path = pathBelow(c.req.url, '/v1/data')
    await mayEvaluate.check(c, path[0])
    const input = c.req.method === 'GET' ? query(c) : inputOf(await readDocument(c, limits))
    const result = await documentAt(requestOf(c, { path, input, id }))
    const elapsed = Math.round((performance.now() - started) * 1e6)
    const beside = { decisionId: showIds ? id : undefined, hasInput: input !== undefined, version, elapsed }
    return send(c, dataAnswer(c, result, { ...beside, revision: registry.state.revision }), id)
  }

  /** The body is the input, the answer the bare document. */
  const bare =
    (pathOf: (c: Context<AppEnv>) => readonly string[], missing: (path: readonly string[]) => string): Answer =>
    async (c, id) => {
      const path = pathOf(c)
      await mayEvaluate.check(c, path[0])
      const result = await documentAt(requestOf(c, { path, input: await readDocument(c, limits), id }))
      if (result !== undefined) return send(c, result, id)
      const error = { code: 'undefined_document', message: missing(path) }
      return new Response(opaErrorText(error), { status: 404, headers: { 'content-type': 'application/json' } })
    }

  const batch: Answer = async (c, id) => {
    const path = pathBelow(c.req.url, '/v1/batch/data')
    await mayEvaluate.check(c, path[0])
    const document = await readDocument(c, { maxDepth: limits.maxDepth + 2, maxBody: limits.maxBatchBody })
    const { status, body } = await answerBatch(
      document,
      (input, itemId) => documentAt(requestOf(c, { path, input, id: itemId })),
      { maxBatch: limits.maxBatch, showIds },
    )
    return send(c, body, id, status)
  }

  const refuse =
    (code: 'method_not_allowed' | 'not_found', message: string): Answer =>
    () =>
      Promise.reject(new EdictError(code, message))

  const v0 = bare(
    (c) => pathBelow(c.req.url, '/v0/data'),
    (path) => `document undefined: ${showPath(path)}`,
  )
  const main = bare(
    () => ['system', 'main'],
    () => 'document missing: data.system.main',
  )
  for (const path of ['/v1/data', '/v1/data/*']) {
    app.on(['GET', 'POST'], path, answering(v1))
    app.all(path, answering(refuse('method_not_allowed', 'data comes from the sources: change data.json there')))
  }
  for (const path of ['/v0/data', '/v0/data/*']) app.post(path, answering(v0))
  for (const path of ['/v1/batch/data', '/v1/batch/data/*']) app.post(path, answering(batch))
  app.post('/', answering(main))
  for (const path of ['/v1/compile', '/v1/compile/*', '/v1/query'])
    app.all(
      path,
      answering(
        refuse('not_found', 'queries are not compiled here: write the question as a rule and ask /v1/data for it'),
      ),
    )
  describeOpaData(app)
  app.get('/health', (c) =>
    registry.state.ready ? c.json({}) : c.json({ error: 'this replica does not follow the store yet' }, 500),
  )
}

/**
 * `POST P/evaluations`: many inputs at once, as a JSON list or as NDJSON lines. Each is decided as `P/evaluation` would,
 * and has its answer or its error in its place.
 */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { EdictError } from '../../errors.ts'
import { gather, streamOf } from '../batch/answer-body.ts'
import { answersTo } from '../batch/answers.ts'
import { type Clock, createClock } from '../batch/clock.ts'
import { inputsOf } from '../batch/json-inputs.ts'
import { type BatchInput, linesOf } from '../batch/line-inputs.ts'
import type { Batch, BatchRequest, OpenBatch } from '../batch/open-batch.ts'
import { lineFrame, listFrame } from '../batch/output.ts'
import { chunksOf } from '../batch/request-chunks.ts'
import { createTurns, turnMs, type Turns } from '../batch/turns.ts'
import type { App, AppEnv } from '../environment.ts'
import { firstHeader } from '../first-header.ts'
import { mayReadPast, type Past, pastQuery } from '../past-query.ts'
import { policyForms, policyName } from '../policy-route.ts'
import { readBytes } from '../request-body.ts'
import { errorResponses, errorSchema } from '../schemas.ts'

export interface BatchLimits {
  /** Inputs of a JSON batch. */
  readonly maxBatch: number
  /** Bytes of a JSON batch. */
  readonly maxBatchBody: number
  /** Bytes of one input. */
  readonly maxBody: number
  readonly maxDepth: number
}

const description = `Many inputs, one policy: \`{ "inputs": [ … ] }\`, or NDJSON (\`application/x-ndjson\`) with one input a line, however many.
The answers come in the order of the inputs, in a list or a line each: \`{ "result": … }\` with what a single evaluation would answer, or \`{ "error": { code, message, id } }\`.
An error of one input does not touch the others. All are decided by the artifact that the headers name, the lock is looked at for each.
NDJSON is answered while it comes: read the answers while you send.`

const itemSchema = z
  .union([
    z.object({ result: z.unknown().openapi({ description: 'The document of the policy’s package.' }) }),
    z.object({ error: errorSchema }),
  ])
  .openapi('BatchItem')

const exampleInputs = [{ user: 'alice' }, { user: 'bob' }]
const exampleResults = [
  { result: { allow: true } },
  { error: { code: 'evaluation_error', message: 'the policy failed while it was evaluated', id: '…/1' } },
]
const asLines = (items: readonly object[]): string => items.map((item) => `${JSON.stringify(item)}\n`).join('')

const header = (text: string) => ({ description: text, schema: { type: 'string' as const } })

export const evaluationsRoutes = (
  app: App,
  { openBatch, limits, ...past }: Past & { readonly openBatch: OpenBatch; readonly limits: BatchLimits },
): void => {
  const turns = createTurns()
  for (const { prefix, params, suffix } of policyForms) {
    const route = createRoute({
      method: 'post',
      path: `${prefix}/evaluations`,
      operationId: `evaluateBatch${suffix}`,
      tags: ['evaluation'],
      summary: 'Evaluate a policy for many inputs',
      description,
      request: {
        params,
        query: pastQuery,
        body: {
          required: true,
          content: {
            'application/json': {
              schema: z.object({ inputs: z.array(z.unknown()) }),
              example: { inputs: exampleInputs },
            },
            'application/x-ndjson': { schema: {}, example: asLines(exampleInputs) },
          },
        },
      },
      responses: {
        200: {
          description: 'The decisions.',
          headers: {
            etag: header('The id of the batch, unquoted.'),
            'x-evaluation-id': header(
              'As `etag`: the `x-evaluation-id` of the request, or a new UUID. An item’s id is `<id>/<index>`.',
            ),
            'x-policy-digest': header('The artifact that decided.'),
            'x-policy-commit': header('The commit that it was built from.'),
            'x-policy-revision': header('The revision that put it in force.'),
            'x-evaluation-cost': header('Work that all of them took, in units; not with a streamed answer.'),
            'x-edict-stale': header('Seconds since this replica lost the store; only while it has.'),
          },
          content: {
            'application/json': {
              schema: z.object({ results: z.array(itemSchema) }),
              example: { results: exampleResults },
            },
            'application/x-ndjson': { schema: {}, example: asLines(exampleResults) },
          },
        },
        ...errorResponses(400, 403, 404, 410, 413, 503),
      },
    })
    // Bodies are bytes, which no schema reads; so the route is described and handled in two steps.
    app.openAPIRegistry.registerPath(route)
    app.post(route.getRoutingPath(), async (c) => {
      const lines = isLines(c.req.header('content-type'))
      const clock = createClock()
      const name = policyName(params.parse(c.req.param()))
      await past.mayEvaluate.check(c, name.group)
      const revision = await mayReadPast(c, name, past)
      const request = { ...requestOf(c, name), scanned: !lines, clock }
      const batch = await (revision === undefined ? openBatch(request) : past.atRevision.openBatch(revision, request))
      return (lines ? answerLines : answerList)(c, { batch, clock, limits, turns })
    })
  }
}

interface Work {
  readonly batch: Batch
  readonly clock: Clock
  readonly limits: BatchLimits
  readonly turns: Turns
}

const isLines = (type: string | undefined): boolean => /^application\/(?:x-)?(?:ndjson|jsonl)\b/i.test(type ?? '')

const requestOf = (
  c: Context<AppEnv>,
  name: ReturnType<typeof policyName>,
): Omit<BatchRequest, 'scanned' | 'clock'> => {
  const rawHeaders = c.env?.incoming?.rawHeaders ?? [...c.req.raw.headers].flat()
  return {
    ...name,
    evaluationId: c.req.header('x-evaluation-id'),
    requestId: c.req.header('x-request-id'),
    rawHeaders,
    header: (canonicalName) => firstHeader(rawHeaders, canonicalName),
  }
}

const answerLines = (c: Context<AppEnv>, { batch, clock, limits, turns }: Work): Response => {
  const { signal, abort } = abortable(c.req.raw.signal)
  const inputs = linesOf(chunksOf(c), limits.maxBody)
  const pieces = answersTo({ inputs, decide: batch.decide, frame: lineFrame, turns, clock, signal })
  const headers = headersOf('application/x-ndjson', batch.headers(false))
  return new Response(streamOf(pieces, abort), { headers })
}

/** A short answer goes out whole, with its length and its cost; a long one as it comes. */
const answerList = async (c: Context<AppEnv>, { batch, clock, limits, turns }: Work): Promise<Response> => {
  const { signal, abort } = abortable(c.req.raw.signal)
  const body = await readBytes(c, limits.maxBatchBody)
  const inputs = await split(body, { limits, turns })
  const pieces = answersTo({ inputs: once(inputs), decide: batch.decide, frame: listFrame, turns, clock, signal })
  const answer = await gather(pieces, wholeBytes)
  const isWhole = 'whole' in answer
  const headers = headersOf('application/json', batch.headers(isWhole))
  return new Response(isWhole ? new Uint8Array(answer.whole) : streamOf(answer.begun, abort), { headers })
}

const wholeBytes = 1_000_000

const abortable = (signal: AbortSignal): { readonly signal: AbortSignal; readonly abort: () => void } => {
  const own = new AbortController()
  return { signal: AbortSignal.any([signal, own.signal]), abort: () => own.abort() }
}

async function* once<T>(item: T): AsyncGenerator<T, void, undefined> {
  yield item
}

const split = async (
  body: Uint8Array,
  { limits: { maxDepth, maxBatch }, turns }: Pick<Work, 'limits' | 'turns'>,
): Promise<Iterable<BatchInput>> => {
  const reading = inputsOf(Buffer.from(body.buffer, body.byteOffset, body.length), maxDepth)
  let turnEnds = performance.now() + turnMs
  for (let step = reading.next(); ; step = reading.next()) {
    if (step.done === true) return step.value
    if (step.value > maxBatch)
      throw new EdictError('body_too_large', `a batch has ${maxBatch} inputs at most; NDJSON may have any number`)
    if (performance.now() < turnEnds) continue
    await turns.next()
    turnEnds = performance.now() + turnMs
  }
}

const headersOf = (type: string, pairs: readonly string[]): Headers => {
  const headers = new Headers({ 'content-type': type })
  for (let i = 0; i < pairs.length; i += 2) headers.append(pairs[i] ?? '', pairs[i + 1] ?? '')
  return headers
}

/** A handler of OPA's API: has an evaluation id, and what it throws becomes an error in OPA's shape. */
import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { EdictError } from '../../errors.ts'
import type { AppEnv } from '../environment.ts'
import { asEdictError, type ErrorLog, logError, retryAfter } from '../error-body.ts'
import { evaluationId, isUsableId, unusableId } from '../evaluation-id.ts'
import { opaError, opaErrorText, type OpaError } from './error-shape.ts'

export type Answer = (c: Context<AppEnv>, id: string) => Promise<Response>

export type Answering = (answer: Answer) => (c: Context<AppEnv>) => Promise<Response>

/** `explain` may say of some errors more than the common table does. */
export const createAnswering =
  (log: ErrorLog, explain: (error: EdictError, c: Context<AppEnv>) => OpaError = opaError): Answering =>
  (answer) =>
  async (c) => {
    const given = c.req.header('x-evaluation-id')
    const id = isUsableId(given) ? evaluationId(given) : randomUUID()
    try {
      if (!isUsableId(given)) throw unusableId()
      if (c.req.method === 'HEAD') throw new EdictError('method_not_allowed', 'HEAD is not for this route')
      return await answer(c, id)
    } catch (thrown) {
      const error = asEdictError(thrown)
      logError(log, error, { id, method: c.req.method, path: c.req.path })
      const wait = retryAfter(error)
      return new Response(opaErrorText(explain(error, c)), {
        status: error.status,
        headers: {
          'content-type': 'application/json',
          'x-evaluation-id': id,
          ...(wait !== undefined && { 'retry-after': wait }),
        },
      })
    }
  }

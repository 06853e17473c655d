/** Errors become `{ code, message, id, errors? }`; the id is the request's and stands in the log beside the cause. */
import type { ErrorHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { EdictError } from '../../errors.ts'
import type { AppEnv } from '../environment.ts'
import { asEdictError, errorBody, type ErrorLog, logError, retryAfter } from '../error-body.ts'

export const onError =
  (log: ErrorLog): ErrorHandler<AppEnv> =>
  (error, c) => {
    const edict = fromHttpException(error) ?? asEdictError(error)
    const id = c.get('requestId')
    logError(log, edict, { id, method: c.req.method, path: c.req.path })
    const wait = retryAfter(edict)
    const body = errorBody(edict, id)
    return Response.json(c.get('errorDetail') === true ? { ...body, detail: edict.message } : body, {
      status: edict.status,
      headers: wait === undefined ? {} : { 'retry-after': wait },
    })
  }

/** Hono throws these for what it cannot parse. */
const fromHttpException = (error: Error): EdictError | undefined =>
  error instanceof HTTPException && error.status < 500
    ? new EdictError(error.status === 413 ? 'body_too_large' : 'invalid_request', error.message || 'bad request')
    : undefined

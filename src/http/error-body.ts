/**
 * The one shape of an error: `{ code, message, id, errors? }`. What is not an EdictError is `internal_error` and says
 * nothing; the id finds it in the log.
 */
import { EdictError, type ErrorDetail } from '../errors.ts'

export interface ErrorBody {
  readonly code: string
  readonly message: string
  readonly id: string
  readonly errors?: readonly ErrorDetail[]
}

export const asEdictError = (error: unknown): EdictError =>
  error instanceof EdictError
    ? error
    : new EdictError('internal_error', 'something went wrong on our side', { cause: error })

export const errorBody = ({ code, message, errors }: EdictError, id: string): ErrorBody =>
  errors.length === 0 ? { code, message, id } : { code, message, id, errors }

export interface ErrorLog {
  readonly info: (fields: object, message: string) => void
  readonly warn: (fields: object, message: string) => void
  readonly error: (fields: object, message: string) => void
}

/** One line per error: ours at `error` with its cause, an author's at `warn`, a caller's at `info`. */
export const logError = (log: ErrorLog, error: EdictError, fields: object): void => {
  const line = { ...fields, code: error.code, status: error.status }
  if (error.fault === 'caller') log.info(line, error.message)
  else if (error.fault === 'author') log.warn(line, error.message)
  else log.error({ ...line, err: error.cause ?? error }, error.message)
}

/** Seconds after which a request that failed for lack of something may be tried again. */
export const retryAfter = (error: EdictError): string | undefined =>
  error.retryAfter !== undefined
    ? String(error.retryAfter)
    : error.status === 503 && error.code !== 'evaluation_budget_exceeded'
      ? '1'
      : undefined

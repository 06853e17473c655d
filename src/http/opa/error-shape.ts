/** Errors as OPA's API says them: `{ code, message, errors? }`, printed for people. Statuses are Edict's own. */
import type { EdictError, ErrorDetail } from '../../errors.ts'

export interface OpaError {
  readonly code: string
  readonly message: string
  readonly errors?: readonly object[]
}

const codes: Partial<Record<EdictError['code'], string>> = {
  invalid_json: 'invalid_parameter',
  invalid_request: 'invalid_parameter',
  input_too_deep: 'invalid_parameter',
  body_too_large: 'invalid_parameter',
  not_found: 'resource_not_found',
  policy_not_found: 'resource_not_found',
  conflict: 'resource_conflict',
  unauthenticated: 'unauthorized',
  forbidden: 'unauthorized',
  evaluation_error: 'internal_error',
  internal_error: 'internal_error',
}

/** Codes that OPA does not know (`policy_locked`, `evaluation_budget_exceeded`, …) stay as they are. */
export const opaError = (error: EdictError): OpaError => {
  const { code, message, errors } = error
  const failed = code === 'evaluation_error'
  return {
    code: codes[code] ?? code,
    message: failed ? 'error(s) occurred while evaluating query' : message,
    ...(errors.length > 0 && { errors: errors.map(failed ? evaluationDetail : detail) }),
  }
}

export const opaErrorText = (error: OpaError): string => `${JSON.stringify(error, null, 2)}\n`

const detail = ({ code, message, location }: ErrorDetail): object => ({ code, message, ...(location && { location }) })

/** The engine puts OPA's own code before its message. */
const evaluationDetail = ({ message, location }: ErrorDetail): object => {
  const [, code = 'eval_internal_error', text = message] = /^(eval_[a-z_]+): (.*)$/s.exec(message) ?? []
  return { code, message: text, ...(location && { location }) }
}

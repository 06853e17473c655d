/** What an evaluation that failed tells the caller, and how it is counted. */
import type { Outcome } from '../engine/outcome.ts'
import { EdictError } from '../errors.ts'
import type { DecisionOutcome } from './metrics.ts'

export type FailedOutcome = Extract<Outcome, { kind: 'invalid_input' | 'error' }>

export const isFailed = (outcome: Outcome): outcome is FailedOutcome =>
  outcome.kind === 'invalid_input' || outcome.kind === 'error'

/** In units of work; an input that cannot be read is not evaluated. */
export const costOf = (outcome: Outcome): number | undefined =>
  outcome.kind === 'invalid_input' ? undefined : outcome.cost

/** `what` was to be evaluated. */
export const outcomeError = (outcome: FailedOutcome, what = 'the body'): EdictError => {
  const { code, message } = outcome
  if (outcome.kind === 'error') {
    const detail = outcome.location === undefined ? { code, message } : { code, message, location: outcome.location }
    const exceeded = code === 'evaluation_budget_exceeded'
    const failure = exceeded ? 'the evaluation exceeded its budget' : 'the policy failed while it was evaluated'
    return new EdictError(code, failure, { errors: [detail] })
  }
  if (outcome.position === undefined) return new EdictError(code, message)
  return new EdictError(code, `${what} is not JSON: ${message} at byte ${outcome.position}`)
}

export const countedAs = ({ code }: EdictError): DecisionOutcome => {
  if (code === 'policy_locked') return 'locked'
  if (code === 'policy_not_found') return 'not_found'
  if (code === 'evaluation_budget_exceeded') return 'budget_exceeded'
  return code === 'invalid_json' || code === 'input_too_deep' || code === 'invalid_request' ? 'bad_request' : 'error'
}

/**
 * The evaluation contract, in one function for every door: a request in, an answer out, headers and all. It never throws.
 * The lock is looked at in the same step in which the evaluation starts, after anything that had to be waited for, and
 * again each time that a suspended one runs anew.
 */
import type { RequestContext } from '../../extensions/extension.ts'
import type { Outcome } from '../engine/outcome.ts'
import type { EdictError } from '../errors.ts'
import type { Instance, PolicyEntry } from '../registry/policy-entry.ts'
import type { PolicyName, Registry } from '../registry/registry.ts'
import type { DecisionLog } from './decision-log.ts'
import { createAdmission, nameOf } from './admit.ts'
import { decisionHeaders } from './decision-headers.ts'
import { asEdictError, errorBody, type ErrorLog, logError, retryAfter } from './error-body.ts'
import { evaluationId, isUsableId, unusableId } from './evaluation-id.ts'
import type { DecisionMetrics, DecisionOutcome } from './metrics.ts'
import { countedAs, costOf, isFailed, outcomeError } from './outcome-error.ts'

export interface EvaluationRequest extends RequestContext, PolicyName {
  /** Empty: the input is undefined. */
  readonly body: Uint8Array
  /** The caller's `x-evaluation-id`. */
  readonly evaluationId: string | undefined
  /** The caller's `x-request-id`, for the log. */
  readonly requestId: string | undefined
  /** Name, value, name, value, as they came. */
  readonly rawHeaders: readonly string[]
}

export interface Answer {
  readonly status: number
  /** Name, value, name, value; without content-length. */
  readonly headers: string[]
  readonly body: Uint8Array
}

export type Decide = (request: EvaluationRequest) => Answer | Promise<Answer>

export interface DecideOptions {
  readonly registry: Pick<Registry, 'find' | 'acquire' | 'state'>
  readonly stale: 'serve' | 'refuse'
  readonly metrics: DecisionMetrics
  readonly log: ErrorLog
  /** Absent: decisions are not logged. */
  readonly decisionLog?: DecisionLog | undefined
  readonly now?: () => number
}

/** One decision under way. */
interface Decision {
  readonly request: EvaluationRequest
  readonly id: string
  readonly started: number
  /** The policy's key once it was found; before that empty. */
  key: string
  /** Units of work once it was evaluated. */
  cost: number | undefined
}

const emptyDocument = Buffer.from('{}')

export const createDecide = (options: DecideOptions): Decide => {
  const { registry, stale, metrics, log, decisionLog, now = Date.now } = options
  const admission = createAdmission({ registry, stale })

  const open = (decision: Decision): PolicyEntry => {
    const entry = admission.find(decision.request)
    decision.key = entry.key
    admission.check(entry)
    return entry
  }

  const run = (decision: Decision, instance: Instance): Answer | Promise<Answer> => {
    const { request } = decision
    const input = request.body.length === 0 ? undefined : request.body
    const outcome = instance.evaluate(input, request, { mayStart: () => void open(decision) })
    return outcome instanceof Promise ? waitFor(decision, instance, outcome) : finish(decision, instance, outcome)
  }

  const finish = (decision: Decision, instance: Instance, outcome: Outcome): Answer => {
    const { id } = decision
    decision.cost = costOf(outcome)
    if (isFailed(outcome)) return fail(decision, outcomeError(outcome), instance)
    const body = outcome.kind === 'value' ? outcome.json : emptyDocument
    record(decision, outcome.kind, instance, 200)
    const headers = ['content-type', 'application/json', 'etag', id, ...common(decision, instance)]
    return { status: 200, headers, body }
  }

  const fail = (decision: Decision, error: EdictError, instance?: Instance): Answer => {
    const { request, id } = decision
    record(decision, countedAs(error), instance, error.status)
    logError(log, error, { id, requestId: request.requestId, policy: nameOf(request) })
    const headers = ['content-type', 'application/json', ...common(decision, instance)]
    const wait = retryAfter(error)
    if (wait !== undefined) headers.push('retry-after', wait)
    return { status: error.status, headers, body: Buffer.from(JSON.stringify(errorBody(error, id))) }
  }

  const common = ({ id, cost }: Decision, instance: Instance | undefined): string[] =>
    decisionHeaders({ id, cost, instance, state: registry.state, now })

  const record = (
    { request, id, started, key, cost = 0 }: Decision,
    outcome: DecisionOutcome,
    instance: Instance | undefined,
    status: number,
  ): void => {
    const ms = performance.now() - started
    metrics.decision(key, { outcome, seconds: ms / 1000, cost })
    decisionLog?.({ request, id, outcome, status, ms, cost, meta: instance?.meta })
  }

  const waitFor = async (decision: Decision, instance: Instance, suspended: Promise<Outcome>): Promise<Answer> => {
    try {
      return finish(decision, instance, await suspended)
    } catch (error) {
      return fail(decision, asEdictError(error))
    }
  }

  const waitForInstance = async (decision: Decision, loading: Promise<Instance>): Promise<Answer> => {
    try {
      const instance = await loading
      open(decision)
      return await run(decision, instance)
    } catch (error) {
      return fail(decision, asEdictError(error))
    }
  }

  return (request) => {
    const id = evaluationId(request.evaluationId)
    const decision: Decision = { request, id, started: performance.now(), key: '', cost: undefined }
    try {
      if (!isUsableId(request.evaluationId)) throw unusableId()
      const instance = registry.acquire(open(decision))
      return instance instanceof Promise ? waitForInstance(decision, instance) : run(decision, instance)
    } catch (error) {
      return fail(decision, asEdictError(error))
    }
  }
}

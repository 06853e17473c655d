/**
 * A batch: many inputs, one policy, one loaded instance. Each input is a decision of its own, with its own look at the
 * lock, its own budget, its own line in the metrics and the log. What concerns all of them is refused when it is opened.
 */
import type { RequestContext } from '../../../extensions/extension.ts'
import type { Outcome } from '../../engine/outcome.ts'
import { EdictError } from '../../errors.ts'
import type { Instance, PolicyEntry } from '../../registry/policy-entry.ts'
import type { PolicyName, Registry } from '../../registry/registry.ts'
import { createAdmission, nameOf } from '../admit.ts'
import { decisionHeaders } from '../decision-headers.ts'
import type { DecisionLog } from '../decision-log.ts'
import { asEdictError, errorBody, type ErrorLog, logError } from '../error-body.ts'
import { evaluationId, isUsableId, unusableId } from '../evaluation-id.ts'
import type { DecisionMetrics, DecisionOutcome } from '../metrics.ts'
import { costOf, countedAs, isFailed, outcomeError } from '../outcome-error.ts'
import type { Clock } from './clock.ts'
import type { BatchInput } from './line-inputs.ts'

export interface BatchRequest extends RequestContext, PolicyName {
  /** The caller's `x-evaluation-id`. */
  readonly evaluationId: string | undefined
  /** The caller's `x-request-id`, for the log. */
  readonly requestId: string | undefined
  /** Name, value, name, value, as they came. */
  readonly rawHeaders: readonly string[]
  /** Inputs are JSON, none too deep, none with a lone surrogate. */
  readonly scanned: boolean
  readonly clock: Clock
}

/** The answer to one input, as JSON: what a single evaluation would answer. */
export interface ItemAnswer {
  readonly ok: boolean
  /** The same bytes may answer again. */
  readonly json: Uint8Array
}

export interface Batch {
  /** Throws and rejects for nothing. */
  readonly decide: (input: BatchInput) => ItemAnswer | Promise<ItemAnswer>
  /** Name, value, name, value; with the cost of all items so far where `decided`. */
  readonly headers: (decided: boolean) => string[]
}

/** Rejects with an EdictError. */
export type OpenBatch = (request: BatchRequest) => Promise<Batch>

export interface OpenBatchOptions {
  readonly registry: Pick<Registry, 'find' | 'entry' | 'acquire' | 'state'>
  readonly stale: 'serve' | 'refuse'
  /** Bytes of one input. */
  readonly maxInput: number
  readonly metrics: DecisionMetrics
  readonly log: ErrorLog
  /** Absent: decisions are not logged. */
  readonly decisionLog?: DecisionLog | undefined
  readonly now?: () => number
}

/** One decision under way. */
interface Item {
  readonly index: number
  readonly input: Uint8Array
  readonly started: number
  waited: boolean
}

interface Recorded {
  readonly outcome: DecisionOutcome
  readonly status: number
  readonly cost?: number | undefined
}

const emptyDocument: ItemAnswer = { ok: true, json: Buffer.from('{}') }
const noBody = new Uint8Array()

export const createOpenBatch = (options: OpenBatchOptions): OpenBatch => {
  const { registry, stale, maxInput, metrics, log, decisionLog, now = Date.now } = options
  const admission = createAdmission({ registry, stale })

  const admit = (request: BatchRequest): PolicyEntry => {
    const entry = admission.find(request)
    admission.check(entry)
    return entry
  }

  /** The same question again; `entry` answered it before, and mostly still does. */
  const readmit = (request: BatchRequest, entry: PolicyEntry): PolicyEntry => {
    admission.answers()
    const { repository = entry.meta.repository } = request
    if (registry.entry(entry.key) !== entry || entry.meta.repository !== repository) return admit(request)
    admission.check(entry)
    return entry
  }

  const begin = (request: BatchRequest, first: PolicyEntry, instance: Instance): Batch => {
    const { key } = first
    let entry = first
    const batchId = evaluationId(request.evaluationId)
    const { clock } = request
    const mayStart = (): void => {
      entry = readmit(request, entry)
    }
    const evaluating = { mayStart, scanned: request.scanned }
    let count = 0
    let total = 0

    const record = (item: Item, { outcome, status, cost = 0 }: Recorded): void => {
      const ms = (item.waited ? performance.now() : clock.look()) - item.started
      total += cost
      metrics.decision(key, { outcome, seconds: ms / 1000, cost })
      if (decisionLog === undefined) return
      const { index, input } = item
      const id = `${batchId}/${index}`
      decisionLog({ request: { ...request, body: input }, id, outcome, status, ms, cost, meta: instance.meta })
    }

    const fail = (item: Item, error: EdictError, cost?: number): ItemAnswer => {
      const id = `${batchId}/${item.index}`
      record(item, { outcome: countedAs(error), status: error.status, cost })
      logError(log, error, { id, requestId: request.requestId, policy: nameOf(request) })
      return { ok: false, json: Buffer.from(JSON.stringify(errorBody(error, id))) }
    }

    const finish = (item: Item, outcome: Outcome): ItemAnswer => {
      const cost = costOf(outcome)
      if (isFailed(outcome)) return fail(item, outcomeError(outcome, 'the input'), cost)
      record(item, { outcome: outcome.kind, status: 200, cost })
      return outcome.kind === 'value' ? { ok: true, json: outcome.json } : emptyDocument
    }

    const wait = async (item: Item, suspended: Promise<Outcome>): Promise<ItemAnswer> => {
      item.waited = true
      try {
        return finish(item, await suspended)
      } catch (error) {
        return fail(item, asEdictError(error))
      }
    }

    const decide = (given: BatchInput): ItemAnswer | Promise<ItemAnswer> => {
      const input = given instanceof EdictError ? noBody : given
      const item: Item = { index: count++, input, started: clock.at, waited: false }
      try {
        if (given instanceof EdictError) throw given
        if (input.length > maxInput)
          throw new EdictError('body_too_large', `the input is larger than ${maxInput} bytes`)
        mayStart()
        const outcome = instance.evaluate(input, request, evaluating)
        return outcome instanceof Promise ? wait(item, outcome) : finish(item, outcome)
      } catch (error) {
        return fail(item, asEdictError(error))
      }
    }

    return {
      decide,
      headers: (decided) => [
        'etag',
        batchId,
        ...decisionHeaders({ id: batchId, cost: decided ? total : undefined, instance, state: registry.state, now }),
      ],
    }
  }

  return async (request) => {
    if (!isUsableId(request.evaluationId)) throw unusableId()
    const instance = await registry.acquire(admit(request))
    return begin(request, admit(request), instance)
  }
}

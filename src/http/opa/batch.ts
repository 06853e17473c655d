/**
 * The batch form of OPA's data API, as Enterprise OPA has it: inputs by key, each merged over `common_input`; every one
 * a decision of its own. 200 when all have an answer, 207 when some failed, 500 when all did.
 */
import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { asEdictError } from '../error-body.ts'
import { EdictError } from '../../errors.ts'
import { malformed } from './data-request.ts'
import { opaError } from './error-shape.ts'
import { isObject, membersOf, mergeJson, writeObject } from './json-bytes.ts'

export interface BatchAnswer {
  readonly status: 200 | 207 | 500
  readonly body: Uint8Array
}

export type DecideOne = (input: Uint8Array, id: string) => Promise<Uint8Array | undefined>

/** How long inputs are decided before others have a turn. */
const turnMs = 5

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

export async function answerBatch(
  document: Uint8Array | undefined,
  decideOne: DecideOne,
  { maxBatch, showIds }: { readonly maxBatch: number; readonly showIds: boolean },
): Promise<BatchAnswer> {
  const batchId = randomUUID()
  const { inputs, common } = readBatch(document)
  if (inputs.size > maxBatch) throw new EdictError('invalid_request', `more than ${maxBatch} inputs in one batch`)
  const answers: Item[] = []
  let since = performance.now()
  for (const [key, input] of inputs) {
    // oxlint-disable-next-line no-await-in-loop
    answers.push(await answerOne(key, common === undefined ? input : mergeJson([input, common]), decideOne))
    if (performance.now() - since < turnMs) continue
    // oxlint-disable-next-line no-await-in-loop
    await nextTurn()
    since = performance.now()
  }
  const failed = answers.filter(({ error }) => error !== undefined).length
  const status = failed === 0 ? 200 : failed === answers.length ? 500 : 207
  const responses = writeObject(answers.map((item) => [item.key, itemJson(item, { mixed: status === 207, showIds })]))
  return {
    status,
    body: writeObject([
      ['batch_decision_id', json(batchId)],
      ['responses', responses],
    ]),
  }
}

interface Item {
  readonly key: string
  readonly id: string
  readonly result: Uint8Array | undefined
  readonly error: EdictError | undefined
}

function readBatch(document: Uint8Array | undefined) {
  const members = document === undefined ? new Map<string, Uint8Array>() : membersOf(document)
  const inputs = members.get('inputs')
  if (inputs === undefined || !isObject(inputs)) throw malformed('it must be an object that holds "inputs", an object')
  return { inputs: membersOf(inputs), common: members.get('common_input') }
}

async function answerOne(key: string, input: Uint8Array, decideOne: DecideOne): Promise<Item> {
  const id = randomUUID()
  try {
    return { key, id, result: await decideOne(input, id), error: undefined }
  } catch (error) {
    return { key, id, result: undefined, error: asEdictError(error) }
  }
}

/** The status is a string, as Enterprise OPA writes it. */
function itemJson({ id, result, error }: Item, { mixed, showIds }: { mixed: boolean; showIds: boolean }): Uint8Array {
  const status = mixed ? [['http_status_code', json(String(error?.status ?? 200))] as const] : []
  const decision = showIds ? [['decision_id', json(id)] as const] : []
  if (error !== undefined) {
    const members = Object.entries(opaError(error)).map(([key, value]) => [key, json(value)] as const)
    return writeObject([...status, ...decision, ...members])
  }
  return writeObject([...status, ...decision, ...(result === undefined ? [] : [['result', result] as const])])
}

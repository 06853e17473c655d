/** Answers of OPA's data API: what stands beside `result`, and how it is printed. */
import type { Context } from 'hono'
import type { AppEnv } from '../environment.ts'
import { flag } from './data-request.ts'
import { prettyJson, writeObject } from './json-bytes.ts'

export interface Beside {
  /** Only when decisions are logged: it finds the line. */
  readonly decisionId: string | undefined
  readonly hasInput: boolean
  readonly version: string
  readonly revision: number
  /** Nanoseconds. */
  readonly elapsed: number
}

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

export const warning = { code: 'api_usage_warning', message: "'input' key missing from the request" } as const

/** `{"result": …}` with what the query asks for; without `result` when the document is undefined. */
export function dataAnswer(c: Context<AppEnv>, result: Uint8Array | undefined, beside: Beside): Uint8Array {
  const { decisionId, hasInput, version, revision, elapsed } = beside
  const provenance = {
    version,
    build_commit: '',
    build_timestamp: '',
    build_hostname: '',
    bundles: { edict: { revision: String(revision) } },
  }
  return writeObject([
    ...(decisionId === undefined ? [] : [['decision_id', json(decisionId)] as const]),
    ...(flag(c, 'provenance') ? [['provenance', json(provenance)] as const] : []),
    ...(flag(c, 'metrics') || flag(c, 'instrument')
      ? [['metrics', json({ timer_rego_query_eval_ns: elapsed, timer_server_handler_ns: elapsed })] as const]
      : []),
    ...(result === undefined ? [] : [['result', result] as const]),
    ...(hasInput || c.req.method !== 'POST' ? [] : [['warning', json(warning)] as const]),
  ])
}

export function send(c: Context<AppEnv>, body: Uint8Array, id: string, status = 200): Response {
  const text = flag(c, 'pretty') ? Buffer.from(`${prettyJson(body)}\n`) : body
  return new Response(new Uint8Array(text), {
    status,
    headers: { 'content-type': 'application/json', 'x-evaluation-id': id },
  })
}

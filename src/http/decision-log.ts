/**
 * One log line per decision: what was asked of which artifact, and what came of it. Input and headers only when they
 * were asked for; credentials never.
 */
import type { EntryMeta } from '../registry/policy-entry.ts'
import type { PolicyName } from '../registry/registry.ts'
import type { DecisionOutcome } from './metrics.ts'

export interface DecisionLine {
  readonly request: (PolicyName | { readonly policy: string }) & {
    readonly body: Uint8Array
    readonly requestId: string | undefined
    readonly rawHeaders: readonly string[]
  }
  readonly id: string
  readonly outcome: DecisionOutcome
  readonly status: number
  readonly ms: number
  /** Units of work. */
  readonly cost: number
  readonly meta: EntryMeta | undefined
}

export type DecisionLog = (line: DecisionLine) => void

const maxInputLogged = 64 * 1024
const credentials = new Set(['authorization', 'proxy-authorization', 'cookie', 'x-api-key'])

export const createDecisionLog =
  ({
    log,
    input = false,
    headers = false,
  }: {
    log: { readonly info: (fields: object, message: string) => void }
    input?: boolean
    headers?: boolean
  }): DecisionLog =>
  ({ request, id, outcome, status, ms, cost, meta }) => {
    const line = {
      id,
      ...(request.requestId === undefined ? {} : { requestId: request.requestId }),
      repository: meta?.repository ?? ('repository' in request ? request.repository : undefined),
      policy: 'policy' in request ? request.policy : `${request.group}/${request.name}/${request.version}`,
      outcome,
      status,
      ms: Math.round(ms * 1000) / 1000,
      cost,
      digest: meta?.digest,
      commit: meta?.commit,
      revision: meta?.revision,
      ...(input && request.body.length > 0 ? { input: inputText(request.body) } : {}),
      ...(headers ? { headers: headerTable(request.rawHeaders) } : {}),
    }
    log.info(line, 'decision')
  }

/** As text, so that no digit is lost. */
const inputText = (body: Uint8Array): string =>
  Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, maxInputLogged)).toString()

const headerTable = (raw: readonly string[]): Record<string, string> => {
  const table: [string, string][] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase()
    table.push([name, credentials.has(name) ? '[redacted]' : (raw[i + 1] ?? '')])
  }
  return Object.fromEntries(table)
}

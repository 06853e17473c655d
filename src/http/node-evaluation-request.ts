/**
 * An evaluation as it comes over a socket. A class because one is made for each request.
 */
import type { IncomingMessage } from 'node:http'
import type { PolicyName } from '../registry/registry.ts'
import { firstHeader } from './first-header.ts'
import type { EvaluationRequest } from './decide.ts'

export class NodeEvaluationRequest implements EvaluationRequest {
  readonly repository: string | undefined
  readonly group: string
  readonly name: string
  readonly version: string
  readonly body: Uint8Array
  readonly evaluationId: string | undefined
  readonly requestId: string | undefined
  readonly rawHeaders: readonly string[]
  /** A field, so that a policy's builtin may take it out of the context. */
  readonly header = (canonicalName: string): string => firstHeader(this.rawHeaders, canonicalName)

  constructor(req: IncomingMessage, name: PolicyName, body: Uint8Array) {
    this.repository = name.repository
    this.group = name.group
    this.name = name.name
    this.version = name.version
    this.body = body
    this.evaluationId = single(req.headers['x-evaluation-id'])
    this.requestId = single(req.headers['x-request-id'])
    this.rawHeaders = req.rawHeaders
  }
}

const single = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.[0]

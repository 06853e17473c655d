/**
 * Errors with a stable code and a culprit. `caller`: the request is wrong, do not retry;
 * `author`: a policy, its data or the configuration is wrong; `ours`: retry later, alert.
 * The table below is the only place that maps a code to an HTTP status.
 */
export type Fault = 'caller' | 'author' | 'ours'

const table = {
  invalid_request: ['caller', 400],
  invalid_json: ['caller', 400],
  input_too_deep: ['caller', 400],
  policy_invalid: ['author', 400],
  unauthenticated: ['caller', 401],
  forbidden: ['caller', 403],
  policy_locked: ['caller', 403],
  already_locked: ['caller', 403],
  not_locked: ['caller', 403],
  not_found: ['caller', 404],
  policy_not_found: ['caller', 404],
  rule_not_found: ['caller', 404],
  source_not_found: ['caller', 404],
  plan_not_found: ['caller', 404],
  method_not_allowed: ['caller', 405],
  request_timeout: ['caller', 408],
  conflict: ['caller', 409],
  revision_gone: ['caller', 410],
  body_too_large: ['caller', 413],
  rate_limited: ['caller', 429],
  headers_too_large: ['caller', 431],
  config_invalid: ['author', 500],
  evaluation_error: ['author', 500],
  source_unavailable: ['author', 502],
  internal_error: ['ours', 500],
  tool_unavailable: ['ours', 503],
  store_unavailable: ['ours', 503],
  identity_unavailable: ['ours', 503],
  stale_refused: ['ours', 503],
  too_many_requests: ['ours', 503],
  shutting_down: ['ours', 503],
  policy_quarantined: ['author', 503],
  evaluation_budget_exceeded: ['author', 503],
  sync_unavailable: ['ours', 503],
} as const satisfies Record<string, readonly [Fault, number]>

export type ErrorCode = keyof typeof table

export interface ErrorDetail {
  readonly code: string
  readonly message: string
  readonly location?: { readonly file: string; readonly row: number; readonly col: number }
}

export class EdictError extends Error {
  override readonly name = 'EdictError'
  readonly code: ErrorCode
  readonly errors: readonly ErrorDetail[]
  /** Seconds after which it may be tried again; undefined: nobody knows. */
  readonly retryAfter: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; errors?: readonly ErrorDetail[]; retryAfter?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.errors = options.errors ?? []
    this.retryAfter = options.retryAfter
  }

  get fault(): Fault {
    return table[this.code][0]
  }

  get status(): number {
    return table[this.code][1]
  }
}

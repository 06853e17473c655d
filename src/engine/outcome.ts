/** What one evaluation comes to. */
export interface Location {
  readonly file: string
  readonly row: number
  readonly col: number
}

export type Outcome = Ended & Noted

/** What one run comes to, of an input that can be read. */
export type EndedRun = Exclude<Ended, { kind: 'invalid_input' }>
export type FailedRun = Extract<Ended, { kind: 'error' }>

interface Noted {
  /** What the policy said with `trace`. */
  readonly notes?: readonly string[]
}

/** `cost`: units of work, a property of the policy, its data and the input, and of no machine. */
type Ended =
  /** The bare document as JSON. The same bytes may answer again: read them, do not write to them. */
  | { readonly kind: 'value'; readonly json: Uint8Array; readonly cost: number }
  | { readonly kind: 'undefined'; readonly cost: number }
  /** The input is no JSON, or too deep: the caller's fault. */
  | {
      readonly kind: 'invalid_input'
      readonly code: 'invalid_json' | 'input_too_deep'
      readonly message: string
      /** Offset into the input, in bytes. */
      readonly position?: number
    }
  /** The policy failed: a rule conflict, too deep a recursion; or it exceeded its budget of work or memory. */
  | {
      readonly kind: 'error'
      readonly code: 'evaluation_error' | 'evaluation_budget_exceeded'
      readonly message: string
      readonly location?: Location
      readonly cost: number
    }

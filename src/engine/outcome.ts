/** What one evaluation comes to. */
export interface Location {
  readonly file: string
  readonly row: number
  readonly col: number
}

export type Outcome = Ended & Noted

interface Noted {
  /** What the policy said with `trace`. */
  readonly notes?: readonly string[]
}

type Ended =
  /** The bare document as JSON. The same bytes may answer again: read them, do not write to them. */
  | { readonly kind: 'value'; readonly json: Uint8Array }
  | { readonly kind: 'undefined' }
  /** The input is no JSON, or too deep: the caller's fault. */
  | {
      readonly kind: 'invalid_input'
      readonly code: 'invalid_json' | 'input_too_deep'
      readonly message: string
      /** Offset into the input, in bytes. */
      readonly position?: number
    }
  /** The policy failed: a rule conflict, too deep a recursion, too much memory. */
  | {
      readonly kind: 'error'
      readonly code: 'evaluation_error'
      readonly message: string
      readonly location?: Location
    }

/**
 * What the author of a Rego builtin writes: one file with one `Extension`, one line in `index.ts`.
 * The capabilities file for `opa`, the engine's table and the catalogue in the docs derive from the list.
 */

/** OPA's type notation, as in its capabilities file. */
export type RegoType =
  | { readonly type: 'any'; readonly of?: readonly RegoType[] }
  | { readonly type: 'null' | 'boolean' | 'number' | 'string' }
  | { readonly type: 'array'; readonly static?: readonly RegoType[]; readonly dynamic?: RegoType }
  | { readonly type: 'set'; readonly of: RegoType }
  | {
      readonly type: 'object'
      readonly static?: readonly { readonly key: unknown; readonly value: RegoType }[]
      readonly dynamic?: { readonly key: RegoType; readonly value: RegoType }
    }

export interface Declaration {
  readonly args: readonly RegoType[]
  /** Absent where a call is a statement: `print`. */
  readonly result?: RegoType
}

/** What the caller brings to a decision. */
export interface RequestContext {
  /** The first value of a request header, as text; `""` when it is absent. */
  readonly header: (name: string) => string
}

/** A host that builtins may connect to. */
export interface OutboundRule {
  /** A name or an address, in lower case; IPv6 without brackets. */
  readonly host: string
  /** Absent: any. */
  readonly port?: number
  /** The host may have private, loopback and link-local addresses. */
  readonly private: boolean
}

/** Where the policies of one source may connect to; what they share with no other source is kept by this object. */
export interface Outbound {
  /** Nowhere when empty. */
  readonly rules: readonly OutboundRule[]
  /** Keys and certificates that policies may name without seeing them. */
  readonly secret: (name: string) => string | undefined
}

/** What a builtin may know of the decision it is called in. */
export interface DecisionContext extends RequestContext {
  /** Nanoseconds since the epoch, the same for the whole decision. */
  readonly now: () => bigint
  /** A value that is made once per decision and key: the keys of a builtin start with its name. */
  readonly once: <T extends RegoValue>(key: string, make: () => T) => T
  /** What the configuration says about this server, and nothing of its environment. */
  readonly labels: Readonly<Record<string, string>>
  /** Aborted as soon as nobody waits for the answer any more. */
  readonly signal: AbortSignal
  readonly outbound: Outbound
  /** Keeps a note with the outcome. */
  readonly note: (text: string) => void
  /** Writes to the log, where that is switched on. */
  readonly print: (text: string) => void
}

/** Undefined makes the call undefined. */
export type Answer = RegoValue | undefined

interface Described {
  readonly name: string
  readonly decl: Declaration
  /** One sentence for the catalogue. */
  readonly doc: string
}

/** Of its arguments and what is fixed for the decision alone. Called again whenever the policy calls it. */
export interface PureExtension extends Described {
  readonly kind: 'pure'
  /** A thrown error makes the call undefined, as in OPA; in strict mode it ends the evaluation. */
  readonly impl: (args: readonly RegoValue[], context: DecisionContext) => Answer
}

/**
 * `read`: looks something up; the same arguments are asked once per decision. `effect`: changes something; each call is
 * made once, in order, and one that throws or rejects ends the evaluation. Both may answer later: the evaluation is
 * left, and run again once the answer is there.
 */
export interface OutsideExtension extends Described {
  readonly kind: 'read' | 'effect'
  readonly impl: (args: readonly RegoValue[], context: DecisionContext) => Answer | Promise<Answer>
}

export type Extension = PureExtension | OutsideExtension

/**
 * A Rego value inside the host. Numbers keep their digits as text where a double would lose them;
 * sets stay sets; objects may have keys of any kind, hence `RegoObject`.
 */
export type RegoValue = null | boolean | number | string | RegoNumber | readonly RegoValue[] | RegoSet | RegoObject

export class RegoNumber {
  /** The literal, exactly as written. */
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export class RegoSet {
  readonly items: readonly RegoValue[]
  constructor(items: readonly RegoValue[]) {
    this.items = items
  }
}

export class RegoObject {
  readonly entries: readonly (readonly [RegoValue, RegoValue])[]
  constructor(entries: readonly (readonly [RegoValue, RegoValue])[]) {
    this.entries = entries
  }
}

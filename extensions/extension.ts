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
  readonly result: RegoType
}

/** What the caller brings to a decision. */
export interface RequestContext {
  /** The first value of a request header, as text; `""` when it is absent. */
  readonly header: (name: string) => string
}

/** What a builtin may know of the decision it is called in. */
export interface DecisionContext extends RequestContext {
  /** Nanoseconds since the epoch, the same for the whole decision. */
  readonly now: () => bigint
  /** A value that is made once per decision and key: the keys of a builtin start with its name. */
  readonly once: <T extends RegoValue>(key: string, make: () => T) => T
  /** What the configuration says about this server, and nothing of its environment. */
  readonly labels: Readonly<Record<string, string>>
}

export interface Extension {
  readonly name: string
  readonly decl: Declaration
  /** `pure`: of its arguments alone; `read`: looks something up; `effect`: changes something. */
  readonly kind: 'pure' | 'read' | 'effect'
  /** One sentence for the catalogue. */
  readonly doc: string
  /** Arguments are Rego values; a thrown error or `undefined` makes the call undefined, as in OPA. */
  readonly impl: (args: readonly RegoValue[], context: DecisionContext) => RegoValue | undefined
}

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

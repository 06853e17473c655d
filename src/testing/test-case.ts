/** What a tests file asks for: one case is one evaluation and what is expected of it. */
import type { RegoValue } from '../../extensions/extension.ts'
import type { ValuePath } from './value-path.ts'

/** Offsets into the file. */
export type TextRange = readonly [number, number]

export interface PathExpectation {
  readonly path: ValuePath
  readonly value: RegoValue
  readonly range: TextRange
}

export type Expectation =
  | { readonly kind: 'exact' | 'partial'; readonly value: RegoValue; readonly range: TextRange }
  | { readonly kind: 'paths'; readonly paths: readonly PathExpectation[] }
  | { readonly kind: 'error'; readonly code: string; readonly message: string | null }

/** What one call of a builtin is answered. The first of a builtin's that fits its arguments does. */
export interface MockAnswer {
  /** Each is contained in the call's argument at its place; null: whatever they are. */
  readonly args: readonly RegoValue[] | null
  readonly answer:
    | { readonly kind: 'value'; readonly value: RegoValue }
    | { readonly kind: 'undefined' }
    | { readonly kind: 'error'; readonly message: string }
}

export type Mocks = ReadonlyMap<string, readonly MockAnswer[]>

export interface DataOverride {
  readonly path: ValuePath
  readonly value: RegoValue
}

export interface TestCase {
  readonly name: string
  readonly line: number
  readonly column: number
  /** Undefined: no input. */
  readonly input: RegoValue | undefined
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  /** Each replaces what the policy's data has at its path. */
  readonly data: readonly DataOverride[]
  /** Nanoseconds since the epoch; undefined: the clock. */
  readonly now: bigint | undefined
  readonly mocks: Mocks
  /** A failing builtin ends the evaluation. */
  readonly strict: boolean
  readonly expect: readonly Expectation[]
  /** All of the expectation, as it is written. */
  readonly expectRange: TextRange | null
  /** Units of work that it may take. */
  readonly maxCost: number | undefined
}

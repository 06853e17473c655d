/** A rule as clauses: what is read of a Rego file, and what names mean in it. Types alone. */
import type { RegoFile } from '../policy/analysis.ts'

export interface Place {
  readonly file: string
  readonly line: number
}

/** Rules by their path under `data`; a function, too. */
export type RulePath = readonly string[]

export interface Condition extends Place {
  readonly text: string
  /** `binds`: others need the names that it makes. `value`: the head's own value must be there. */
  readonly kind: 'tests' | 'binds' | 'value'
  /** Names declared with `some` that nobody else uses. */
  readonly declares: readonly string[]
  /** Expressions whose values say why it failed. */
  readonly shown: readonly string[]
  /** Paths that it may refer to rules by. */
  readonly refs: readonly RulePath[]
  /** Functions of the policy that it calls with arguments that can be asked for where it stands. */
  readonly calls: readonly Call[]
}

export interface Call {
  readonly function: RulePath
  /** As it is called there. */
  readonly name: string
  readonly args: readonly string[]
}

export interface Clause extends Place {
  readonly id: number
  readonly rule: RulePath
  /** Its head, as written. */
  readonly text: string
  readonly kind: 'rule' | 'default' | 'function'
  /** Clauses of one `else` chain share the first. */
  readonly chain: number
  /** Of a function, as written. */
  readonly params: readonly string[]
  /** The number of its file. */
  readonly module: number
  readonly conditions: readonly Condition[]
  /** Names that several conditions use and `some` declares. */
  readonly declares: readonly string[]
}

export interface ParsedFile {
  readonly file: RegoFile
  readonly package: RulePath
  /** As written, with their aliases. */
  readonly imports: readonly string[]
  readonly aliases: ReadonlySet<string>
  readonly clauses: readonly Clause[]
}

/** What names mean in a file. */
export interface Scope {
  readonly file: string
  readonly module: number
  readonly package: RulePath
  readonly aliases: ReadonlyMap<string, RulePath>
  /** First names of the rules of its package, of all files. */
  readonly rules: ReadonlySet<string>
}

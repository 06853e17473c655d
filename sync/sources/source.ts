/**
 * What the cycle asks of a source, whatever its kind. `load` answers the whole content at one commit, or throws a
 * `SourceError` when nothing can be said about it; what is wrong with single files are findings of the fragment.
 */
import type { Fragment } from '../../src/policy/schema.ts'

export interface Blame {
  readonly commit: string
  readonly author: string
  readonly date: Date
}

export interface AuthorRange {
  readonly from: string | null
  readonly to: string
  readonly paths: readonly string[]
}

export interface Source {
  readonly name: string
  readonly kind: Fragment['kind']
  /** Where it comes from, for people; holds no credential. */
  readonly describe: () => string
  /** Unchanged content comes back as the same object. */
  readonly load: (options: { readonly signal?: AbortSignal }) => Promise<Fragment>
  /** The last commit at or before `commit` that touched a file; null where the source keeps no history. */
  readonly blame: (path: string, commit: string) => Promise<Blame | null>
  /**
   * E-mail addresses of those who wrote or committed changes of these paths, up to `to` and not up to `from` yet; of all
   * of their history where `from` is null or not known any more. Absent where the source keeps no history.
   */
  readonly authors?: (range: AuthorRange) => Promise<readonly string[]>
  /** Calls back (debounced) when the content may have changed; absent where it cannot be known. */
  readonly watch?: (onChange: () => void, signal: AbortSignal) => void
}

export type SourceReason = 'FetchFailed' | 'AuthenticationFailed'

/** The source cannot be read. The message holds no secret. */
export class SourceError extends Error {
  override readonly name = 'SourceError'
  readonly reason: SourceReason

  constructor(reason: SourceReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/** What a cycle came to, for those who asked for it. */
import type { CycleOutcome, SourceDocument } from '../src/policy/schema.ts'
import type { OnProgress } from '../src/progress.ts'

/** The commit whose many removals somebody confirms; `source: null` when only the commit is known. */
export interface Confirmation {
  readonly source: string | null
  readonly commit: string
}

export interface CycleOptions {
  /** Sources to look at anew; the others are taken as last seen. All, when it is not given. */
  readonly sources?: readonly string[]
  readonly confirm?: readonly Confirmation[]
  /** Compare the stored texts as well, which else is done every few minutes: somebody changed the store by hand. */
  readonly thorough?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: OnProgress
}

export interface CycleReport extends CycleOutcome {
  /** The status of each configured source, as it was stored. */
  readonly sources: readonly SourceDocument[]
  /** Names of sources that could not be read. */
  readonly unreadable: readonly string[]
  /** What the cycle changed; null when it changed nothing in force. */
  readonly changed: { readonly created: number; readonly replaced: number; readonly removed: number } | null
}

export type Cycle = (options: CycleOptions) => Promise<CycleReport>

/** Broken policies are quarantined and the rest is applied: that is a success, and the findings tell of it. */
const failures: readonly SourceDocument['reason'][] = [
  'FetchFailed',
  'AuthenticationFailed',
  'OutOfScope',
  'Conflict',
  'MassDeletion',
]

export function isFailure({ reason }: Pick<SourceDocument, 'reason'>): boolean {
  return failures.includes(reason)
}

/** The outcome for somebody who asked about one source, or about all. */
export function outcomeFor(report: CycleReport, source: string | null): CycleOutcome {
  const { at, revision } = report
  if (source === null) return { at, revision, ok: report.ok, message: report.message, findings: report.findings }
  const status = report.sources.find(({ _id }) => _id === source)
  if (status === undefined)
    return { at, revision, ok: false, message: `there is no source "${source}" here`, findings: [] }
  return { at, revision, ok: !isFailure(status), message: status.message, findings: status.findings }
}

/** What a cycle came to, for those who asked for it. */
import type { Logger } from 'pino'
import type { Actor } from '../src/auth/actor.ts'
import type { CycleOutcome, CycleRequest, SourceDocument } from '../src/policy/schema.ts'
import type { OnProgress } from '../src/progress.ts'
import type { Built } from './build/built.ts'
import type { Seen } from './sources/source-status.ts'

/** The commit whose many removals somebody confirms; `source: null` when only the commit is known. */
export interface Confirmation {
  readonly source: string | null
  readonly commit: string
}

/** By id. */
export interface Approval {
  readonly plan: string
  readonly actor: string
}

export interface CycleOptions {
  /** Who runs it; nobody where that is not said. */
  readonly actor?: Actor | null
  /** Sources to look at anew; the others are taken as last seen. All, when it is not given. */
  readonly sources?: readonly string[]
  readonly confirm?: readonly Confirmation[]
  /** Plans that somebody approves. */
  readonly approve?: readonly Approval[]
  /** Compare the stored texts as well, which else is done every few minutes: somebody changed the store by hand. */
  readonly thorough?: boolean
  /** Changes through the API that need no approval are not taken: somebody else does. */
  readonly leaveChanges?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: OnProgress
}

export interface CycleReport extends CycleOutcome {
  /** The status of each configured source, as it was stored. */
  readonly sources: readonly SourceDocument[]
  /** Names of sources that could not be read. */
  readonly unreadable: readonly string[]
  /** Changes through the API that wait for the next cycle. */
  readonly deferred?: number
  /** What the cycle changed; null when it changed nothing in force. */
  readonly changed: { readonly created: number; readonly replaced: number; readonly removed: number } | null
  /** Approvals that could not be heeded, by plan. */
  readonly refused: ReadonlyMap<string, Refusal>
}

export interface Refusal {
  readonly code: 'conflict' | 'plan_not_found'
  readonly message: string
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
export function outcomeFor(
  report: CycleReport,
  { source, plan: asked }: Pick<CycleRequest, 'source' | 'plan'>,
): CycleOutcome {
  const { at, revision, plan = null } = report
  const refused = asked == null ? undefined : report.refused.get(asked)
  if (refused !== undefined) return { at, revision, ok: false, findings: [], plan, ...refused }
  if (asked != null) return { at, revision, ok: true, message: report.message, findings: [], plan: asked }
  if (source === null) return { at, revision, plan, ok: report.ok, message: report.message, findings: report.findings }
  const status = report.sources.find(({ _id }) => _id === source)
  if (status === undefined)
    return { at, revision, ok: false, message: `there is no source "${source}" here`, findings: [] }
  return { at, revision, plan, ok: !isFailure(status), message: status.message, findings: status.findings }
}

export interface ReportOptions {
  readonly statuses: readonly SourceDocument[]
  readonly seen: readonly Seen[]
  readonly built: Built
  readonly revision: number
  /** The plan that was applied or waits. */
  readonly plan: string | null
  readonly at: Date
  readonly hasChanges: boolean
  readonly refused?: ReadonlyMap<string, Refusal>
}

export function reportOf(options: ReportOptions): CycleReport {
  const { statuses, seen, built, revision, plan, at, hasChanges, refused = new Map() } = options
  const { create, replace, remove } = built.documents
  const changed =
    hasChanges && built.changesForce
      ? { created: create.length, replaced: replace.length, removed: remove.length }
      : null
  return {
    at,
    ok: !statuses.some(isFailure),
    revision,
    plan,
    message: messageOf(statuses, changed),
    findings: statuses.flatMap(({ findings }) => findings),
    sources: statuses,
    unreadable: seen.flatMap(({ source, error }) => (error === null ? [] : [source.name])),
    changed,
    refused,
  }
}

/** What the rounds of one cycle came to: the last one's state, and what any of them changed. */
export function joined(first: CycleReport | undefined, last: CycleReport): CycleReport {
  const changed = last.changed ?? first?.changed ?? null
  const message = messageOf(last.sources, changed)
  return { ...last, changed, message, refused: new Map([...(first?.refused ?? []), ...last.refused]) }
}

function messageOf(statuses: readonly SourceDocument[], changed: CycleReport['changed']): string {
  const what =
    changed === null
      ? 'nothing changed'
      : `${changed.created} created, ${changed.replaced} replaced, ${changed.removed} removed`
  const troubled = statuses.filter(({ reason }) => reason !== 'Succeeded')
  return [what, ...troubled.map(({ _id, reason, message }) => `${_id}: ${reason}: ${message}`)].join('; ')
}

export function logReport(log: Logger, { message, revision, changed, sources }: CycleReport): void {
  const troubled = sources
    .filter(({ reason }) => reason !== 'Succeeded')
    .map(({ _id, reason }) => ({ source: _id, reason }))
  const level = troubled.length > 0 ? 'warn' : changed === null ? 'debug' : 'info'
  log[level]({ revision, ...changed, ...(troubled.length > 0 && { troubled }) }, `cycle: ${message}`)
}

/** What is written down about each source at the end of a cycle: what is in force, what was seen, what is wrong. Pure. */
import type { Finding, Fragment, SourceDocument } from '../../src/policy/schema.ts'
import { holdMessage, type Gate } from '../gate.ts'
import type { Source, SourceError } from './source.ts'

/** What a cycle knows of one source. */
export interface Seen {
  readonly source: Source
  readonly before: SourceDocument | undefined
  /** Its content, when there is any; a source that could not be read may stand with its last one. */
  readonly fragment: Fragment | null
  /** It was looked at in this cycle. */
  readonly attempted: boolean
  readonly error: SourceError | null
}

export interface Judged {
  readonly findings: readonly Finding[]
  /** Two sources declare the same: nothing of the composition is applied. */
  readonly conflict: boolean
  /** It declares what lies outside its scope and is refused whole. */
  readonly outOfScope: boolean
  readonly held: SourceDocument['held']
  /** Why its newest content is not taken now. */
  readonly gate: Gate | null
  /** The plan that waits with it. */
  readonly plan: string | null
  readonly confirmed: string | null
  readonly counts: SourceDocument['counts']
}

export function nextSourceStatus(seen: Seen, judged: Judged, now: Date): SourceDocument {
  const { source, before, fragment, attempted, error } = seen
  const { phase, reason, message } = verdict(seen, judged)
  const isHeldBack = judged.conflict || judged.outOfScope || judged.held !== null || judged.gate !== null
  // What the API holds is in force already; what waits is what it is asked for.
  const isTaken = fragment !== null && (!isHeldBack || (source.kind === 'api' && judged.gate?.kind === 'waits'))
  return {
    _id: source.name,
    kind: source.kind,
    location: source.describe(),
    phase,
    reason,
    message,
    findings: [...judged.findings],
    commit: isTaken ? fragment.commit : (before?.commit ?? null),
    revision: isTaken ? fragment.revision : (before?.revision ?? null),
    lastSeenCommit: fragment?.commit ?? before?.lastSeenCommit ?? null,
    lastAttempt: attempted ? now : (before?.lastAttempt ?? null),
    lastSuccess: attempted && error === null && isTaken ? now : (before?.lastSuccess ?? null),
    held: judged.held,
    confirmed: judged.confirmed,
    plan: judged.plan,
    counts: judged.counts,
  }
}

type Verdict = Pick<SourceDocument, 'phase' | 'reason' | 'message'>

function verdict({ error, fragment }: Seen, judged: Judged): Verdict {
  const { findings, conflict, outOfScope, held, gate, plan, counts } = judged
  if (error !== null)
    return {
      // Credentials wait for a person; everything else is tried again and may mend itself.
      phase: error.reason === 'AuthenticationFailed' ? 'Stalled' : 'Reconciling',
      reason: error.reason,
      message: `${error.message}; what was read last stays in force`,
    }
  if (fragment === null) return { phase: 'Reconciling', reason: 'Progressing', message: 'not read yet' }
  if (outOfScope)
    return {
      phase: 'Stalled',
      reason: 'OutOfScope',
      message: `it declares what is outside its scope and is refused whole; what was in force of it stays${firstOf(findings, 'OutOfScope')}`,
    }
  if (conflict)
    return {
      phase: 'Stalled',
      reason: 'Conflict',
      message: `two sources declare the same; nothing is applied until one gives way${firstOf(findings, 'Conflict')}`,
    }
  if (held !== null)
    return {
      phase: 'Stalled',
      reason: 'MassDeletion',
      message: `commit ${held.commit} would remove ${held.removes.length} of ${held.of} policies; it waits to be confirmed`,
    }
  if (gate?.kind === 'held') return { phase: 'Stalled', reason: 'Held', message: holdMessage(gate.hold) }
  if (gate !== null)
    return { phase: 'Stalled', reason: 'AwaitingApproval', message: waitMessage(fragment.commit, gate, plan) }
  const wrong = findings.filter(({ severity }) => severity === 'error')
  const errors = wrong.length
  if (errors > 0)
    return {
      phase: 'Stalled',
      reason: wrong.every(({ code }) => code === 'test_failed') ? 'TestsFailed' : 'ValidationFailed',
      message: `${count(errors, 'error')}; ${counts.quarantined} of ${count(counts.policies, 'policy')} quarantined, all others are applied${firstOf(findings)}`,
    }
  return {
    phase: 'Ready',
    reason: 'Succeeded',
    message: `${count(counts.policies, 'policy')} and ${count(counts.modules, 'shared module')} at ${fragment.revision}`,
  }
}

function waitMessage(commit: string, { requests }: { readonly requests?: number }, plan: string | null): string {
  const how = plan === null ? 'its plan is being made' : `plan ${plan} has what it changes`
  if (requests === 1) return `a change that it was asked for waits to be approved; ${how}`
  if (requests !== undefined) return `${requests} changes that it was asked for wait to be approved; ${how}`
  return `commit ${commit} waits to be approved; ${how}`
}

function firstOf(findings: readonly Finding[], code?: string): string {
  const first = findings.find(
    (finding) => finding.severity === 'error' && (code === undefined || finding.code === code),
  )
  if (first === undefined) return ''
  const place = first.file === undefined ? '' : `${first.file}${first.line === undefined ? '' : `:${first.line}`}: `
  return ` (first: ${place}${first.message})`
}

function count(number: number, noun: string): string {
  if (number === 1) return `1 ${noun}`
  return `${number} ${noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`}`
}

/** What is written down about sources that are not read: those configured to be retired, and those configured no more. Pure. */
import type { SourceDocument } from '../../src/policy/schema.ts'
import type { Built } from '../build/built.ts'

export interface UnreadSources {
  readonly stored: ReadonlyMap<string, SourceDocument>
  /** All names of the configuration. */
  readonly configured: ReadonlySet<string>
  readonly retired: readonly string[]
  readonly built: Pick<Built, 'conflict' | 'counts'>
}

export interface Unread {
  readonly statuses: readonly SourceDocument[]
  /** Configured no more, and nothing of them is left. */
  readonly gone: readonly string[]
}

export function unreadSources({ stored, configured, retired, built }: UnreadSources): Unread {
  const countsOf = (name: string) =>
    (built.conflict ? stored.get(name)?.counts : built.counts.get(name)) ?? { policies: 0, modules: 0, quarantined: 0 }
  const dropped = [...stored.values()].filter(({ _id }) => !configured.has(_id))
  const isEmpty = ({ _id }: SourceDocument) => countsOf(_id).policies + countsOf(_id).modules === 0
  return {
    statuses: [
      ...dropped.filter((source) => !isEmpty(source)).map((source) => droppedStatus(source, countsOf(source._id))),
      ...retired.map((name) => retiredStatus(stored.get(name) ?? unknownSource(name), countsOf(name), built.conflict)),
    ],
    gone: built.conflict ? [] : dropped.filter(isEmpty).map(({ _id }) => _id),
  }
}

const settled = { findings: [], held: null, confirmed: null }

function droppedStatus(before: SourceDocument, counts: SourceDocument['counts']): SourceDocument {
  const message = `it is not configured; ${counts.policies} policies and ${counts.modules} shared modules of it stay in force until it is configured again, with retire: true to remove them`
  return { ...before, ...settled, counts, phase: 'Stalled', reason: 'NotConfigured', message }
}

function retiredStatus(before: SourceDocument, counts: SourceDocument['counts'], conflict: boolean): SourceDocument {
  const waits = {
    phase: 'Reconciling',
    reason: 'Progressing',
    message: 'retired as soon as the Conflict has ended',
  } as const
  const done = { phase: 'Ready', reason: 'Succeeded', message: 'retired: nothing of it is in force' } as const
  return { ...before, ...settled, counts, ...(conflict ? waits : { ...done, commit: null, revision: null }) }
}

function unknownSource(name: string): SourceDocument {
  return {
    _id: name,
    kind: 'git',
    location: '',
    phase: 'Ready',
    reason: 'Succeeded',
    message: '',
    ...settled,
    commit: null,
    revision: null,
    lastSeenCommit: null,
    lastAttempt: null,
    lastSuccess: null,
    counts: { policies: 0, modules: 0, quarantined: 0 },
  }
}

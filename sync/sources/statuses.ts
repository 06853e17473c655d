/** The status of every source at the end of a round, its findings laid at the door of the commits they come from. */
import type { Finding, SourceDocument } from '../../src/policy/schema.ts'
import type { Built } from '../build/built.ts'
import type { Gate } from '../gate.ts'
import { nextSourceStatus, type Seen } from './source-status.ts'

export interface StatusesOptions {
  readonly seen: readonly Seen[]
  readonly built: Built
  readonly gates: ReadonlyMap<string, Gate>
  /** What a plan that waits is made of, and for which sources. */
  readonly proposal: {
    readonly plan: string | null
    readonly built: Built
    readonly sources: ReadonlySet<string>
  } | null
  readonly confirmed: ReadonlyMap<string, string>
  readonly now: Date
  readonly findingsOf: (findings: readonly Finding[]) => Promise<Finding[]>
}

/** Findings kept in one status; a document must stay small. */
const mostFindings = 500

export function statusesOf(options: StatusesOptions): Promise<SourceDocument[]> {
  return Promise.all(options.seen.map((one) => statusOf(one, options)))
}

async function statusOf(one: Seen, options: StatusesOptions): Promise<SourceDocument> {
  const { built, gates, proposal, confirmed, now, findingsOf } = options
  const { name } = one.source
  const isProposed = proposal?.sources.has(name) === true
  const held = built.held.find(({ source }) => source === name)
  const all = (isProposed ? proposal.built : built).findings.get(name) ?? []
  const findings = await findingsOf(all.slice(0, mostFindings))
  if (all.length > mostFindings) findings.push(more(name, all.length - mostFindings))
  const judged = {
    findings,
    conflict: built.conflict || (isProposed && proposal.built.conflict),
    outOfScope: (isProposed ? proposal.built : built).outOfScope.has(name),
    held: held === undefined ? null : { commit: held.commit, removes: [...held.removes], of: held.of },
    gate: gates.get(name) ?? null,
    plan: isProposed ? proposal.plan : null,
    confirmed: confirmed.get(name) ?? null,
    counts: (built.conflict ? one.before?.counts : built.counts.get(name)) ?? nothing,
  }
  return nextSourceStatus(one, judged, now)
}

const nothing = { policies: 0, modules: 0, quarantined: 0 }

const more = (source: string, count: number): Finding => ({
  code: 'more_findings',
  severity: 'warning',
  message: `and ${count} more`,
  source,
})

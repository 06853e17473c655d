/** `edict status` for people. */
import type { LockDocument, PolicyMeta, SourceDocument } from './policy/schema.ts'
import { findingLine } from './finding-text.ts'

export interface Status {
  readonly revision: number
  readonly sources: readonly SourceDocument[]
  readonly policies: number
  readonly quarantined: readonly PolicyMeta[]
  readonly locks: readonly LockDocument[]
}

const sourceLines = ({
  _id,
  phase,
  reason,
  message,
  revision,
  counts,
  held,
  plan = null,
  findings,
}: SourceDocument): string[] => [
  `${_id}  ${phase} (${reason})  ${revision ?? 'nothing in force'}  ${counts.policies} policies, ${counts.modules} modules`,
  ...(message === '' ? [] : [`  ${message}`]),
  ...(held === null
    ? []
    : [
        `  held: ${held.commit} would remove ${held.removes.length} of ${held.of}; confirm it with`,
        `    edict sync --confirm ${held.commit}`,
      ]),
  ...(plan === null ? [] : [`  plan ${plan} waits; approve it with`, `    edict apply --plan ${plan}`]),
  ...findings.map((finding) => `  ${findingLine(finding)}`),
]

export const statusText = ({ revision, sources, policies, quarantined, locks }: Status): string =>
  [
    `revision ${revision}, ${policies} policies, ${quarantined.length} quarantined, ${locks.length} locked`,
    ...sources.flatMap((source) => ['', ...sourceLines(source)]),
    ...(quarantined.length === 0 ? [] : ['', 'quarantined:']),
    ...quarantined.map(
      ({ _id, artifact }) => `  ${_id}  ${artifact === null ? 'no good version yet' : 'its last good version answers'}`,
    ),
    ...(locks.length === 0 ? [] : ['', 'locked:']),
    ...locks.map(({ _id, actor, reason, since, until }) => {
      const end = until === null ? '' : ` until ${until.toISOString()}`
      return `  ${_id}  by ${actor} since ${since.toISOString()}${end}${reason === null ? '' : `: ${reason}`}`
    }),
  ].join('\n')

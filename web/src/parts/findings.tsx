/** Findings with where they stand and who put them there. */
import type { Finding } from '../api/types.ts'
import { shortRevision } from './short-revision.ts'
import { State } from './state.tsx'

const placeOf = ({ file, line, column }: Finding): string =>
  [file, line, column].filter((part) => part !== undefined).join(':')

const errorsFirst = (findings: readonly Finding[]): readonly Finding[] => [
  ...findings.filter(({ severity }) => severity === 'error'),
  ...findings.filter(({ severity }) => severity !== 'error'),
]

export const Findings = ({ findings }: { readonly findings: readonly Finding[] }) => (
  <ul className="stack tight">
    {errorsFirst(findings).map((finding, at) => (
      <li key={`${finding.code}${String(at)}`} className="box pad stack tight">
        <div className="row">
          <State word={finding.severity} />
          <code>{finding.code}</code>
          {finding.file !== undefined && <code className="quiet">{placeOf(finding)}</code>}
        </div>
        <p title={finding.message}>{shortRevision(finding.message)}</p>
        {finding.commit !== undefined && (
          <p className="hint">
            {finding.source} at {shortRevision(finding.commit)}
            {finding.author !== undefined && ` by ${finding.author}`}
          </p>
        )}
      </li>
    ))}
  </ul>
)

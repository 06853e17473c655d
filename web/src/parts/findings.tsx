/** Findings with where they stand and who put them there. */
import type { Finding } from '../api/types.ts'
import { shortRevision } from './short-revision.ts'
import { State } from './state.tsx'

const placeOf = ({ file, line, column }: Finding): string =>
  [file, line, column].filter((part) => part !== undefined).join(':')

/** What to do about it, where the message does not say. */
const advice: Readonly<Record<string, string>> = {
  Conflict: 'One of the two has to stop declaring it, or its source needs a scope that leaves it out.',
  OutOfScope: 'Move it to the source that may declare it, or widen the scope of this one in edict.yaml.',
  package_out_of_scope: 'Take a package that the scope of this source covers, or widen it in edict.yaml.',
  out_of_scope_read: 'Have the source that owns it listed under libraries, or widen the read scope in edict.yaml.',
  wrong_package: 'A policy in group/name/version has the package group.name.',
  imports_policy: 'Put what both need into a shared module: a .rego file outside policy folders.',
  data_shadows_rule: 'Data would be answered instead of the rule: keep it at another path.',
  test_failed: 'Run `edict policy test` where the policy is written; nothing of it is published until it passes.',
}

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
        {advice[finding.code] !== undefined && <p className="hint">{advice[finding.code]}</p>}
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

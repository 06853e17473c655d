/** Audit entries for people and programs: one shape for the API, the command line and exports. */
import type { AuditDocument } from './policy/schema.ts'
import type { AuditVerdict } from './store/audit.ts'
import { markText } from './store/audit-chain.ts'

export const auditJson = ({ _id, at, actor, from, action, resource, details, changes, hash }: AuditDocument) => ({
  sequence: _id,
  at: at.toISOString(),
  actor,
  from,
  action,
  resource,
  details,
  changes: [...changes],
  mark: markText({ sequence: _id, hash }),
})

/** `12  2026-11-23T10:00:00.000Z  alice (10.0.0.1)  policy.lock  shop/price/1.0`. */
export const auditLine = ({ _id, at, actor, from, action, resource, changes }: AuditDocument): string => {
  const who = `${actor ?? '(erased)'}${from === null ? '' : ` (${from})`}`
  const texts = changes.map(({ key, before, after }) => {
    const how = before === null ? '+' : after === null ? '-' : '~'
    return `\n      ${how} ${key}`
  })
  return `${_id}  ${at.toISOString()}  ${who}  ${action}  ${resource}${texts.join('')}`
}

export const verdictText = (verdict: AuditVerdict): string => {
  if (!verdict.ok) return `the audit log does not hold at entry ${verdict.sequence}: ${verdict.message}`
  const { entries, head } = verdict
  return head === null ? 'the audit log is empty' : `${entries} entries hold, up to ${markText(head)}`
}

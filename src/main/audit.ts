/** The audit log of this deployment, read or changed from a command line. */
import type { Actor } from '../auth/actor.ts'
import { auditResource } from '../auth/actions.ts'
import { EdictError } from '../errors.ts'
import type { AuditDocument } from '../policy/schema.ts'
import type { Audit, AuditQuery, AuditVerdict } from '../store/audit.ts'
import { parseMark, type AuditMark } from '../store/audit-chain.ts'
import { actorOf, commandLine } from './acting.ts'
import type { RunOptions } from './deployment.ts'
import { withStore } from './with-store.ts'

const withAudit = <T>(options: RunOptions, work: (audit: Audit, actor: Actor) => Promise<T>): Promise<T> =>
  withStore(options, async (store) =>
    work(store.audit, await store.enforce(await actorOf(store, options.acting), 'admin', auditResource)),
  )

/** `since` as a change answered with it: `<sequence>:<hash>`. */
export const verifyAudit = (options: RunOptions & { readonly since: string | null }): Promise<AuditVerdict> => {
  const { since } = options
  const mark = since === null ? undefined : parseMark(since)
  if (since !== null && mark === undefined)
    throw new EdictError('config_invalid', `${since} is no mark: <sequence>:<hash>, as a change answered with.`)
  return withAudit(options, (audit) => audit.verify({ since: mark }))
}

export const listAudit = (
  options: RunOptions & { readonly query: AuditQuery; readonly limit: number },
): Promise<readonly AuditDocument[]> =>
  withAudit(options, (audit) => audit.list({ ...options.query, limit: options.limit }))

/** Every entry, newest first, handed over as it is read. */
export const exportAudit = (
  options: RunOptions & { readonly query: AuditQuery; readonly take: (entry: AuditDocument) => void },
): Promise<void> =>
  withAudit(options, async (audit) => {
    for await (const entry of audit.each(options.query)) options.take(entry)
  })

export const eraseFromAudit = (
  options: RunOptions & { readonly subject: string },
): Promise<{ readonly erased: number } & AuditMark> =>
  withAudit(options, (audit, actor) => audit.erase({ subject: options.subject, actor, from: commandLine() }))

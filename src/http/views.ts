/** Documents as they read in JSON: dates as text, internal names replaced. */
import type { Finding, LockDocument, PolicyStatus, RevisionDocument, SourceDocument } from '../policy/schema.ts'
import type { ReplicaStatus } from '../store/replicas.ts'

export const lockAsJson = ({ actor, reason, since, until }: LockDocument) => ({
  actor,
  reason,
  since: since.toISOString(),
  until: until?.toISOString() ?? null,
})

export const statusAsJson = ({ phase, findings, since, commit, author }: PolicyStatus) => ({
  phase,
  findings: findings.map(findingAsJson),
  since: since.toISOString(),
  ...(commit === undefined ? {} : { commit }),
  ...(author === undefined ? {} : { author }),
})

export const findingAsJson = (finding: Finding): Finding => ({ ...finding })

export const sourceAsJson = ({ _id, lastAttempt, lastSuccess, ...rest }: SourceDocument) => ({
  name: _id,
  ...rest,
  lastAttempt: lastAttempt?.toISOString() ?? null,
  lastSuccess: lastSuccess?.toISOString() ?? null,
})

const noModules = { created: [], replaced: [], removed: [] }

export const revisionAsJson = ({ _id, at, modules = noModules, ...rest }: RevisionDocument) => ({
  revision: _id,
  ...rest,
  modules: { created: [...modules.created], replaced: [...modules.replaced], removed: [...modules.removed] },
  at: at.toISOString(),
  sources: [...rest.sources],
  created: [...rest.created],
  replaced: [...rest.replaced],
  removed: [...rest.removed],
})

export const replicaRules = ({ _id: id, host, live, authz }: ReplicaStatus) => ({
  ...{ id, host, live },
  digest: authz?.digest ?? null,
  since: authz?.since.toISOString() ?? null,
  problem: authz?.problem ?? null,
})

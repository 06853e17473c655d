/** Which policy a request names, and whether it may be evaluated now: the same question at every door. */
import { EdictError } from '../errors.ts'
import type { PolicyEntry } from '../registry/policy-entry.ts'
import type { PolicyName, Registry } from '../registry/registry.ts'

/**
 * Throws `policy_not_found`, `policy_locked`, `policy_quarantined`, `store_unavailable`, `stale_refused`. To be asked in
 * the same step in which an evaluation starts.
 */
export type Admit = (name: PolicyName) => PolicyEntry

export const createAdmit =
  ({ registry, stale }: { registry: Pick<Registry, 'find' | 'state'>; stale: 'serve' | 'refuse' }): Admit =>
  (name) => {
    const { state } = registry
    if (stale === 'refuse' && state.staleSince !== null)
      throw new EdictError('stale_refused', 'this replica has lost the store and does not answer until it is back')
    const entry = registry.find(name)
    if (entry === undefined) {
      if (state.loaded) throw new EdictError('policy_not_found', `no policy ${nameOf(name)}`)
      throw new EdictError('store_unavailable', 'no policy is known yet: the store has not answered')
    }
    if (entry.lock !== undefined) throw new EdictError('policy_locked', `${entry.key} is locked`)
    if (entry.meta.artifact === null)
      throw new EdictError('policy_quarantined', `${entry.key} has no good version yet`, {
        errors: entry.meta.status.findings.map(({ code, message }) => ({ code, message })),
      })
    return entry
  }

export const nameOf = ({ repository, group, name, version }: PolicyName): string =>
  repository === undefined ? `${group}/${name}/${version}` : `${repository}/${group}/${name}/${version}`

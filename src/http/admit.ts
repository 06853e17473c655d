/** Which policy a request names, and whether it may be evaluated now: the same question at every door. */
import { EdictError } from '../errors.ts'
import type { Entry, PolicyEntry } from '../registry/policy-entry.ts'
import type { PolicyName, Registry } from '../registry/registry.ts'

export interface Admission {
  /** Throws `policy_not_found`, `store_unavailable`, `stale_refused`. */
  readonly find: (name: PolicyName) => PolicyEntry
  /** Throws `store_unavailable`, `stale_refused`: whether this replica answers at all. */
  readonly answers: () => void
  /** Throws `policy_locked`, `policy_quarantined`. To be asked in the same step in which an evaluation starts. */
  readonly check: (entry: Entry) => void
}

export const createAdmission = ({
  registry,
  stale,
}: {
  readonly registry: Pick<Registry, 'find' | 'state'>
  readonly stale: 'serve' | 'refuse'
}): Admission => {
  const refuseStale = ({ staleSince }: Registry['state']): void => {
    if (stale === 'refuse' && staleSince !== null)
      throw new EdictError('stale_refused', 'this replica has lost the store and does not answer until it is back')
  }
  return {
    answers: () => {
      const { state } = registry
      refuseStale(state)
      if (!state.loaded) throw unknownYet()
    },
    find: (name) => {
      const { state } = registry
      refuseStale(state)
      const entry = registry.find(name)
      if (entry !== undefined) return entry
      if (!state.loaded) throw unknownYet()
      throw new EdictError('policy_not_found', `no policy ${nameOf(name)}`)
    },
    check: ({ key, lock, meta }) => {
      if (lock !== undefined) throw new EdictError('policy_locked', `${key} is locked`)
      if (meta.artifact !== null) return
      throw new EdictError('policy_quarantined', `${key} has no good version yet`, {
        errors: meta.status.findings.map(({ code, message }) => ({ code, message })),
      })
    },
  }
}

const unknownYet = (): EdictError =>
  new EdictError('store_unavailable', 'no policy is known yet: the store has not answered')

export const nameOf = ({ repository, group, name, version }: PolicyName): string =>
  repository === undefined ? `${group}/${name}/${version}` : `${repository}/${group}/${name}/${version}`

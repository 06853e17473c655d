/** The store as the HTTP routes ask for it. */
import { apiPortsOf, type ApiPorts } from './api-ports.ts'
import type { AppDeps } from './http/app.ts'
import type { StoredText } from './policy/schema.ts'
import { createOwnership } from './store/ownership.ts'
import type { Store } from './store/store.ts'

type StorePorts = Pick<
  AppDeps,
  'audit' | 'tokens' | 'locks' | 'policies' | 'sources' | 'requests' | 'ownership' | 'plans' | 'revisions' | 'holds'
> &
  ApiPorts

/** Who asked for a cycle may ask for a decision next, of any process: all take in what the cycle made first, within a bound. */
const takenInWithinMs = 2_000

const takenIn = async (store: Store): Promise<void> => {
  const { sequence } = await store.head()
  await store.replicas.confirm(sequence, { timeoutMs: takenInWithinMs })
}

export const portsOf = ({
  store,
  signal,
}: {
  readonly store: Store
  /** Aborted: nobody is kept waiting for a cycle any more. */
  readonly signal: AbortSignal
}): StorePorts => {
  const text = (stored: StoredText) => store.policies.readText(stored)
  return {
    locks: {
      lock: ({ key, ...lock }) => store.locks.lock(key, lock),
      unlock: ({ key, ...by }) => store.locks.unlock(key, by),
      confirmed: (sequence) => store.replicas.confirm(sequence),
    },
    tokens: { ...store.tokens, confirmed: (sequence) => store.replicas.confirm(sequence) },
    audit: store.audit,
    policies: {
      read: async (key) => {
        const policy = await store.policies.get(key)
        if (policy === null) return null
        const files = policy.files.map(async (file) => ({ path: file.path, text: await text(file.text) }))
        const data = policy.data === null ? null : await text(policy.data)
        return { rego: await text(policy.rego), data, files: await Promise.all(files), tests: policy.tests }
      },
    },
    sources: {
      list: async () => (await store.sources.list()).items,
      get: store.sources.get,
    },
    ...apiPortsOf({ store, takenIn: () => takenIn(store), signal }),
    ownership: createOwnership(store),
    plans: {
      list: store.plans.list,
      reject: store.plans.reject,
      get: async (id) => {
        const plan = await store.plans.get(id)
        return plan && { ...plan, diffs: JSON.parse(await text(plan.diffs)) as unknown }
      },
    },
    revisions: store.revisions,
    holds: store.holds,
    requests: {
      submit: async (request) => ({ id: await store.requests.submit(request) }),
      outcome: async (id, { withinMs }) => {
        const outcome = await store.requests.waitFor(id, { timeoutMs: withinMs, signal })
        if (outcome === 'pending') return null
        if (outcome.revision !== null) await takenIn(store).catch(() => undefined)
        return outcome
      },
    },
  }
}

/** The store as the HTTP routes ask for it. */
import type { AppDeps } from './http/app.ts'
import type { StoredText } from './policy/schema.ts'
import type { Registry } from './registry/registry.ts'
import type { Store } from './store/store.ts'
import { sleep } from './store/wait.ts'

type StorePorts = Pick<AppDeps, 'locks' | 'policies' | 'sources' | 'requests'>

/** Who asked for a cycle may ask for a decision next: this server first takes in what the cycle made, within a bound. */
const takenInWithinMs = 2_000

const takenIn = async ({ state }: Pick<Registry, 'state'>, revision: number): Promise<void> => {
  const until = performance.now() + takenInWithinMs
  while (state.revision < revision && performance.now() < until) await sleep(5)
}

export const portsOf = ({
  store,
  registry,
  signal,
}: {
  readonly store: Store
  readonly registry: Pick<Registry, 'state'>
  /** Aborted: nobody is kept waiting for a cycle any more. */
  readonly signal: AbortSignal
}): StorePorts => {
  const text = (stored: StoredText) => store.policies.readText(stored)
  return {
    locks: {
      lock: ({ key, ...lock }) => store.locks.lock(key, lock),
      unlock: ({ key, actor }) => store.locks.unlock(key, { actor }),
      confirmed: (sequence) => store.replicas.confirm(sequence),
    },
    policies: {
      read: async (key) => {
        const policy = await store.policies.get(key)
        if (policy === null) return null
        const files = policy.files.map(async (file) => ({ path: file.path, text: await text(file.text) }))
        const data = policy.data === null ? null : await text(policy.data)
        return { rego: await text(policy.rego), data, files: await Promise.all(files) }
      },
    },
    sources: {
      list: async () => (await store.sources.list()).items,
      get: store.sources.get,
    },
    requests: {
      submit: async ({ reason, source, commit }) => ({ id: await store.requests.submit({ reason, source, commit }) }),
      outcome: async (id, { withinMs }) => {
        const outcome = await store.requests.waitFor(id, { timeoutMs: withinMs, signal })
        if (outcome === 'pending') return null
        if (outcome.revision !== null) await takenIn(registry, outcome.revision)
        return outcome
      },
    },
  }
}

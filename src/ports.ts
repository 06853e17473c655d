/** The store as the HTTP routes ask for it. */
import type { AppDeps } from './http/app.ts'
import type { StoredText } from './policy/schema.ts'
import type { Store } from './store/store.ts'

type StorePorts = Pick<AppDeps, 'locks' | 'policies' | 'sources' | 'requests'>

export const portsOf = (store: Store): StorePorts => {
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
        const outcome = await store.requests.waitFor(id, { timeoutMs: withinMs })
        return outcome === 'pending' ? null : outcome
      },
    },
  }
}

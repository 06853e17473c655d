/** Policies as earlier revisions had them: loaded when they are asked for, the most recently asked for kept for a while. */
import { LRUCache } from 'lru-cache'
import type { PolicySettings } from '../engine/decision.ts'
import type { Engine } from '../engine/engine.ts'
import type { LoadedPolicy } from '../engine/policy.ts'
import { EdictError } from '../errors.ts'
import type { Artifact, PolicyMeta } from '../policy/schema.ts'
import { createLoader, type LoadBlob } from './loader.ts'
import type { Instance } from './policy-entry.ts'

export interface Archive {
  /** Rejects with an EdictError. */
  readonly load: (meta: PolicyMeta) => Promise<Instance>
}

export interface ArchiveOptions {
  readonly engine: Engine
  readonly loadBlob: LoadBlob
  readonly settingsOf: (meta: PolicyMeta) => PolicySettings
  readonly maxPolicies?: number
}

interface Held {
  readonly artifact: Artifact
  readonly loading: Promise<LoadedPolicy>
}

export const createArchive = ({ engine, loadBlob, settingsOf, maxPolicies = 50 }: ArchiveOptions): Archive => {
  const loader = createLoader({ engine, loadBlob })
  const held = new LRUCache<string, Held>({
    max: maxPolicies,
    dispose: ({ artifact, loading }) => void loading.then(() => loader.release(artifact)).catch(() => undefined),
  })

  const hold = (key: string, meta: PolicyMeta, artifact: Artifact): Held => {
    const loading = loader.load(artifact, settingsOf(meta))
    loading.catch(() => held.delete(key))
    const fresh = { artifact, loading }
    held.set(key, fresh)
    return fresh
  }

  return {
    load: async (meta) => {
      const { _id, repository, digest, artifact } = meta
      if (artifact === null) throw new EdictError('policy_quarantined', `${_id} had no good artifact`)
      const key = [_id, repository, digest].join('\0')
      const { evaluate } = await (held.get(key) ?? hold(key, meta, artifact)).loading
      return { meta, evaluate }
    },
  }
}

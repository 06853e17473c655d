/**
 * Artifact → loaded policy: fetches its blobs, compiles the WASM once however many policies share it, and instantiates.
 * A blob that cannot be had is `store_unavailable`; what the engine refuses keeps the engine's code.
 */
import type { PolicySettings } from '../engine/decision.ts'
import type { Engine } from '../engine/engine.ts'
import type { LoadedPolicy } from '../engine/policy.ts'
import { EdictError } from '../errors.ts'
import type { Artifact } from '../policy/schema.ts'

export type LoadBlob = (digest: string, signal: AbortSignal) => Promise<Uint8Array>

export interface Loader {
  /** Each successful load is given back with `release`. */
  readonly load: (artifact: Artifact, settings: PolicySettings) => Promise<LoadedPolicy>
  readonly release: (artifact: Artifact) => void
  readonly modules: () => number
  /** How many loads have succeeded. */
  readonly loads: () => number
}

const entrypoint = 'edict/entry/doc'

export const createLoader = ({
  engine,
  loadBlob,
  timeoutMs = 5_000,
}: {
  engine: Engine
  loadBlob: LoadBlob
  timeoutMs?: number
}): Loader => {
  let loads = 0
  const shared = new Map<string, { readonly module: Promise<WebAssembly.Module>; users: number }>()

  const fetchBlob = async (digest: string): Promise<Uint8Array> => {
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      return await Promise.race([loadBlob(digest, signal), rejectOn(signal)])
    } catch (cause) {
      if (cause instanceof EdictError) throw cause
      throw new EdictError('store_unavailable', 'the policy cannot be loaded: the store does not answer', { cause })
    }
  }

  const compile = async (digest: string): Promise<WebAssembly.Module> => {
    const wasm = await fetchBlob(digest)
    return await artifactStep(() => engine.compile(wasm))
  }

  const share = (digest: string): Promise<WebAssembly.Module> => {
    const known = shared.get(digest)
    if (known !== undefined) {
      known.users++
      return known.module
    }
    const module = compile(digest)
    shared.set(digest, { module, users: 1 })
    return module
  }

  const release = ({ wasm }: Artifact): void => {
    const known = shared.get(wasm)
    if (known !== undefined && --known.users === 0) shared.delete(wasm)
  }

  const load = async (artifact: Artifact, settings: PolicySettings): Promise<LoadedPolicy> => {
    try {
      const [module, data] = await Promise.all([share(artifact.wasm), fetchBlob(artifact.data)])
      const loaded = await artifactStep(() => engine.load({ module, data, entrypoint, settings }))
      loads++
      return loaded
    } catch (error) {
      release(artifact)
      throw error
    }
  }

  return { load, release, modules: () => shared.size, loads: () => loads }
}

const artifactStep = async <T>(step: () => T | Promise<T>): Promise<T> => {
  try {
    return await step()
  } catch (cause) {
    if (cause instanceof EdictError) throw cause
    throw new EdictError('internal_error', 'the policy artifact cannot be loaded', { cause })
  }
}

const rejectOn = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

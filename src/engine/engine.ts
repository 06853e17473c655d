/**
 * The engine: from the WASM that `opa build` wrote to policies that answer. It knows neither where artifacts come
 * from nor who asks.
 */
import type { Extension } from '../../extensions/extension.ts'
import { EdictError } from '../errors.ts'
import { scanJson } from './json-scan.ts'
import { defaultLimits, type EngineLimits } from './limits.ts'
import { createPolicy, type LoadedPolicy } from './policy.ts'

export interface Engine {
  readonly compile: (wasm: Uint8Array) => Promise<WebAssembly.Module>
  /** Throws an EdictError when the artifact is none that this server can evaluate. */
  readonly load: (artifact: LoadOptions) => LoadedPolicy
}

export interface LoadOptions {
  /** Modules are shared: one for all policies with the same WASM. */
  readonly module: WebAssembly.Module
  /** JSON text: the root of `data`. */
  readonly data: Uint8Array | string
  /** `edict/entry/doc` */
  readonly entrypoint: string
}

export interface EngineOptions {
  readonly extensions: readonly Extension[]
  readonly limits?: Partial<EngineLimits>
}

/** Data comes from a source that has been validated; this only keeps WASM from meeting what it cannot parse. */
const dataDepth = 1000

export function createEngine({ extensions, limits }: EngineOptions): Engine {
  const byName = new Map(extensions.map((extension) => [extension.name, extension]))
  const bounds = { ...defaultLimits, ...limits }

  function load({ module, data, entrypoint }: LoadOptions): LoadedPolicy {
    const text = typeof data === 'string' ? Buffer.from(data) : data
    const scan = scanJson(text, dataDepth)
    if (scan !== 'ok') throw new EdictError('policy_quarantined', 'the data of the artifact is not usable JSON')
    try {
      return createPolicy({ module, data: text, entrypoint, extensions: byName, limits: bounds })
    } catch (error) {
      throw refusal(error)
    }
  }

  return {
    compile: async (wasm) => {
      try {
        return await WebAssembly.compile(wasm)
      } catch (error) {
        throw new EdictError('policy_quarantined', 'the artifact is not WebAssembly', { cause: error })
      }
    },
    load,
  }
}

function refusal(error: unknown): unknown {
  if (error instanceof EdictError) return error
  return new EdictError('policy_quarantined', 'the artifact cannot be loaded', { cause: error })
}

/**
 * The engine: from the WASM that `opa build` wrote to policies that answer. It knows neither where artifacts come
 * from nor who asks.
 */
import type { Extension } from '../../extensions/extension.ts'
import { EdictError } from '../errors.ts'
import { defaultSettings, wallClock, type DecisionOptions, type PolicySettings } from './decision.ts'
import { replaceLoneSurrogates, scanJson } from './json-scan.ts'
import { defaultLimits, type EngineLimits } from './limits.ts'
import { MeterError } from './meter/bytes.ts'
import { meter } from './meter/meter.ts'
import { readRuleNames, type RuleNames } from './rule-names.ts'
import { createPolicy, type LoadedPolicy } from './policy.ts'

export interface Engine {
  /** Of what `opa build` made; metered. Throws an EdictError. */
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
  readonly settings?: PolicySettings
  /** The entrypoint is a query: it answers with its whole result set as JSON, and its input may be value text. */
  readonly asQuery?: boolean
}

export interface EngineOptions extends Partial<DecisionOptions> {
  readonly extensions: readonly Extension[]
  readonly limits?: Partial<EngineLimits>
}

const dataDepth = 1000

export function createEngine({ extensions, limits, labels = {}, clock = wallClock }: EngineOptions): Engine {
  const byName = new Map(extensions.map((extension) => [extension.name, extension]))
  const decisions = { labels, clock }
  const bounds = { ...defaultLimits, ...limits }
  const names = new WeakMap<WebAssembly.Module, RuleNames>()

  function load({ module, data, entrypoint, settings = defaultSettings, asQuery = false }: LoadOptions): LoadedPolicy {
    const text = usableData(typeof data === 'string' ? Buffer.from(data) : data)
    const own = { ...bounds, ...settings.limits }
    const shared = { extensions: byName, limits: own, decisions, ruleNames: names.get(module) ?? new Map() }
    try {
      return createPolicy({ module, data: text, entrypoint, ...shared, settings, asQuery })
    } catch (error) {
      throw refusal(error)
    }
  }

  return {
    compile: async (wasm) => {
      try {
        const module = await WebAssembly.compile(meter(wasm))
        names.set(module, readRuleNames(wasm))
        return module
      } catch (error) {
        const reason = error instanceof MeterError ? `cannot be metered: ${error.message}` : 'is not WebAssembly'
        throw new EdictError('policy_quarantined', `the artifact ${reason}`, { cause: error })
      }
    },
    load,
  }
}

/** Data comes from a source that has been validated; this only keeps WASM from meeting what it cannot parse. */
function usableData(text: Uint8Array): Uint8Array {
  const scan = scanJson(text, dataDepth)
  if (scan === 'lone_surrogate') return replaceLoneSurrogates(text)
  if (scan === 'ok') return text
  const reason = scan === 'too_deep' ? `nests deeper than ${dataDepth}` : `is not JSON: ${scan.message}`
  throw new EdictError('policy_quarantined', `the data of the artifact ${reason}`)
}

function refusal(error: unknown): unknown {
  if (error instanceof EdictError) return error
  return new EdictError('policy_quarantined', 'the artifact cannot be loaded', { cause: error })
}

/**
 * The place of a policy or shared package in the registry, and the instance that answers for it. Classes for their life
 * cycles: a slot outlives its instances, an instance may answer on while its replacement is loaded.
 */
import type { RequestContext } from '../../extensions/extension.ts'
import type { Outcome } from '../engine/outcome.ts'
import type { EvaluateOptions, LoadedPolicy } from '../engine/policy.ts'
import type { LockDocument } from '../policy/schema.ts'
import type { Loader } from './loader.ts'
import type { Entry, EntryMeta, Instance } from './policy-entry.ts'

export class Slot<Meta extends EntryMeta = EntryMeta, Key extends string = string> implements Entry {
  readonly key: Key
  meta: Meta
  /** The lock as stored, in force or expired. */
  held: LockDocument | undefined
  /** Counts the artifacts that this policy has had. */
  generation = 0
  instance: LiveInstance | undefined
  loading: Promise<LiveInstance> | undefined
  /** While a replacement is first being loaded: it, or after a moment the previous instance. */
  fresh: Promise<LiveInstance> | undefined
  retry: NodeJS.Timeout | undefined
  readonly #inForce: (lock: LockDocument) => LockDocument | undefined

  constructor(key: Key, meta: Meta, inForce: (lock: LockDocument) => LockDocument | undefined) {
    this.key = key
    this.meta = meta
    this.#inForce = inForce
  }

  get lock(): LockDocument | undefined {
    return this.held === undefined ? undefined : this.#inForce(this.held)
  }

  forget(instance: LiveInstance): void {
    if (this.instance === instance) this.instance = undefined
  }
}

export class LiveInstance implements Instance {
  meta: EntryMeta
  readonly slot: Slot
  readonly artifact: Parameters<Loader['release']>[0]
  readonly generation: number
  readonly #loaded: LoadedPolicy
  readonly #grown: (instance: LiveInstance) => void
  #bytes: number

  constructor(options: {
    slot: Slot
    loaded: LoadedPolicy
    artifact: LiveInstance['artifact']
    generation: number
    grown: (instance: LiveInstance) => void
  }) {
    this.slot = options.slot
    this.meta = options.slot.meta
    this.artifact = options.artifact
    this.generation = options.generation
    this.#loaded = options.loaded
    this.#grown = options.grown
    this.#bytes = options.loaded.bytes
  }

  refresh(): void {
    if (this.generation === this.slot.generation) this.meta = this.slot.meta
  }

  size(most: number): number {
    return Math.min(most, Math.max(1, this.#bytes))
  }

  evaluate(
    input: Uint8Array | undefined,
    context: RequestContext,
    options?: EvaluateOptions,
  ): Outcome | Promise<Outcome> {
    const outcome = this.#loaded.evaluate(input, context, options)
    this.#weigh()
    return outcome instanceof Promise ? outcome.finally(() => this.#weigh()) : outcome
  }

  #weigh(): void {
    if (this.#loaded.bytes === this.#bytes) return
    this.#bytes = this.#loaded.bytes
    this.#grown(this)
  }
}

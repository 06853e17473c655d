/**
 * Which artifact answers for which policy. `swap` takes one change of the store in one synchronous step; artifacts are
 * loaded when first asked for and kept in an LRU bounded by count and bytes. A policy that was loaded is loaded again as
 * soon as it is replaced, and the previous instance answers for as long as that does not succeed. Locks are judged by the
 * clock at each question. It reads no store: blobs come through `loadBlob`.
 */
import { LRUCache } from 'lru-cache'
import type { RequestContext } from '../../extensions/extension.ts'
import { defaultSettings, type PolicySettings } from '../engine/decision.ts'
import type { Engine } from '../engine/engine.ts'
import type { Outcome } from '../engine/outcome.ts'
import { EdictError } from '../errors.ts'
import type { LockDocument, PackageDocument, PolicyKey, PolicyMeta } from '../policy/schema.ts'
import { createCatalog, type Catalog } from './catalog.ts'
import { createLoader, type LoadBlob } from './loader.ts'
import type { Entry, EntryMeta, Instance, PolicyEntry } from './policy-entry.ts'
import { LiveInstance, Slot } from './slot.ts'

export interface RegistryChange {
  readonly policies: readonly PolicyMeta[]
  readonly packages?: readonly PackageDocument[]
  /** Keys of policies and ids of packages. */
  readonly removed: readonly string[]
  /** By policy key; null: unlocked. */
  readonly locks: ReadonlyMap<string, LockDocument | null>
  /** `policies`, `packages` and `locks` are all there is: what is not named goes. */
  readonly complete?: boolean
  readonly revision: number
  readonly sequence: number
}

export interface RegistryState {
  readonly sequence: number
  readonly revision: number
  /** The store's state was received at least once. */
  readonly loaded: boolean
  /** It has the store's state and follows it. */
  readonly ready: boolean
  /** Milliseconds since the epoch when the store was lost; null while it is followed. */
  readonly staleSince: number | null
}

export interface PolicyName {
  readonly repository?: string | undefined
  readonly group: string
  readonly name: string
  readonly version: string
}

export interface Registry {
  readonly state: RegistryState
  readonly swap: (change: RegistryChange) => void
  readonly note: (state: { readonly ready?: boolean; readonly staleSince?: number | null }) => void
  readonly find: (name: PolicyName) => PolicyEntry | undefined
  /** The lock in force now. */
  readonly lock: (key: string) => LockDocument | undefined
  /** What answers now; a promise when it must be loaded first. Rejects with an EdictError. */
  readonly acquire: (entry: Entry) => Instance | Promise<Instance>
  readonly evaluate: (
    entry: Entry,
    input: Uint8Array | undefined,
    context: RequestContext,
  ) => Outcome | Promise<Outcome>
  /** The policy or shared package with this key. */
  readonly entry: (key: string) => Entry | undefined
  readonly catalog: Omit<Catalog, 'put' | 'putPackage' | 'remove'>
  /** All policies by group, name and version, the newest version last. */
  readonly list: () => readonly PolicyMeta[]
  readonly stats: () => RegistryStats
  readonly close: () => void
}

export interface RegistryStats {
  readonly policies: number
  readonly loaded: number
  readonly bytes: number
  readonly modules: number
  /** Loads since the start; rises only for what is new, replaced, or was dropped for space. */
  readonly loads: number
  readonly locked: number
}

export interface RegistryLog {
  readonly warn: (fields: object, message: string) => void
}

const reloadDelaysMs = [250, 500, 1_000, 2_000, 5_000, 10_000] as const

export const createRegistry = ({
  engine,
  loadBlob,
  maxPolicies,
  maxBytes = 1024 ** 3,
  log,
  now = Date.now,
  loadTimeoutMs = 5_000,
  freshWaitMs = 1_000,
  settingsOf = () => defaultSettings,
}: {
  engine: Engine
  loadBlob: LoadBlob
  maxPolicies: number
  maxBytes?: number
  log: RegistryLog
  now?: () => number
  loadTimeoutMs?: number
  /** How long an evaluation waits for a policy just replaced before the previous one answers. */
  freshWaitMs?: number
  /** What a policy may do; asked when it is loaded. */
  settingsOf?: (meta: EntryMeta) => PolicySettings
}): Registry => {
  const loader = createLoader({ engine, loadBlob, timeoutMs: loadTimeoutMs })
  const slots = {
    policies: new Map<string, Slot<PolicyMeta, PolicyKey>>(),
    packages: new Map<string, Slot<PackageDocument>>(),
  }
  const locks = new Map<string, LockDocument>()
  const state = { sequence: 0, revision: 0, loaded: false, ready: false, staleSince: null as number | null }
  const catalog = createCatalog()
  let recent: LiveInstance | undefined

  const instances = new LRUCache<string, LiveInstance>({
    max: Math.max(1, maxPolicies),
    maxSize: maxBytes,
    sizeCalculation: (instance) => instance.size(maxBytes),
    dispose: (instance) => {
      instance.slot.forget(instance)
      loader.release(instance.artifact)
    },
  })

  const slotAt = (key: string): Slot | undefined => slots.policies.get(key) ?? slots.packages.get(key)
  const allSlots = (): readonly Slot[] => [...slots.policies.values(), ...slots.packages.values()]

  const inForce = (lock: LockDocument): LockDocument | undefined =>
    lock.until === null || lock.until.getTime() > now() ? lock : undefined

  const touch = (instance: LiveInstance): LiveInstance => {
    if (instance === recent) return instance
    recent = instance
    instances.get(instance.slot.key)
    return instance
  }

  const load = async (slot: Slot): Promise<LiveInstance> => {
    const { generation, meta } = slot
    const artifact = meta.artifact
    if (artifact === null) throw new EdictError('policy_quarantined', `${slot.key} has no good artifact yet`)
    const loaded = await loader.load(artifact, settingsOf(meta))
    if (slotAt(slot.key) !== slot || slot.generation !== generation) {
      loader.release(artifact)
      if (slotAt(slot.key) !== slot) throw new EdictError('policy_not_found', `${slot.key} was removed`)
      return load(slot)
    }
    const instance = new LiveInstance({ slot, loaded, artifact, generation, grown: regrow })
    slot.instance = instance
    instances.set(slot.key, instance)
    return instance
  }

  const regrow = (instance: LiveInstance): void => {
    if (instance.slot.instance === instance) instances.set(instance.slot.key, instance)
  }

  const startLoading = (slot: Slot): Promise<LiveInstance> => {
    if (slot.loading !== undefined) return slot.loading
    const loading = load(slot).finally(() => {
      if (slot.loading === loading) slot.loading = undefined
    })
    slot.loading = loading
    return loading
  }

  const reload = (slot: Slot, attempt = 0): void => {
    const previous = slot.instance
    const generation = slot.generation
    const loading = startLoading(slot)
    slot.fresh = attempt > 0 || previous === undefined ? undefined : firstOf(loading, previous, freshWaitMs)
    loading.catch((error: unknown) => {
      if (slotAt(slot.key) !== slot || slot.generation !== generation) return
      slot.fresh = undefined
      log.warn({ policy: slot.key, err: error }, 'a replaced policy cannot be loaded; the previous one answers')
      const delay = reloadDelaysMs[Math.min(attempt, reloadDelaysMs.length - 1)] ?? 10_000
      slot.retry = setTimeout(reload, delay, slot, attempt + 1)
      slot.retry.unref()
    })
  }

  const put = <Meta extends EntryMeta, Key extends string>(
    own: Map<string, Slot<Meta, Key>>,
    key: Key,
    meta: Meta,
  ): void => {
    const known = own.get(key)
    if (known === undefined) {
      const slot = new Slot(key, meta, inForce)
      slot.held = locks.get(slot.key)
      own.set(slot.key, slot)
      return
    }
    const { digest, repository } = known.meta
    const unchanged = digest === meta.digest && repository === meta.repository
    const same = unchanged && meta.artifact !== null && known.meta.artifact !== null
    known.meta = meta
    if (same) return known.instance?.refresh()
    known.generation++
    clearTimeout(known.retry)
    if (meta.artifact === null) instances.delete(known.key)
    else if (known.instance !== undefined) reload(known)
  }

  const remove = (key: string): void => {
    const slot = slotAt(key)
    if (slot === undefined) return
    clearTimeout(slot.retry)
    slots.policies.delete(key)
    slots.packages.delete(key)
    instances.delete(key)
    catalog.remove(key)
  }

  const swap = (change: RegistryChange): void => {
    for (const meta of change.policies) {
      put(slots.policies, keyOf(meta), meta)
      catalog.put(meta)
    }
    for (const found of change.packages ?? []) {
      put(slots.packages, found._id, found)
      catalog.putPackage(found)
    }
    for (const key of change.removed) remove(key)
    if (change.complete === true) dropOthers(change)
    for (const [key, lock] of change.locks) setLock(key, lock)
    state.sequence = change.sequence
    state.revision = change.revision
    state.loaded = true
    if (change.complete === true) state.ready = true
  }

  const dropOthers = (change: RegistryChange): void => {
    const named = new Set([...change.policies, ...(change.packages ?? [])].map(({ _id }) => _id))
    for (const { key } of allSlots()) if (!named.has(key)) remove(key)
    for (const key of locks.keys()) if (!change.locks.has(key)) setLock(key, null)
  }

  const setLock = (key: string, lock: LockDocument | null): void => {
    if (lock === null) locks.delete(key)
    else locks.set(key, lock)
    const slot = slotAt(key)
    if (slot !== undefined) slot.held = lock ?? undefined
  }

  const slotOf = (entry: Entry): Slot => {
    if (entry instanceof Slot && slotAt(entry.key) === entry) return entry
    const slot = slotAt(entry.key)
    if (slot === undefined) throw new EdictError('policy_not_found', `no policy ${entry.key}`)
    return slot
  }

  const acquire = (entry: Entry): LiveInstance | Promise<LiveInstance> => {
    const slot = slotOf(entry)
    const { instance } = slot
    if (instance === undefined) return startLoading(slot)
    if (instance.generation === slot.generation) return touch(instance)
    return slot.fresh ?? touch(instance)
  }

  return {
    state,
    swap,
    note: ({ ready = state.ready, staleSince = state.staleSince }) => {
      state.ready = ready
      state.staleSince = staleSince
    },
    find: ({ repository, group, name, version }) => {
      const slot = slots.policies.get(`${group}/${name}/${version}`)
      if (slot === undefined || (repository !== undefined && slot.meta.repository !== repository)) return undefined
      return slot
    },
    lock: (key) => {
      const held = locks.get(key)
      return held === undefined ? undefined : inForce(held)
    },
    acquire,
    evaluate: (entry, input, context) => {
      const instance = acquire(entry)
      return instance instanceof Promise
        ? instance.then((ready) => ready.evaluate(input, context))
        : instance.evaluate(input, context)
    },
    entry: slotAt,
    catalog,
    list: catalog.policies,
    stats: () => ({
      policies: slots.policies.size,
      loaded: instances.size,
      bytes: instances.calculatedSize,
      modules: loader.modules(),
      loads: loader.loads(),
      locked: [...locks.values()].filter(inForce).length,
    }),
    close: () => {
      for (const slot of allSlots()) clearTimeout(slot.retry)
    },
  }
}

const keyOf = ({ group, name, version }: PolicyMeta): PolicyKey => `${group}/${name}/${version}`

const firstOf = (loading: Promise<LiveInstance>, previous: LiveInstance, withinMs: number): Promise<LiveInstance> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, withinMs, previous)
    loading
      .then(resolve, () => resolve(previous))
      .finally(() => clearTimeout(timer))
      .catch(() => undefined)
  })

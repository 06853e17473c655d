/** One process that answers: follows the store, keeps the registry by it, and listens. It does not close the store. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Extension } from '../../extensions/extension.ts'
import type { KnownTokens } from '../auth/mode.ts'
import type { Config } from '../config.ts'
import { createEngine } from '../engine/engine.ts'
import type { Numbers } from '../http/numbers.ts'
import { createSettings } from '../policy-settings.ts'
import { createArchive, type Archive } from '../registry/archive.ts'
import { createRegistry, type Registry } from '../registry/registry.ts'
import type { SettingDocument } from '../policy/schema.ts'
import type { Store } from '../store/store.ts'
import { follow } from '../store/watch.ts'
import type { Environment } from '../tools/cache-folder.ts'
import { explainListen } from './address.ts'
import { inForce, type Front } from './front.ts'
import { createHttp } from './http.ts'
import { tell } from './follow-rules-file.ts'
import { openIdentity } from './identity.ts'
import { rulesStatus, type RulesInForce } from './rules-in-force.ts'

export interface ReplicaOptions {
  readonly config: Config
  readonly store: Store
  readonly rules: RulesInForce
  readonly extensions: readonly Extension[]
  /** Where opa is looked for, once something is to be explained. */
  readonly env: Environment
  readonly log: Logger
  /** Aborted: nobody is kept waiting any more. */
  readonly signal: AbortSignal
  /** What `/metrics` answers; absent: the numbers of this process. */
  readonly scrape?: () => Promise<string>
}

export interface Replica extends Front {
  readonly numbers: () => Promise<Numbers>
}

const openRegistry = ({
  config,
  store,
  extensions,
  log,
}: ReplicaOptions): { readonly registry: Registry; readonly archive: Archive } => {
  const { maxDepth, budget, maxMemory: memory, maxLoaded: maxPolicies } = config.limits
  const { maxWaitMs } = config.evaluation
  const engine = createEngine({ extensions, limits: { maxDepth, budget, memory, maxWaitMs } })
  const settingsOf = createSettings(config, log.child({ part: 'policy' }))
  const common = { engine, loadBlob: store.blobs.get, settingsOf }
  return { registry: createRegistry({ ...common, maxPolicies, log }), archive: createArchive(common) }
}

interface Following extends Pick<ReplicaOptions, 'store' | 'rules' | 'log'> {
  readonly registry: Registry
  readonly known: KnownTokens
  readonly signal: AbortSignal
}

/** Before it is confirmed that this process has come so far. */
const takeUp = ({ rules, log }: Pick<Following, 'rules' | 'log'>, settings: readonly SettingDocument[]): void => {
  const { file } = rules.state()
  if (file === null || !settings.some(({ _id }) => _id === 'authz')) return
  const { read, changed } = rules.reload()
  if (read !== null && changed) tell(log, file, read)
}

const startFollowing = ({ store, registry, known, signal, ...own }: Following) =>
  follow({
    store,
    signal,
    onSnapshot: ({ policies, packages, locks, revision, sequence, ...identity }) => {
      known.replace(identity)
      takeUp(own, identity.settings)
      const held = new Map(locks.map((lock) => [lock._id, lock]))
      registry.swap({ policies, packages, removed: [], locks: held, complete: true, revision, sequence })
    },
    onChange: ({ policies, removed, packages, locks, revision, sequence, ...identity }) => {
      known.advance(identity)
      takeUp(own, identity.settings)
      const changed = new Map([
        ...locks.removed.map((key) => [key, null] as const),
        ...locks.set.map((lock) => [lock._id, lock] as const),
      ])
      const gone = [...removed, ...packages.removed]
      registry.swap({ policies, packages: packages.set, removed: gone, locks: changed, revision, sequence })
    },
    onState: (state) => registry.note({ ready: state.ready, staleSince: state.ready ? null : state.since.getTime() }),
  })

const waitUntil = async (holds: () => boolean, signal: AbortSignal): Promise<void> => {
  while (!holds() && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 10))
}

export const openReplica = (options: ReplicaOptions): Replica => {
  const { config, store, rules, signal } = options
  const stopFollowing = new AbortController()
  const { registry, archive } = openRegistry(options)
  const who = openIdentity(options)
  store.replicas.tells(() => rulesStatus(rules.state()))
  const following = startFollowing({ ...options, registry, known: who.known, signal: stopFollowing.signal })
  let hasSynced = false
  const firstSync = () => hasSynced || registry.state.revision > 0
  const { server, numbers, close: closeHttp } = createHttp({ ...options, registry, archive, who, firstSync })
  return {
    listen: () => server.listen(config.server).catch(explainListen(config.server)),
    synced: () => {
      hasSynced = true
    },
    caughtUp: async (sequence) => {
      await waitUntil(() => registry.state.ready && registry.state.sequence >= sequence, signal)
      return inForce(registry.list())
    },
    numbers,
    close: async () => {
      await server.close({ graceMs: config.server.shutdownMs })
      stopFollowing.abort()
      // A store that is away is not waited for.
      await Promise.race([closeHttp(), sleep(1_000, undefined, { ref: false })])
      await following
      registry.close()
    },
  }
}

/** What every command opens first: the store of this deployment, and the database under it when that is embedded. */
import type { Logger } from 'pino'
import type { Extension } from '../../extensions/extension.ts'
import { extensionsWith } from '../../extensions/index.ts'
import type { Enforce } from '../auth/enforce.ts'
import { createGate } from '../auth/gate.ts'
import type { Config } from '../config.ts'
import { openDatabase } from '../database.ts'
import { findOpa } from '../opa/binary.ts'
import { createModuleParser } from '../opa/parse-module.ts'
import { loadOwnExtensions } from '../own-extensions.ts'
import type { OnProgress } from '../progress.ts'
import { openStore, type Store } from '../store/store.ts'
import type { Acting } from './acting.ts'
import { modeOf } from './gate.ts'
import { openRules, type RulesInForce } from './rules-in-force.ts'
import { cacheFolder, type Environment } from '../tools/cache-folder.ts'

export interface RunOptions {
  readonly config: Config
  readonly env: Environment
  /** Lines for people, on standard output. */
  readonly print: (line: string) => void
  readonly onProgress?: OnProgress
  /** Who acts, where that is asked. */
  readonly acting?: Acting
  /** Aborted: stop, having drained. */
  readonly signal: AbortSignal
}

export interface OpenStore {
  readonly store: Store
  readonly rules: RulesInForce
  readonly close: () => Promise<void>
}

export interface Deployment extends OpenStore {
  readonly uri: string
}

/** All builtins that policies may call. opa is looked for when the first one needs it. */
export const allExtensions = async ({
  config,
  env,
  print,
  signal,
}: Omit<RunOptions, 'onProgress' | 'acting'>): Promise<readonly Extension[]> => {
  const find = () => findOpa({ env, cacheDir: cacheFolder(env), log: print, signal })
  const builtin = extensionsWith({ parseModule: createModuleParser({ findOpa: find }) })
  return [...builtin, ...(await loadOwnExtensions({ folder: config.extensions, builtin }))]
}

export const openStoreAt = (
  uri: string,
  {
    config,
    log,
    replicaId,
    rules = openRules(config),
  }: {
    readonly config: Config
    readonly log: Logger
    readonly replicaId?: string
    readonly rules?: RulesInForce
  },
): OpenStore => {
  const closing = new AbortController()
  const enforce: Enforce = (...asked) => gate(...asked)
  const store = openStore({
    uri,
    database: config.store.database,
    log: log.child({ part: 'store' }),
    enforce,
    identityProvider: config.auth.oidc !== null,
    signal: closing.signal,
    ...(replicaId !== undefined && { replicaId }),
  })
  const gate = createGate({ authz: rules.authz, mode: modeOf(config, store.tokens) })
  const close = async (): Promise<void> => {
    await store.close()
    closing.abort()
  }
  return { store, rules, close }
}

export const openDeployment = async ({ config, env, print, signal }: RunOptions, log: Logger): Promise<Deployment> => {
  const rules = openRules(config)
  const database = await openDatabase({ config, env, print, signal })
  const { close, ...opened } = openStoreAt(database.uri, { config, log, rules })
  const closeAll = async (): Promise<void> => {
    await close()
    await database.stop()
  }
  return { ...opened, uri: database.uri, close: closeAll }
}

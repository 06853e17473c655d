/**
 * The composition root: builds the parts from the configuration and joins them. It alone (with `cli.ts`) connects,
 * listens and imports sync. Every function ends when its signal is aborted, having drained.
 */
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { Logger } from 'pino'
import { createReconciler } from '../sync/cycle.ts'
import { isFailure, type CycleReport } from '../sync/cycle-report.ts'
import { createSource } from '../sync/create-source.ts'
import { createWebhookVerifier } from '../sync/webhook-verifier.ts'
import { createWorker, type Worker } from '../sync/worker.ts'
import type { Extension } from '../extensions/extension.ts'
import { extensions as builtin } from '../extensions/index.ts'
import { resolveLocalActor } from './auth/actor.ts'
import { enforceOpen } from './auth/enforce.ts'
import { openCompiler } from './compiler.ts'
import type { Config } from './config.ts'
import { openDatabase } from './database.ts'
import { createEngine } from './engine/engine.ts'
import { EdictError } from './errors.ts'
import { createApp } from './http/app.ts'
import { createOpenBatch } from './http/batch/open-batch.ts'
import { createDecide } from './http/decide.ts'
import { createDecisionLog } from './http/decision-log.ts'
import { createHostGuard } from './http/host-guard.ts'
import { createMetrics } from './http/metrics.ts'
import { createServer } from './http/server.ts'
import { findingLine } from './finding-text.ts'
import { createLog } from './log.ts'
import { loadOwnExtensions } from './own-extensions.ts'
import { createSettings } from './policy-settings.ts'
import { portsOf } from './ports.ts'
import type { OnProgress } from './progress.ts'
import { createRegistry, type Registry } from './registry/registry.ts'
import type { Status } from './status-text.ts'
import { openStore, type Store } from './store/store.ts'
import { follow } from './store/watch.ts'
import type { Environment } from './tools/cache-folder.ts'
import { version } from './version.ts'

export interface RunOptions {
  readonly config: Config
  readonly env: Environment
  /** Lines for people, on standard output. */
  readonly print: (line: string) => void
  readonly onProgress?: OnProgress
  /** Aborted: stop, having drained. */
  readonly signal: AbortSignal
}

interface Parts {
  readonly store: Store
  readonly extensions: readonly Extension[]
  readonly log: Logger
}

const allExtensions = async ({ extensions: folder }: Config): Promise<readonly Extension[]> => [
  ...builtin,
  ...(await loadOwnExtensions({ folder, builtin })),
]

/** A store, and the database under it when that is embedded. */
const openDeployment = async ({ config, env, print, signal }: RunOptions, log: Logger) => {
  const database = await openDatabase({ config, env, print, signal })
  const closing = new AbortController()
  const { database: name } = config.store
  const store = openStore({
    uri: database.uri,
    database: name,
    log: log.child({ part: 'store' }),
    signal: closing.signal,
  })
  const close = async (): Promise<void> => {
    await store.close()
    closing.abort()
    await database.stop()
  }
  return { store, close }
}

const startReconciler = async ({ config, env, print, signal }: RunOptions, { store, extensions, log }: Parts) => {
  await mkdir(config.dataDir, { recursive: true })
  const opa = await openCompiler({ extensions, dataDir: config.dataDir, env, print, signal })
  const deps = { dataDir: config.dataDir, log, env }
  const sources = config.sources.map((source) => ({
    source: createSource(source, deps),
    intervalMs: source.intervalMs,
  }))
  const limits = { maxData: config.limits.maxData }
  const reconciler = createReconciler({
    store,
    sources: sources.map(({ source }) => source),
    opa,
    limits,
    log,
  })
  return { reconciler, sources }
}

const startWorker = async (options: RunOptions, parts: Parts): Promise<Worker> => {
  const { signal, onProgress } = options
  return createWorker({
    ...(await startReconciler(options, parts)),
    ...parts,
    signal,
    ...(onProgress && { onProgress }),
  })
}

const startFollowing = ({ store, registry, signal }: { store: Store; registry: Registry; signal: AbortSignal }) =>
  follow({
    store,
    signal,
    onSnapshot: ({ policies, packages, locks, revision, sequence }) => {
      const held = new Map(locks.map((lock) => [lock._id, lock]))
      registry.swap({ policies, packages, removed: [], locks: held, complete: true, revision, sequence })
    },
    onChange: ({ policies, removed, packages, locks, revision, sequence }) => {
      const changed = new Map([
        ...locks.removed.map((key) => [key, null] as const),
        ...locks.set.map((lock) => [lock._id, lock] as const),
      ])
      const gone = [...removed, ...packages.removed]
      registry.swap({ policies, packages: packages.set, removed: gone, locks: changed, revision, sequence })
    },
    onState: (state) => registry.note({ ready: state.ready, staleSince: state.ready ? null : state.since.getTime() }),
  })

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

const checkAddress = ({ server, auth }: Config, log: Logger): void => {
  if (isLoopback(server.host)) return
  if (!auth.explicit)
    throw new EdictError(
      'config_invalid',
      `Listening on ${server.host} lets everybody who can reach it lock policies, because no credential is asked for. ` +
        'Listen on 127.0.0.1, or set EDICT_AUTH=open to say that this is meant.',
    )
  log.warn({ host: server.host }, 'no credential is asked for on an address that others can reach (EDICT_AUTH=open)')
}

const createHttp = ({
  config,
  store,
  registry,
  log,
  signal,
  firstSync,
}: {
  readonly config: Config
  readonly store: Store
  readonly registry: Registry
  readonly log: Logger
  readonly signal: AbortSignal
  readonly firstSync: () => boolean
}) => {
  const ports = portsOf({ store, registry, signal })
  const metrics = createMetrics({ registry, sources: () => ports.sources.list().catch(() => []) })
  const { decisions: logged, decisionInput, decisionHeaders } = config.log
  const decisionLog = logged
    ? createDecisionLog({ log: log.child({ part: 'decision' }), input: decisionInput, headers: decisionHeaders })
    : undefined
  const decisions = { registry, stale: config.server.stale, metrics, log, decisionLog }
  const decide = createDecide(decisions)
  const openBatch = createOpenBatch({ ...decisions, maxInput: config.limits.maxBody })
  const guard = createHostGuard({ loopbackOnly: !config.auth.explicit })
  const health = () => ({
    store: registry.state.loaded && registry.state.staleSince === null,
    stream: registry.state.ready,
    firstSync: firstSync(),
  })
  const app = createApp({
    ...ports,
    decide,
    openBatch,
    registry,
    verifyWebhook: createWebhookVerifier({ sources: config.sources }),
    health,
    metrics,
    resolveActor: resolveLocalActor,
    enforce: enforceOpen,
    guard,
    limits: config.limits,
    log,
    version,
  })
  return createServer({ app, decide, guard, limits: config.limits, metrics, log })
}

/** What keeps sources from being followed, as lines. */
const troublesOf = (report: CycleReport | null): readonly string[] =>
  (report?.sources ?? []).filter(isFailure).map(({ _id, reason, message }) => `  ${_id}: ${reason}: ${message}`)

const readyText = (base: string, registry: Registry, troubles: readonly string[]): string => {
  const policies = registry.list()
  const names = [...new Set(policies.map(({ repository }) => repository))]
  const quarantined = policies.filter(({ status }) => status.phase === 'Quarantined').length
  const first = policies.find(({ artifact }) => artifact !== null)
  return [
    `edict ready on ${base}`,
    policies.length === 0
      ? '  no policies yet'
      : `  ${policies.length} policies from ${names.join(', ')} in force${quarantined > 0 ? `, ${quarantined} quarantined` : ''}`,
    ...troubles,
    ...(first === undefined ? [] : [`  curl -s -d '{}' ${base}/policy/${first._id}/evaluation`]),
    `  ${base}/swagger-ui/`,
  ].join('\n')
}

const waitUntil = async (holds: () => boolean, signal: AbortSignal): Promise<void> => {
  while (!holds() && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 10))
}

/** `edict serve`. Returns when the signal was aborted and everything is closed. */
export const runServer = async ({ sync, ...options }: RunOptions & { readonly sync: boolean }): Promise<void> => {
  const { config, print, signal } = options
  const log = createLog(config)
  checkAddress(config, log)
  const extensions = await allExtensions(config)
  const { store, close } = await openDeployment(options, log)
  const stopFollowing = new AbortController()
  const loadBlob = (digest: string, blobSignal?: AbortSignal) => store.blobs.get(digest, blobSignal)
  const { maxDepth, budget, maxMemory: memory } = config.limits
  const { maxWaitMs } = config.evaluation
  const engine = createEngine({ extensions, limits: { maxDepth, budget, memory, maxWaitMs } })
  const settingsOf = createSettings(config, log.child({ part: 'policy' }))
  const registry = createRegistry({ engine, loadBlob, maxPolicies: config.limits.maxLoaded, log, settingsOf })
  const following = startFollowing({ store, registry, signal: stopFollowing.signal })
  let synced = false
  let troubles: readonly string[] = []
  const http = createHttp({
    config,
    store,
    registry,
    log,
    signal,
    firstSync: () => synced || registry.state.revision > 0,
  })
  let working: Promise<void> = Promise.resolve()
  try {
    const { address, port, family } = await http.listen(config.server).catch(explainListen(config))
    const base = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
    if (sync) {
      const worker = await startWorker(options, { store, extensions, log })
      working = worker.run()
      const report = await worker.firstCycle.catch(() => null)
      troubles = troublesOf(report)
      // With no source read at all there is nothing that requests should be sent to.
      synced = report !== null && report.unreadable.length < Math.max(1, report.sources.length)
      const { sequence } = signal.aborted ? { sequence: 0 } : await store.head()
      await waitUntil(() => registry.state.ready && registry.state.sequence >= sequence, signal)
    } else await waitUntil(() => registry.state.ready, signal)
    if (!signal.aborted) print(readyText(base, registry, troubles))
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    await Promise.all([http.close({ graceMs: config.server.shutdownMs }), working])
    stopFollowing.abort()
    await following
    registry.close()
    await close()
  }
}

const explainListen =
  ({ server }: Config) =>
  (error: unknown): never => {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    const place = `${server.host}:${server.port}`
    if (code === 'EADDRINUSE')
      throw new EdictError('config_invalid', `${place} is taken. Stop what listens there, or set PORT.`)
    if (code === 'EACCES')
      throw new EdictError('config_invalid', `${place} may not be listened on. Set PORT to one above 1023.`)
    throw error
  }

/** `edict sync --watch`. */
export const runWorker = async (options: RunOptions): Promise<void> => {
  const log = createLog(options.config)
  const extensions = await allExtensions(options.config)
  const { store, close } = await openDeployment(options, log)
  try {
    const worker = await startWorker(options, { store, extensions, log })
    worker.firstCycle
      .then(({ message }) => options.print(`edict follows its sources: ${message}`))
      .catch(() => undefined)
    await worker.run()
  } finally {
    await close()
  }
}

export interface SyncOptions extends Omit<RunOptions, 'print'> {
  /** null: all. */
  readonly source: string | null
  /** The commit whose mass deletion is confirmed. */
  readonly confirm: string | null
}

export interface SyncOutcome extends CycleReport {
  readonly text: string
}

/** `edict sync`: one cycle, here and now. */
export const runSync = async ({ source, confirm, ...rest }: SyncOptions): Promise<SyncOutcome> => {
  const options: RunOptions = { ...rest, print: toPeople }
  const { config, signal, onProgress } = options
  if (config.sources.length === 0) throw new EdictError('config_invalid', noSources)
  if (source !== null && !config.sources.some(({ name }) => name === source))
    throw new EdictError(
      'config_invalid',
      `There is no source ${source}. Configured: ${config.sources.map(({ name }) => name).join(', ')}.`,
    )
  const log = createLog(config)
  const extensions = await allExtensions(config)
  const { store, close } = await openDeployment(options, log)
  try {
    const { reconciler } = await startReconciler(options, { store, extensions, log })
    const report = await reconciler.cycle({
      signal,
      ...(source !== null && { sources: [source] }),
      ...(confirm !== null && { confirm: [{ source, commit: confirm }] }),
      ...(onProgress && { onProgress }),
    })
    return { ...report, text: [report.message, ...report.findings.map(findingLine)].join('\n') }
  } finally {
    await close()
  }
}

/** Where a command whose output may be parsed tells people something. */
const toPeople = (line: string): void => void process.stderr.write(`${line}\n`)

const noSources = 'No source is configured. Set POLICY_REPO or EDICT_DIRECTORY, or write sources into edict.yaml.'

/** `edict status`. */
export const readStatus = async (options: Omit<RunOptions, 'print'>): Promise<Status> => {
  const log = createLog(options.config)
  const { store, close } = await openDeployment({ ...options, print: toPeople }, log)
  try {
    const [{ revision }, sources, policies, locks] = await Promise.all([
      store.head(),
      store.sources.list(),
      store.policies.stored(),
      store.locks.list(),
    ])
    const quarantined = policies.items.filter(({ status }) => status.phase === 'Quarantined')
    return { revision, sources: sources.items, policies: policies.items.length, quarantined, locks }
  } finally {
    await close()
  }
}

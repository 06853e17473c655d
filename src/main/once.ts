/** What commands do once, here and now, with the sources and the store of this deployment: one cycle, a plan, a way back. */
import { resolve } from 'node:path'
import type { CycleReport } from '../../sync/cycle-report.ts'
import type { Reconciler } from '../../sync/cycle.ts'
import type { DryPlan } from '../../sync/dry-plan.ts'
import { everything } from '../auth/actions.ts'
import type { Actor } from '../auth/actor.ts'
import type { Config, SourceConfig } from '../config.ts'
import { defaultName } from '../config/sources.ts'
import { EdictError } from '../errors.ts'
import { createLog } from '../log.ts'
import type { Store } from '../store/store.ts'
import { actorOf } from './acting.ts'
import { allExtensions, openDeployment, type RunOptions } from './deployment.ts'
import { openReconciler } from './sync.ts'

interface Parts {
  readonly reconciler: Reconciler
  readonly store: Store
  /** Who acts. */
  readonly actor: Actor | null
}

const withParts = async <T>(options: RunOptions, work: (parts: Parts) => Promise<T>): Promise<T> => {
  if (options.config.sources.length === 0)
    throw new EdictError(
      'config_invalid',
      'No source is configured. Set POLICY_REPO or EDICT_DIRECTORY, or write sources into edict.yaml.',
    )
  const log = createLog(options.config)
  const extensions = await allExtensions(options)
  const { store, close } = await openDeployment(options, log)
  try {
    const actor = await actorOf(store, options.acting)
    const { reconciler } = await openReconciler(options, { store, extensions, log })
    const result = await work({ reconciler, store, actor })
    await reconciler.idle()
    return result
  } finally {
    await close()
  }
}

const checkSource = ({ sources }: Config, name: string): void => {
  const names = sources.map((source) => source.name)
  if (!names.includes(name))
    throw new EdictError('config_invalid', `There is no source ${name}. Configured: ${names.join(', ')}.`)
}

/** These directories, each `path` or `name=path`, instead of the configured sources; what is said of a name still holds. */
export const withDirectories = (config: Config, directories: readonly string[], cwd: string): Config => {
  if (directories.length === 0) return config
  const sources = directories.map((written): SourceConfig => {
    const [, named, place = written] = /^([A-Za-z0-9_][A-Za-z0-9._-]*)=(.*)$/.exec(written) ?? []
    const directory = resolve(cwd, place)
    const isThis = (source: SourceConfig) => source.kind === 'directory' && source.directory === directory
    const name = named ?? config.sources.find(isThis)?.name ?? defaultName(directory)
    const { scope, strict, outbound } = config.sources.find((source) => source.name === name) ?? {}
    return { kind: 'directory', name, directory, intervalMs: 60_000, webhookSecret: null, scope, strict, outbound }
  })
  const twice = sources.find(({ name }, index) => sources.findIndex((other) => other.name === name) !== index)
  if (twice !== undefined)
    throw new EdictError('config_invalid', `Two directories are named ${twice.name}. Name one: NAME=${twice.name}.`)
  // What the API has stays where it is.
  return { ...config, sources: [...sources, ...config.sources.filter(({ kind }) => kind === 'api')] }
}

export interface CycleOnceOptions extends RunOptions {
  /** null: all. */
  readonly source?: string | null
  /** The commit whose mass deletion is confirmed. */
  readonly confirm?: string | null
  /** The plan that is approved. */
  readonly approve?: string | null
}

export const runCycleOnce = (options: CycleOnceOptions): Promise<CycleReport> => {
  const { config, source = null, confirm = null, approve = null, signal, onProgress } = options
  if (source !== null && config.sources.length > 0) checkSource(config, source)
  return withParts(options, ({ reconciler, actor }) =>
    reconciler.cycle({
      actor,
      signal,
      ...(source !== null && { sources: [source] }),
      ...(confirm !== null && { confirm: [{ source, commit: confirm }] }),
      ...(approve !== null && { approve: [{ plan: approve, actor: actor?.id ?? 'cli' }] }),
      ...(onProgress && { onProgress }),
    }),
  )
}

export const runPlan = (options: RunOptions): Promise<DryPlan> => {
  const { signal, onProgress } = options
  return withParts(options, async ({ reconciler, store, actor }) => {
    // It shows what is stored, beside what would be.
    await store.enforce(actor, 'read', everything('plan'))
    return reconciler.plan({ signal, ...(onProgress && { onProgress }) })
  })
}

export const runRollback = ({
  revision,
  reason,
  ...options
}: RunOptions & { readonly revision: number; readonly reason: string | null }): Promise<CycleReport> =>
  withParts(options, ({ reconciler, actor }) => reconciler.rollback({ revision, reason, actor }))

/** The commit that is held back, unless one is named. */
export const runConfirm = ({
  source,
  commit,
  ...options
}: RunOptions & { readonly source: string; readonly commit: string | null }): Promise<CycleReport> => {
  checkSource(options.config, source)
  return withParts(options, async ({ reconciler, store, actor }) => {
    const held = (await store.sources.get(source))?.held ?? null
    const wanted = commit ?? held?.commit
    if (wanted === undefined) throw new EdictError('conflict', `${source} holds no commit back.`)
    return reconciler.cycle({ actor, signal: options.signal, sources: [source], confirm: [{ source, commit: wanted }] })
  })
}

export const runRelease = ({ source, ...options }: RunOptions & { readonly source: string }): Promise<CycleReport> => {
  checkSource(options.config, source)
  return withParts(options, async ({ reconciler, store, actor }) => {
    await store.holds.release(source, actor)
    return reconciler.cycle({ actor, signal: options.signal, sources: [source] })
  })
}

/** The half that writes: what one cycle of a command runs on, and what `edict sync --watch` and `edict serve` keep running. */
import { mkdir } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { Extension } from '../../extensions/extension.ts'
import { createSource } from '../../sync/sources/create-source.ts'
import { createReconciler } from '../../sync/cycle.ts'
import { createWorker, type Worker } from '../../sync/worker.ts'
import { openCompiler } from '../compiler.ts'
import type { Config } from '../config.ts'
import { createLog } from '../log.ts'
import { shipped } from '../policy/rbac.ts'
import type { SourceScope } from '../policy/scope.ts'
import type { Store } from '../store/store.ts'
import { allExtensions, openDeployment, type RunOptions } from './deployment.ts'
import { testerOf } from './tester.ts'

interface Parts {
  readonly store: Store
  readonly extensions: readonly Extension[]
  readonly log: Logger
}

export const scopesOf = ({ sources }: Config): ReadonlyMap<string, SourceScope> =>
  new Map(sources.flatMap(({ name, scope }) => (scope === undefined ? [] : [[name, scope] as const])))

export const openReconciler = async ({ config, env, print, signal }: RunOptions, { store, extensions, log }: Parts) => {
  await mkdir(config.dataDir, { recursive: true })
  const opa = await openCompiler({ extensions, dataDir: config.dataDir, env, print, signal })
  const deps = { dataDir: config.dataDir, log, env, store }
  const sources = config.sources.map((source) => ({
    source: createSource(source, deps),
    intervalMs: source.intervalMs,
  }))
  const { maxData, revisions: count, revisionAgeMs: ageMs } = config.limits
  const reconciler = createReconciler({
    store,
    sources: sources.map(({ source }) => source),
    approval: new Set(config.sources.filter(({ mode }) => mode === 'plan').map(({ name }) => name)),
    keep: { count, ageMs },
    opa,
    limits: { maxData },
    defaults: shipped,
    scopes: scopesOf(config),
    libraries: config.libraries,
    retired: config.retired,
    tester: testerOf(config, extensions),
    log,
  })
  return { reconciler, sources }
}

export const openWorker = async (options: RunOptions, parts: Parts): Promise<Worker> => {
  const { signal, onProgress } = options
  return createWorker({
    ...(await openReconciler(options, parts)),
    ...parts,
    signal,
    ...(onProgress && { onProgress }),
  })
}

/** `edict sync --watch`. */
export const runWorker = async (options: RunOptions): Promise<void> => {
  const log = createLog(options.config)
  const extensions = await allExtensions(options)
  const { store, close } = await openDeployment(options, log)
  try {
    const worker = await openWorker(options, { store, extensions, log })
    worker.firstCycle
      .then(({ message }) => options.print(`edict follows its sources: ${message}`))
      .catch(() => undefined)
    await worker.run()
  } finally {
    await close()
  }
}

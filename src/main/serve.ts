/** `edict serve`: what answers, and beside it what syncs. Returns when the signal was aborted and everything is closed. */
import { once } from 'node:events'
import type { CycleReport } from '../../sync/cycle-report.ts'
import type { ConfigOrigin } from '../config.ts'
import { createLog } from '../log.ts'
import { baseUrl, checkAddress } from './address.ts'
import { allExtensions, openDeployment, type RunOptions } from './deployment.ts'
import { followRulesFile } from './follow-rules-file.ts'
import { openPool } from './pool.ts'
import { readyText } from './ready-text.ts'
import { openReplica } from './replica.ts'
import { requireForGood } from './require-for-good.ts'
import { noteRules } from './rules-changes.ts'
import type { ReadRules } from './rules-in-force.ts'
import { openWorker } from './sync.ts'

export interface ServeOptions extends RunOptions {
  readonly sync: boolean
  /** What the configuration was made of. */
  readonly origin: ConfigOrigin
}

/** With no source read at all there is nothing that requests should be sent to. */
const hasSynced = ({ unreadable, sources }: CycleReport): boolean => unreadable.length < Math.max(1, sources.length)

const aborted = (signal: AbortSignal): Promise<unknown> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))

export const runServer = async ({ sync, origin, ...options }: ServeOptions): Promise<void> => {
  const { config, print, signal } = options
  const log = createLog(config)
  const extensions = await allExtensions(options)
  const { store, rules, uri, close } = await openDeployment(options, log)
  await checkAddress(config, { log, required: store.tokens.required }).catch(async (error: unknown) => {
    await close()
    throw error
  })
  const front =
    config.server.workers === 1
      ? openReplica({ config, store, rules, extensions, env: options.env, log, signal })
      : openPool({ config, origin, store, rules, uri, log, signal })
  const note = (read: ReadRules) => noteRules(store, read)
  const ending = new AbortController()
  const stopped = aborted(signal)
  void stopped.then(() => ending.abort())
  void followRulesFile({ rules, note, log, signal: ending.signal })
  const required = Promise.race([requireForGood({ config, store, signal: ending.signal }), stopped])
  let working: Promise<void> = Promise.resolve()
  let report: CycleReport | null = null
  let sequence = 0
  try {
    const base = baseUrl(await front.listen())
    if (sync) {
      const worker = await openWorker(options, { store, extensions, log })
      working = worker.run()
      report = await worker.firstCycle.catch(() => null)
      if (report !== null && hasSynced(report)) front.synced()
      if (!signal.aborted) ({ sequence } = await store.head())
    }
    await required
    const found = await front.caughtUp(sequence)
    if (!signal.aborted) print(readyText(base, found, report))
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    ending.abort()
    await Promise.all([front.close(), working])
    await close()
  }
}

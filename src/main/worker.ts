/**
 * One process of a pool, and the program that `pool.ts` starts for it: a replica of its own that does what the primary
 * asks. It is told its configuration, drains on SIGTERM, and does not outlive the primary.
 */
import { once } from 'node:events'
import { EdictError } from '../errors.ts'
import { parseConfig } from '../config.ts'
import { createLog } from '../log.ts'
import { sleep } from '../store/wait.ts'
import { createChannel } from './channel.ts'
import { allExtensions, openStoreAt } from './deployment.ts'
import type { PrimaryDuties, Start, WorkerDuties } from './duties.ts'
import { followRulesFile } from './follow-rules-file.ts'
import { openReplica, type Replica } from './replica.ts'
import { openRules } from './rules-in-force.ts'

/** With the store away it may answer, too, as the others do. */
const patienceMs = 5_000

const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
// Ctrl-C reaches all processes of the terminal. It is the primary that says when to stop.
process.on('SIGINT', () => undefined)

let started: { readonly replica: Replica; readonly close: () => Promise<void> } | undefined

const replica = (): Replica => {
  if (started === undefined) throw new EdictError('internal_error', 'not started')
  return started.replica
}

const open = async ({ origin, uri, replicaId, rules: given, number, port, synced }: Start): Promise<Replica> => {
  const written = parseConfig(origin)
  const config = { ...written, server: { ...written.server, port } }
  const log = createLog(config).child({ worker: number })
  const print = (line: string): void => log.info(line)
  const extensions = await allExtensions({ config, env: origin.env, print, signal: stop.signal })
  const rules = openRules(config, given)
  const { store, close } = openStoreAt(uri, { config, log, replicaId, rules })
  void followRulesFile({ rules, log, signal: stop.signal })
  const scrape = () => primary.call('scrape', undefined)
  const opened = openReplica({ config, store, rules, extensions, env: origin.env, log, signal: stop.signal, scrape })
  started = { replica: opened, close }
  if (synced) opened.synced()
  return opened
}

const duties: WorkerDuties = {
  start: async (start) => {
    const opened = await open(start)
    if (start.patient) await Promise.race([opened.caughtUp(0), sleep(patienceMs)])
    return opened.listen()
  },
  synced: () => replica().synced(),
  caughtUp: (sequence) => replica().caughtUp(sequence),
  numbers: () => replica().numbers(),
  stop: () => stop.abort(),
}

const primary = createChannel<PrimaryDuties>(
  {
    send: (message) => process.send?.(message, undefined, undefined, () => undefined),
    onMessage: (listener) => process.on('message', listener),
  },
  duties,
)

primary.call('up', undefined).catch(() => undefined)
await once(stop.signal, 'abort')
await started?.replica.close()
await started?.close()
process.exit(0)

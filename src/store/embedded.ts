/**
 * The embedded store: one mongod for everybody who uses the same folder. The first process starts it and owns it, later
 * ones attach; when it goes while they live, one of them starts it again at the same port. Decided under a file lock.
 * Not for several machines: those share a MongoDB through MONGODB_URI.
 */
import { mkdir, readdir, readFile, realpath, rename, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { EdictError } from '../errors.ts'
import { withFileLock } from '../tools/file-lock.ts'
import { isAlive } from '../tools/process-alive.ts'
import type { Log } from '../tools/ways.ts'
import { answersFor, freePort, launchMongod, mongodUri, shutDown, type RunningMongod } from './mongod-process.ts'

export interface EmbeddedOptions {
  readonly dataDir: string
  /** The mongod to start; asked for only when one must be started. */
  readonly binary: string | (() => Promise<string>)
  readonly log: Log
  /** Ends the wait for a start; what runs is ended with `stop`. */
  readonly signal?: AbortSignal | undefined
}

export interface EmbeddedMongod {
  readonly uri: string
  /** Whether this process started it, and will stop it. Turns true when it takes over. */
  readonly owned: boolean
  readonly stop: () => Promise<void>
}

const stateSchema = z.object({
  port: z.number().int(),
  pid: z.number().int(),
  owner: z.number().int(),
  host: z.string(),
})
type State = z.infer<typeof stateSchema>

const watchMs = 500
/** A mongod that shuts down holds its folder until it has written everything. */
const goingMs = 20_000

export async function startEmbeddedMongod(options: EmbeddedOptions): Promise<EmbeddedMongod> {
  await mkdir(join(options.dataDir, 'mongod', 'db'), { recursive: true })
  const folder = await realpath(join(options.dataDir, 'mongod'))
  const dbPath = join(folder, 'db')
  const stateFile = join(folder, 'state.json')
  const lockFile = join(folder, 'lock')
  const stopping = new AbortController()

  let mine: RunningMongod | undefined
  let state = await ensure({ signal: options.signal })
  const watching = watch()

  function ensure({ port, signal }: { port?: number; signal?: AbortSignal | undefined }): Promise<State> {
    return withFileLock(lockFile, { signal }, async () => {
      for (const until = Date.now() + goingMs; ; await sleep(100, undefined, { signal })) {
        const found = await readState(stateFile)
        const isHere = found !== undefined && found.host === hostname()
        if (found !== undefined && (await answersFor(found.port, dbPath))) {
          if (isHere && isAlive(found.owner)) return found
          options.log('mongod was left by a process that is gone: stopping it')
          await shutDown(found.port)
        }
        if (isHere) await gone(found.pid, signal)
        try {
          return await start(found?.port ?? 0, port, signal)
        } catch (error) {
          if (!isHeld(error) || Date.now() > until) throw error
        }
      }
    })
  }

  async function start(
    remembered: number,
    required: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<State> {
    const port = await freePort(required ?? remembered)
    if (required !== undefined && port !== required) throw new Error(`port ${required} is taken`)
    const binary = typeof options.binary === 'string' ? options.binary : await options.binary()
    const moved = port !== remembered && (await readdir(dbPath)).length > 0
    mine = await launch({ binary, dbPath, port, moved, signal })
    const next = { port, pid: mine.pid, owner: process.pid, host: hostname() }
    await writeState(stateFile, next)
    return next
  }

  /** Starts it again when it has gone, whoever owned it: at the same port, where everybody's clients look for it. */
  async function watch(): Promise<void> {
    let said = false
    while (await pause(watchMs, stopping.signal)) {
      if (state.host !== hostname() || isAlive(state.pid)) continue
      try {
        state = await ensure({ port: state.port, signal: stopping.signal })
        options.log(state.owner === process.pid ? 'mongod had stopped and was started again' : 'mongod has a new owner')
        said = false
      } catch (error) {
        if (!said && !stopping.signal.aborted) options.log(`mongod cannot be started again, trying on: ${text(error)}`)
        said = true
      }
    }
  }

  async function stop(): Promise<void> {
    stopping.abort()
    await watching
    if (state.owner !== process.pid || mine === undefined) return
    const last = mine
    mine = undefined
    await withFileLock(lockFile, {}, () => last.stop())
  }

  return {
    uri: mongodUri(state.port),
    get owned() {
      return state.owner === process.pid
    },
    stop,
  }
}

async function launch(options: Parameters<typeof launchMongod>[0]): Promise<RunningMongod> {
  try {
    return await launchMongod(options)
  } catch (error) {
    options.signal?.throwIfAborted()
    const advice = /UPGRADE|featureCompatibilityVersion|IncompatibleServerVersion|wire/i.test(text(error))
      ? '\nThe folder was written by another version of MongoDB: set MONGOD_PATH to that one, or remove the folder.'
      : ''
    throw new EdictError('store_unavailable', `${text(error)}${advice}`, { cause: error })
  }
}

/** Not for ever: after a crash of the machine its number may belong to another program. */
async function gone(pid: number, signal: AbortSignal | undefined): Promise<void> {
  for (const until = Date.now() + 3_000; isAlive(pid) && Date.now() < until;) await sleep(20, undefined, { signal })
}

const isHeld = (error: unknown) => /DBPathInUse|lock file/i.test(text(error))

async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined)
  return !signal.aborted
}

async function readState(file: string): Promise<State | undefined> {
  try {
    return stateSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    return undefined
  }
}

async function writeState(file: string, state: State): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(state))
  await rename(`${file}.new`, file)
}

const text = (error: unknown) => (error instanceof Error ? error.message : String(error))

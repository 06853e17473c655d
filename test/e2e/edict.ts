/**
 * Whole `edict` processes for end-to-end tests: `node dist/src/cli.js` with a folder of its own, on a free port, talked to
 * over sockets. Everything that is started ends with the test file.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MongoClient } from 'mongodb'
import { afterAll, inject } from 'vitest'

const cli = resolve(import.meta.dirname, '../../dist/src/cli.js')

export interface Edict {
  readonly url: string
  readonly pid: number
  /** Standard output and standard error so far. */
  readonly output: () => string
  readonly log: () => string
  /** SIGTERM; resolves with the exit code. */
  readonly stop: () => Promise<number | null>
  /** SIGKILL. */
  readonly kill: () => Promise<void>
  readonly exited: Promise<number | null>
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

type Env = Readonly<Record<string, string>>

const running = new Set<ChildProcess>()
const endings: (() => Promise<unknown>)[] = []

/** Vitest hears hooks while it collects, not inside of tests and hooks: this one is for all that those start. */
afterAll(async () => {
  for (const end of endings.splice(0).toReversed()) await end()
  for (const child of running) child.kill('SIGKILL')
})

/** Ends something after the test file, the last begun first. For use inside of tests and hooks. */
export const afterwards = (end: () => Promise<unknown>): void => void endings.push(end)

/** A new folder that is removed after the test file. */
export const temporaryFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'edict-e2e-'))
  afterwards(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}

/** A database of its own in the run's shared mongod, as the environment names it: quicker than an embedded one. */
export const newDatabase = (): { readonly MONGODB_URI: string; readonly MONGODB_DATABASE: string } => {
  const MONGODB_URI = inject('mongoUri')
  const MONGODB_DATABASE = `e2e_${randomBytes(8).toString('hex')}`
  afterwards(async () => {
    const client = new MongoClient(MONGODB_URI)
    await client.db(MONGODB_DATABASE).dropDatabase()
    await client.close()
  })
  return { MONGODB_URI, MONGODB_DATABASE }
}

const launch = (args: readonly string[], env: Env, cwd: string) => {
  const base = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    TMPDIR: tmpdir(),
    OPA_PATH: inject('opa'),
    MONGOD_PATH: inject('mongod'),
  }
  const child = spawn(process.execPath, [cli, ...args], {
    cwd,
    env: { ...base, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const exited = new Promise<number | null>((done) => {
    child.on('close', (code) => {
      running.delete(child)
      done(code)
    })
  })
  return { child, exited, stdout: () => stdout, stderr: () => stderr }
}

/** Runs a command to its end: `edict sync --json`. */
export const runEdict = async (args: readonly string[], env: Env, cwd?: string): Promise<Ended> => {
  const process = launch(args, env, cwd ?? (await temporaryFolder()))
  const code = await process.exited
  return { code, stdout: process.stdout(), stderr: process.stderr() }
}

/**
 * Starts `edict serve` (or other `args`) and waits for `edict ready on …`, or for `until`. Without EDICT_DATA it gets a
 * folder of its own; without MONGODB_URI it embeds a mongod there.
 */
export const startEdict = async (
  env: Env,
  { args = ['serve'], until = /edict ready on (http:\/\/\S+)/ }: { args?: readonly string[]; until?: RegExp } = {},
): Promise<Edict> => {
  const folder = await temporaryFolder()
  const edict = launch(args, { PORT: '0', EDICT_DATA: join(folder, 'data'), ...env }, folder)
  const stop = async (): Promise<number | null> => {
    edict.child.kill('SIGTERM')
    const late = sleep(20_000, 'late' as const, { ref: false })
    if ((await Promise.race([edict.exited, late])) === 'late') edict.child.kill('SIGKILL')
    return edict.exited
  }
  afterwards(stop)
  for (const end = Date.now() + 60_000; ; await sleep(20)) {
    const found = until.exec(edict.stdout())
    if (found !== null)
      return {
        url: found[1] ?? '',
        pid: edict.child.pid ?? 0,
        output: edict.stdout,
        log: edict.stderr,
        stop,
        kill: async () => {
          edict.child.kill('SIGKILL')
          await edict.exited
        },
        exited: edict.exited,
      }
    if (edict.child.exitCode !== null || Date.now() > end)
      throw new Error(`edict did not become ready:\n${edict.stdout()}\n${edict.stderr()}`)
  }
}

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON; undefined when it is none. */
  readonly json: unknown
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const call = async (url: string, init: RequestInit = {}): Promise<Reply> => {
  const response = await fetch(url, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: parsed(text) }
}

/** `POST /policy/<policy>/evaluation`; `input` undefined sends no body. */
export const evaluate = (
  edict: Pick<Edict, 'url'>,
  policy: string,
  input?: unknown,
  init: RequestInit = {},
): Promise<Reply> =>
  call(`${edict.url}/policy/${policy}/evaluation`, {
    method: 'POST',
    ...(input === undefined ? {} : { body: JSON.stringify(input) }),
    ...init,
  })

/** Asks again until `holds`; answers the last value, so that an expectation can say what was wrong with it. */
export const eventually = async <T>(
  ask: () => Promise<T>,
  holds: (value: T) => boolean,
  withinMs = 10_000,
): Promise<T> => {
  for (const end = Date.now() + withinMs; ; await sleep(25)) {
    const value = await ask()
    if (holds(value) || Date.now() > end) return value
  }
}

/** `POST /api/sources/<source>/sync`, waited for. */
export const syncNow = (edict: Pick<Edict, 'url'>, source: string): Promise<Reply> =>
  call(`${edict.url}/api/sources/${source}/sync`, { method: 'POST' })

/** Several servers and a worker on one database, and a folder of policies that the worker follows. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Db, MongoClient } from 'mongodb'
import { startEmbeddedMongod } from '../../src/store/embedded.ts'
import { inject } from 'vitest'
import { afterwards, call, type Edict, evaluate, eventually, type Reply, startEdict, temporaryFolder } from './edict.ts'

export type Env = Readonly<Record<string, string>>

export interface PolicyFolder {
  readonly directory: string
  readonly write: (files: Readonly<Record<string, string>>) => Promise<void>
  readonly remove: (path: string) => Promise<void>
  /** How a worker, or a server that syncs, is told to follow it. Its source is `local`. */
  readonly env: Env
}

export const createPolicies = async (files: Readonly<Record<string, string>>): Promise<PolicyFolder> => {
  const directory = await temporaryFolder()
  const write: PolicyFolder['write'] = async (written) => {
    await Promise.all(
      Object.entries(written).map(async ([path, text]) => {
        await mkdir(dirname(join(directory, path)), { recursive: true })
        await writeFile(join(directory, path), text)
      }),
    )
  }
  await write(files)
  return {
    directory,
    write,
    remove: (path) => rm(join(directory, path), { recursive: true }),
    env: { EDICT_DIRECTORY: directory, EDICT_SOURCE: 'local', SYNC_INTERVAL: '1h' },
  }
}

/** `policy.rego` of `<group>/<name>/1.0` that answers `{ "answer": … }`. */
export const answering = (policy: string, answer: unknown): Record<string, string> => {
  const [group = '', name = ''] = policy.split('/')
  return { [`${policy}/policy.rego`]: `package ${group}.${name}\n\nanswer := ${JSON.stringify(answer)}\n` }
}

/** A server that does not sync. */
export const startReplica = (env: Env): Promise<Edict> => startEdict(env, { args: ['serve', '--no-sync'] })

/** `edict sync --watch`, once its first cycle has ended. */
export const startWorker = (env: Env): Promise<Edict> =>
  startEdict(env, { args: ['sync', '--watch'], until: /edict follows its sources/ })

/** A mongod in a folder of its own, which a test may stop and start again there. */
export const startStore = async (folder?: string) => {
  const dataDir = folder ?? (await temporaryFolder())
  const mongod = await startEmbeddedMongod({ dataDir, binary: inject('mongod'), log: () => undefined })
  afterwards(mongod.stop)
  return { dataDir, stop: mongod.stop, env: { MONGODB_URI: mongod.uri } }
}

export const databaseOf = (env: Env): Db => {
  const client = new MongoClient(env['MONGODB_URI'] ?? '')
  afterwards(() => client.close())
  return client.db(env['MONGODB_DATABASE'] ?? 'edict')
}

export const lock = (edict: Pick<Edict, 'url'>, policy: string, body?: unknown): Promise<Reply> =>
  call(`${edict.url}/policy/${policy}/lock`, {
    method: 'POST',
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })

export const unlock = (edict: Pick<Edict, 'url'>, policy: string): Promise<Reply> =>
  call(`${edict.url}/policy/${policy}/lock`, { method: 'DELETE' })

export const readiness = (edict: Pick<Edict, 'url'>): Promise<Reply> => call(`${edict.url}/readiness`)

export const isReady = async (edict: Pick<Edict, 'url'>): Promise<boolean> => (await readiness(edict)).status === 200

/** Until both say so; answers the statuses of `/readiness`. */
export const allReady = (edicts: readonly Edict[], ready = true, withinMs = 15_000): Promise<readonly number[]> =>
  eventually(
    () => Promise.all(edicts.map(async (edict) => (await readiness(edict)).status)),
    (statuses) => statuses.every((status) => (status === 200) === ready),
    withinMs,
  )

/** Until every server answers so; answers what they answered. */
export const allAnswer = (
  edicts: readonly Edict[],
  policy: string,
  answer: unknown,
  withinMs = 15_000,
): Promise<readonly unknown[]> =>
  eventually(
    () => Promise.all(edicts.map(async (edict) => (await evaluate(edict, policy)).json)),
    (answers) => answers.every((json) => JSON.stringify(json) === JSON.stringify({ answer })),
    withinMs,
  )

export interface Load {
  /** Stops asking; how often each status was answered, `failed` for no answer at all. */
  readonly stop: () => Promise<Readonly<Record<string, number>>>
}

/** Evaluates without a pause until it is stopped. */
export const keepAsking = (edict: Pick<Edict, 'url'>, policy: string): Load => {
  const counts: Record<string, number> = {}
  let going = true
  const asking = (async () => {
    while (going) {
      // oxlint-disable-next-line no-await-in-loop
      const outcome = await evaluate(edict, policy).then(
        ({ status }) => String(status),
        () => 'failed',
      )
      counts[outcome] = (counts[outcome] ?? 0) + 1
    }
  })()
  return {
    stop: async () => {
      going = false
      await asking
      return counts
    },
  }
}

/** Milliseconds, and what came of it. */
export const timed = async <T>(work: () => Promise<T>): Promise<readonly [ms: number, T]> => {
  const begin = performance.now()
  const result = await work()
  return [performance.now() - begin, result]
}

/** Figures for who runs a test by hand with EDICT_FIGURES=1. */
export const figure = (text: string): void => {
  if (process.env['EDICT_FIGURES'] !== undefined) process.stderr.write(`figure: ${text}\n`)
}

/**
 * One mongod as a one-node replica set on loopback, started through mongodb-memory-server: launched, given its replica
 * set configuration, asked what it is, and stopped. Which process may do so, and when, is decided in `embedded.ts`.
 */
import type { EventEmitter } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { MongoClient, MongoServerError, type Db } from 'mongodb'

const host = '127.0.0.1'
const replicaSet = 'edict'
/** How long something that listens has to prove that it is a mongod. */
const patienceMs = 2_000

export interface RunningMongod {
  readonly pid: number
  readonly stop: () => Promise<void>
}

export interface LaunchOptions {
  readonly binary: string
  readonly dbPath: string
  readonly port: number
  readonly signal?: AbortSignal | undefined
}

export const mongodUri = (port: number) => `mongodb://${host}:${port}/?replicaSet=${replicaSet}`

/** Resolves when it is primary. */
export async function launchMongod({
  moved,
  ...options
}: LaunchOptions & { readonly moved: boolean }): Promise<RunningMongod> {
  if (moved) await readdress(options)
  const mongod = await run({ ...options, replSet: replicaSet })
  try {
    await becomePrimary(options.port, options.signal)
    return mongod
  } catch (error) {
    await mongod.stop()
    throw error
  }
}

/**
 * Writes the new port into the replica set's configuration while mongod runs alone. As a member at a port that is not
 * its own it would first ask whoever listens there now whether that is itself, and may wait 30 s for the answer.
 */
async function readdress(options: LaunchOptions): Promise<void> {
  const alone = await run(options)
  try {
    await withServer(options.port, (client) =>
      client
        .db('local')
        .collection('system.replset')
        .updateMany({}, { $set: { 'members.0.host': `${host}:${options.port}` } }),
    )
  } finally {
    await alone.stop()
  }
}

async function run({
  binary,
  dbPath,
  port,
  signal,
  replSet,
}: LaunchOptions & { replSet?: string }): Promise<RunningMongod> {
  // Its check compares with the version that it would have downloaded, and warns on the console.
  process.env['MONGOMS_SYSTEM_BINARY_VERSION_CHECK'] ??= 'false'
  const { MongoInstance } = await import('mongodb-memory-server')
  const instance = new MongoInstance({
    instance: {
      ip: host,
      port,
      dbPath,
      storageEngine: 'wiredTiger',
      args: modestArgs,
      launchTimeout: 120_000,
      ...(replSet && { replSet }),
    },
    binary: { systemBinary: binary },
    // Its own process group: Ctrl-C on a terminal must reach the server first, which stops mongod when it has drained.
    spawn: { detached: true },
  })
  const complaints: string[] = []
  const events: EventEmitter = instance
  events.on('instanceSTDOUT', (said: string) => complaints.push(...complaintsIn(said)))
  events.on('instanceSTDERR', (said: string) => complaints.push(said))
  const closed = new Promise<void>((done) => void events.once('instanceClosed', () => done()))
  // Told so, it ends the process by a signal at once, instead of trying for seconds to connect to what cannot answer.
  events.prependListener('instanceError', () => (instance.isReplSet = false))
  const end = () => {
    instance.isReplSet = false
    return instance.stop()
  }
  try {
    await instance.start()
    signal?.throwIfAborted()
  } catch (error) {
    await end()
    signal?.throwIfAborted()
    const why = complaints.slice(-3).join('\n') || (error instanceof Error ? error.message : String(error))
    throw new Error(`mongod did not start on ${dbPath}: ${why}`, { cause: error })
  }
  const stop = async () => {
    const isUp = instance.mongodProcess?.exitCode === null
    if (isUp) await Promise.race([shutDown(port).then(() => closed), sleep(10_000, undefined, { ref: false })])
    await end()
  }
  return { pid: instance.mongodProcess?.pid ?? 0, stop }
}

/** Policies are small, and are served from memory of the server, not of mongod. */
const cache = '--wiredTigerCacheSizeGB 0.25 --oplogSize 990'
const quiet = '--quiet --setParameter diagnosticDataCollectionEnabled=false'
const modestArgs = `${cache} ${quiet}${process.platform === 'win32' ? '' : ' --nounixsocket'}`.split(' ')

/** mongod logs one JSON object a line; severities E and F are what went wrong. */
function complaintsIn(said: string): readonly string[] {
  const lines = said.split('\n').filter((line) => /"s":"[EF]"/.test(line))
  return lines.map((line) =>
    [/"msg":"([^"]*)"/.exec(line)?.[1], /"error":(?:"([^"]*)"|(\{[^}]*\}))/.exec(line)?.slice(1).find(Boolean)]
      .filter(Boolean)
      .join(': '),
  )
}

async function becomePrimary(port: number, signal: AbortSignal | undefined): Promise<void> {
  await withAdmin(port, async (admin) => {
    const member = { _id: 0, host: `${host}:${port}` }
    try {
      await admin.command({ replSetInitiate: { _id: replicaSet, members: [member] } })
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.codeName !== 'AlreadyInitialized') throw error
    }
    for (const until = Date.now() + 30_000; Date.now() < until; await sleep(10, undefined, { signal })) {
      if ((await admin.command({ hello: 1 }))['isWritablePrimary'] === true) return
    }
    throw new Error('it did not become primary within 30 s')
  })
}

/** Whether a mongod of ours, on this very folder, answers at the port. */
export async function answersFor(port: number, dbPath: string): Promise<boolean> {
  if (!(await isListening(port))) return false
  try {
    return await withAdmin(port, async (admin) => {
      const { parsed } = await admin.command({ getCmdLineOpts: 1 })
      return parsed?.storage?.dbPath === dbPath && parsed?.replication?.replSet === replicaSet
    })
  } catch {
    return false
  }
}

/** Ends whichever mongod listens at the port; the connection breaks as it goes. */
export async function shutDown(port: number): Promise<void> {
  try {
    await withAdmin(port, (admin) => admin.command({ shutdown: 1, force: true, timeoutSecs: 0 }))
  } catch {
    // it has gone, or its owner will end it
  }
}

function withAdmin<T>(port: number, work: (admin: Db) => Promise<T>): Promise<T> {
  return withServer(port, (client) => work(client.db('admin')))
}

async function withServer<T>(port: number, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(`mongodb://${host}:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 3_000,
  })
  try {
    return await work(client)
  } finally {
    await client.close()
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host, port })
    const end = (listening: boolean) => {
      socket.destroy()
      done(listening)
    }
    socket.setTimeout(patienceMs, () => end(false))
    socket.on('connect', () => end(true)).on('error', () => end(false))
  })
}

/** The port asked for when nothing listens there, else one that the system picks. */
export async function freePort(wanted: number): Promise<number> {
  return (await tryListen(wanted)) ?? (await tryListen(0)) ?? 0
}

function tryListen(port: number): Promise<number | undefined> {
  return new Promise((done) => {
    const server = createServer()
    server.on('error', () => done(undefined))
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address()
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : undefined))
    })
  })
}

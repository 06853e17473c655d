/**
 * The one MongoClient of a process. It never fails because the server is away: it connects in the background for as
 * long as it takes, and an operation that cannot reach a server within `selectionMs` fails with `store_unavailable`.
 */
import { type Db, MongoClient, type MongoClientOptions } from 'mongodb'
import type { Logger } from 'pino'
import { EdictError } from '../errors.ts'
import { toEdictError } from './failure.ts'
import { backoffMs, sleep } from './wait.ts'

const selectionMs = 2500
export const appName = 'edict'

const clientOptions = {
  appName,
  serverSelectionTimeoutMS: selectionMs,
  connectTimeoutMS: 3000,
  waitQueueTimeoutMS: 5000,
  heartbeatFrequencyMS: 2000,
  retryReads: true,
  retryWrites: true,
  writeConcern: { w: 'majority' },
  readConcern: { level: 'majority' },
  readPreference: 'primary',
  ignoreUndefined: true,
} satisfies MongoClientOptions

export type StoreLog = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

export interface Connection {
  readonly client: MongoClient
  readonly db: Db
  /** Runs one operation; whatever it throws becomes an EdictError. */
  readonly run: <T>(operation: (db: Db) => Promise<T>) => Promise<T>
  /** Answers whether the server answers now. */
  readonly ping: () => Promise<boolean>
  /** Resolves at the first connection; rejects only when the signal is aborted. */
  readonly opened: Promise<void>
  readonly close: () => Promise<void>
}

export interface ConnectionOptions {
  readonly uri: string
  readonly database: string
  readonly log: StoreLog
  readonly signal: AbortSignal
}

export function createConnection({ uri, database, log, signal }: ConnectionOptions): Connection {
  const client = createClient(uri)
  const db = client.db(database)
  const closing = new AbortController()
  const stop = AbortSignal.any([signal, closing.signal])
  let isOpen = false
  const opened = connect({ client, log, signal: stop }).then(() => {
    isOpen = true
  })
  opened.catch(() => undefined)

  const open = async () => {
    if (isOpen) return
    const timer = new AbortController()
    try {
      await Promise.race([opened, sleep(selectionMs, timer.signal)])
    } finally {
      timer.abort()
    }
    if (!isOpen) throw new EdictError('store_unavailable', 'the store cannot be reached')
  }
  const run = async <T>(operation: (db: Db) => Promise<T>): Promise<T> => {
    try {
      await open()
      return await operation(db)
    } catch (error) {
      throw toEdictError(error)
    }
  }
  const ping = async () => {
    if (!isOpen) return false
    return await db.command({ ping: 1 }, { timeoutMS: 1000 }).then(
      () => true,
      () => false,
    )
  }
  const close = async () => {
    closing.abort()
    await client.close(true)
  }
  return { client, db, run, ping, opened, close }
}

/** A URI that cannot be read is the configuration's fault; it may hold a password, so it is never repeated. */
function createClient(uri: string): MongoClient {
  try {
    return new MongoClient(uri, clientOptions)
  } catch (error) {
    const reason = error instanceof Error ? error.message.replaceAll(uri, '…') : 'unreadable'
    throw new EdictError('config_invalid', `store.uri is not a MongoDB connection string: ${reason}`)
  }
}

async function connect(options: { client: MongoClient; log: StoreLog; signal: AbortSignal }): Promise<void> {
  const { client, log, signal } = options
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      // A failed first connect leaves a closed topology behind, which only an explicit connect replaces.
      await client.connect()
      if (attempt > 0) log.info('the store is reached')
      return
    } catch (error) {
      if (attempt === 0)
        log.warn({ reason: toEdictError(error).message }, 'the store cannot be reached yet: waiting for it')
      await sleep(backoffMs(attempt), signal)
    }
  }
  throw new EdictError('shutting_down', 'the store is being closed')
}

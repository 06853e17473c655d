/**
 * One multi-document transaction with the driver's retry rules (a transient error runs the body again, an unknown
 * commit result commits again), except that a store that is away fails at once instead of after two minutes.
 */
import { type ClientSession, type MongoClient, MongoError, type TransactionOptions } from 'mongodb'
import { endAbandoned } from './abandoned.ts'
import { isUnselectable, isWriteConflict } from './failure.ts'
import { sleep } from './wait.ts'

const transactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority' },
  readPreference: 'primary',
} satisfies TransactionOptions

/** So long something else may hold what a transaction writes before it is looked for who that is. */
const patienceMs = 1_000

export interface TransactionBounds {
  /** After this no further attempt begins. */
  readonly deadlineMs: number
}

export async function inTransaction<T>(
  client: MongoClient,
  body: (session: ClientSession) => Promise<T>,
  { deadlineMs }: TransactionBounds,
): Promise<T> {
  const deadline = performance.now() + deadlineMs
  const mayRetry = (error: unknown, label: string): boolean =>
    error instanceof MongoError && error.hasErrorLabel(label) && !isUnselectable(error) && performance.now() < deadline
  const session = client.startSession()
  let look = performance.now() + patienceMs
  const clearTheWay = async (error: unknown): Promise<void> => {
    if (!isWriteConflict(error) || performance.now() < look) return
    await endAbandoned(client).catch(() => undefined)
    look = performance.now() + patienceMs / 2
  }
  try {
    for (let attempt = 0; ; attempt += 1) {
      session.startTransaction(transactionOptions)
      try {
        const result = await body(session)
        await commit(session, mayRetry)
        return result
      } catch (error) {
        if (session.inTransaction()) await session.abortTransaction().catch(() => undefined)
        if (!mayRetry(error, 'TransientTransactionError')) throw error
        await clearTheWay(error)
        await sleep(Math.random() * Math.min(50, 2 * 2 ** Math.min(attempt, 5)))
      }
    }
  } finally {
    await session.endSession()
  }
}

async function commit(session: ClientSession, mayRetry: (error: unknown, label: string) => boolean): Promise<void> {
  for (;;) {
    try {
      await session.commitTransaction()
      return
    } catch (error) {
      if (!mayRetry(error, 'UnknownTransactionCommitResult')) throw error
    }
  }
}

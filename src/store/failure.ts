/** What the driver throws, said in Edict's words: the store is away (retry), or something is wrong (ours). */
import {
  MongoBulkWriteError,
  MongoError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  MongoSystemError,
} from 'mongodb'
import { EdictError } from '../errors.ts'

/** Not primary, shutting down, interrupted, stepping down, majority not reached, not authenticated (yet), no such set. */
const awayCodes = new Set<unknown>([
  6, 7, 18, 50, 64, 89, 91, 94, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436,
])

const awayNames = new Set([
  'MongoNotConnectedError',
  'MongoTopologyClosedError',
  'MongoClientClosedError',
  'MongoOperationTimeoutError',
  'MongoWaitQueueTimeoutError',
  'MongoExpiredSessionError',
])

export const isAway = (error: unknown): boolean =>
  error instanceof MongoNetworkError ||
  error instanceof MongoSystemError ||
  (error instanceof MongoServerError && awayCodes.has(error.code)) ||
  (error instanceof MongoError && awayNames.has(error.name))

/** No server could be chosen within the time: a retry of the same call would only wait again. */
export const isUnselectable = (error: unknown): boolean =>
  error instanceof MongoServerSelectionError || (error instanceof MongoError && awayNames.has(error.name))

export const isDuplicate = (error: unknown): boolean => error instanceof MongoServerError && error.code === 11000

/** Another transaction holds what this one wants to write. */
export const isWriteConflict = (error: unknown): boolean => error instanceof MongoServerError && error.code === 112

export function toEdictError(error: unknown): EdictError {
  if (error instanceof EdictError) return error
  if (isAway(error)) return new EdictError('store_unavailable', 'the store cannot be reached', { cause: error })
  if (isWriteConflict(error))
    return new EdictError('store_unavailable', 'another change holds the store', { cause: error })
  const reason = error instanceof Error ? error.message : String(error)
  // A bulk write's error carries every document that it tried to write, which no log should.
  const cause = error instanceof MongoBulkWriteError ? undefined : error
  return new EdictError('internal_error', `the store refused: ${reason}`, { cause })
}

/** Somebody else was quicker, and that is as well. */
export function ignoreConflict(error: unknown): void {
  if (!(error instanceof EdictError && error.code === 'conflict')) throw error
}

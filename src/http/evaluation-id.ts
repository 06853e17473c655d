/** The id of an evaluation: the caller's `x-evaluation-id`, or a new UUID. */
import { randomUUID } from 'node:crypto'
import { EdictError } from '../errors.ts'

/** Absent and empty are the same. */
export const isUsableId = (given: string | undefined): boolean => given === undefined || given === '' || isId(given)

/** A new one also where the caller's is not usable. */
export const evaluationId = (given: string | undefined): string =>
  given === undefined || given === '' || !isId(given) ? randomUUID() : given

export const unusableId = (): EdictError =>
  new EdictError('invalid_request', 'x-evaluation-id must be 1 to 256 printable ASCII characters')

/** Printable ASCII, so that it can go into a header and a log as it is. */
const isId = (id: string): boolean => id.length <= 256 && /^[\x20-\x7e]+$/.test(id)

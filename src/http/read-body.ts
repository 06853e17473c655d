/**
 * The body of a Node request, whole and bounded. `done` is called once: with the bytes, or with `undefined` when there
 * are more than `limit`. It is not called when the client goes away.
 */
import type { IncomingMessage } from 'node:http'

const empty = Buffer.alloc(0)

export const readBody = (req: IncomingMessage, limit: number, done: (body: Buffer | undefined) => void): void => {
  const length = req.headers['content-length']
  const chunked = req.headers['transfer-encoding'] !== undefined
  if (!chunked && (length === undefined || length === '0')) return done(empty)
  if (Number(length) > limit) return done(undefined)
  let first: Buffer | undefined
  let rest: Buffer[] | undefined
  let size = 0
  let over = false
  req.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (over) return
    if (size > limit) {
      over = true
      done(undefined)
    } else if (first === undefined) first = chunk
    else (rest ??= [first]).push(chunk)
  })
  req.on('end', () => {
    if (!over) done(rest === undefined ? (first ?? empty) : Buffer.concat(rest, size))
  })
  req.on('error', ignore)
}

/** The client went away: nobody waits for an answer. */
const ignore = (): void => undefined

/** Lets what is left of a body pass, so that the client can read an early answer; calls back at its end or after a bound. */
export const drain = (req: IncomingMessage, finished: () => void): void => {
  if (req.complete && req.readableEnded) return finished()
  let left = maxDrained
  let over = false
  const finish = (): void => {
    if (over) return
    over = true
    clearTimeout(timer)
    finished()
  }
  const timer = setTimeout(finish, maxDrainMs)
  req.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) finish()
  })
  req.on('end', finish)
  req.on('close', finish)
  req.resume()
}

const maxDrained = 64 * 1024 * 1024
const maxDrainMs = 2_000

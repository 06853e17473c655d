/**
 * Requests that may take longer to arrive than the server lets them otherwise: their bodies are answered while they
 * come, at the pace of who sends and who reads. Node gives such a time for all requests or none.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

const slow = new WeakMap<object, IncomingMessage>()

export const allowSlow = (req: IncomingMessage): void => void slow.set(req.socket, req)

/** Whether the request that arrives on this socket now may take its time. */
export const mayBeSlow = (socket: Duplex): boolean => slow.get(socket)?.complete === false

/**
 * What never became a request (headers too large, too slow, not HTTP) is answered here, on the bare socket, in the one
 * shape of errors.
 */
import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { EdictError } from '../errors.ts'
import { errorBody } from './error-body.ts'
import type { Metrics, RefusalReason } from './metrics.ts'
import { mayBeSlow } from './slow-requests.ts'

export const createClientErrorHandler =
  ({ metrics }: { metrics: Pick<Metrics, 'refused'> }) =>
  (error: NodeJS.ErrnoException, socket: Duplex): void => {
    const { code } = error
    if (code === 'ERR_HTTP_REQUEST_TIMEOUT' && mayBeSlow(socket)) return
    if (code === 'ECONNRESET' || !socket.writable || hasAnswerUnderWay(socket)) {
      socket.destroy()
      return
    }
    const [reason, answer] = refusal(code)
    metrics.refused(reason)
    socket.end(rawAnswer(answer), () => socket.destroy())
  }

const refusal = (code: string | undefined): readonly [RefusalReason, EdictError] => {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return ['headers', new EdictError('headers_too_large', 'the request headers are too large')]
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return ['timeout', new EdictError('request_timeout', 'the request did not arrive in time')]
  }
  return ['malformed', new EdictError('invalid_request', 'this is not a valid HTTP/1.1 request')]
}

const rawAnswer = (error: EdictError): string => {
  const body = JSON.stringify(errorBody(error, randomUUID()))
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? 'Error'}`,
    'connection: close',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}

/** Node keeps the response that a socket is busy with in `_httpMessage`. */
const hasAnswerUnderWay = (socket: Duplex): boolean => {
  const message: unknown = Reflect.get(socket, '_httpMessage')
  return typeof message === 'object' && message !== null && Reflect.get(message, 'headersSent') === true
}

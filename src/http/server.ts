/**
 * The node:http server. Evaluations are answered by `decide` before any framework; everything else goes to `app`.
 * Every limit has its own answer: body 413, headers 431, slow 408, too many at once 503. `close` drains.
 */
import { randomUUID } from 'node:crypto'
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Limits } from '../config.ts'
import { EdictError } from '../errors.ts'
import type { PolicyName } from '../registry/registry.ts'
import { createClientErrorHandler } from './client-error.ts'
import type { Answer, Decide } from './decide.ts'
import { errorBody, type ErrorLog, logError, retryAfter } from './error-body.ts'
import { parseEvaluationUrl } from './evaluation-url.ts'
import type { HostGuard } from './host-guard.ts'
import type { MayEvaluate } from './may-evaluate.ts'
import type { Metrics } from './metrics.ts'
import { NodeEvaluationRequest } from './node-evaluation-request.ts'
import { drain, readBody } from './read-body.ts'

export interface ServerOptions {
  readonly app: { readonly fetch: (request: Request, env: object) => Response | Promise<Response> }
  readonly decide: Decide
  readonly guard: HostGuard
  readonly mayEvaluate: Pick<MayEvaluate, 'concerns'>
  readonly limits: Pick<Limits, 'maxBody' | 'maxConcurrent' | 'maxHeaders' | 'requestTimeoutMs'>
  readonly metrics: Pick<Metrics, 'refused'>
  readonly log: ErrorLog
}

export interface HttpServer {
  readonly listen: (address: { readonly host: string; readonly port: number }) => Promise<AddressInfo>
  /** Stops accepting after a moment, lets what is under way finish within the bound, then cuts. */
  readonly close: (options: { readonly graceMs: number }) => Promise<void>
  readonly inFlight: () => number
}

export const createServer = ({ app, decide, guard, mayEvaluate, limits, metrics, log }: ServerOptions): HttpServer => {
  let inFlight = 0
  let draining = false
  let loggedAt = Number.NEGATIVE_INFINITY
  const open = new Set<ServerResponse>()
  const listener = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    hostname: 'localhost',
    errorHandler: (error) => errorResponse(error, log),
  })

  const answer = (res: ServerResponse, { status, headers, body }: Answer): void => {
    inFlight--
    if (res.destroyed) return
    headers.push('content-length', String(body.length))
    if (draining) res.shouldKeepAlive = false
    res.writeHead(status, headers)
    res.end(body)
  }

  const evaluate = (req: IncomingMessage, res: ServerResponse, name: PolicyName): void => {
    inFlight++
    let settled = false
    res.on('close', () => {
      if (!settled) inFlight--
    })
    readBody(req, limits.maxBody, (body) => {
      settled = true
      if (body === undefined) {
        inFlight--
        return tooLarge(req, res)
      }
      const answered = decide(new NodeEvaluationRequest(req, name, body))
      if (answered instanceof Promise) void answered.then((ready) => answer(res, ready))
      else answer(res, answered)
    })
  }

  /** Logs one such line a second at most: a flood of requests must not become a flood of lines. */
  const refuse = (req: IncomingMessage, res: ServerResponse, error: EdictError): void => {
    const id = randomUUID()
    const at = performance.now()
    if (at - loggedAt >= 1_000) {
      loggedAt = at
      log.info({ id, code: error.code, status: error.status }, error.message)
    }
    answerEarly(req, res, error, id)
  }

  const tooLarge = (req: IncomingMessage, res: ServerResponse): void => {
    metrics.refused('body_too_large')
    const error = new EdictError('body_too_large', `the body is larger than ${limits.maxBody} bytes`)
    refuse(req, res, error)
  }

  const refuseHost = (req: IncomingMessage, res: ServerResponse): void => {
    metrics.refused('host')
    if (req.headers.host === undefined) return refuse(req, res, new EdictError('invalid_request', 'no Host header'))
    refuse(req, res, new EdictError('forbidden', 'this server answers on loopback names only'))
  }

  const overloaded = (req: IncomingMessage, res: ServerResponse): void => {
    metrics.refused('too_many_requests')
    const error = new EdictError('too_many_requests', `more than ${limits.maxConcurrent} requests are under way`)
    refuse(req, res, error)
  }

  const passOn = (req: IncomingMessage, res: ServerResponse): void => {
    inFlight++
    open.add(res)
    res.on('close', () => {
      inFlight--
      open.delete(res)
    })
    void listener(req, res)
  }

  const onRequest = (req: IncomingMessage, res: ServerResponse): void => {
    if (draining) res.shouldKeepAlive = false
    const url = req.url ?? '/'
    const { host } = req.headers
    if (host === undefined && req.httpVersionMinor > 0) return refuseHost(req, res)
    if (inFlight >= limits.maxConcurrent && !isProbe(url)) return overloaded(req, res)
    const name = req.method === 'POST' || req.method === 'GET' ? parseEvaluationUrl(url) : undefined
    if (name === undefined || mayEvaluate.concerns(name.group)) return passOn(req, res)
    if (!guard.allows(host)) return refuseHost(req, res)
    evaluate(req, res, name)
  }

  const server = createHttpServer(
    {
      maxHeaderSize: limits.maxHeaders,
      requestTimeout: limits.requestTimeoutMs,
      headersTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: Math.max(100, Math.min(5_000, Math.floor(limits.requestTimeoutMs / 4))),
      keepAliveTimeout: 65_000,
      requireHostHeader: false,
      noDelay: true,
    },
    onRequest,
  )
  server.maxHeadersCount = 0
  server.setTimeout(idleTimeoutMs)
  server.on('clientError', createClientErrorHandler({ metrics }))
  server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
    if (Number(req.headers['content-length']) > limits.maxBody && !isBatch(req.url ?? '')) return tooLarge(req, res)
    res.writeContinue()
    onRequest(req, res)
  })

  return {
    listen: (address) => listen(server, address),
    close: ({ graceMs }) => {
      draining = true
      for (const res of open) res.shouldKeepAlive = false
      return close(server, graceMs)
    },
    inFlight: () => inFlight,
  }
}

/** How long a server that is to close goes on accepting. */
const lingerMs = 100

/** A connection on which nothing moves in either direction for so long is given up. */
const idleTimeoutMs = 10 * 60_000

/** Bodies of batches have bounds of their own. */
const isBatch = (url: string): boolean => /^\/policy\/[^?]*\/evaluations(?:\?|$)/.test(url)

const isProbe = (url: string): boolean => url === '/liveness' || url === '/readiness' || url === '/metrics'

/** Answers at once and closes the connection, but reads on for a moment: a client that is cut off while it sends sees no answer. */
const answerEarly = (req: IncomingMessage, res: ServerResponse, error: EdictError, id: string): void => {
  const body = Buffer.from(JSON.stringify(errorBody(error, id)))
  const wait = retryAfter(error)
  const common = ['content-type', 'application/json', 'content-length', String(body.length), 'connection', 'close']
  res.writeHead(error.status, wait === undefined ? common : [...common, 'retry-after', wait])
  res.write(body)
  drain(req, () => res.end())
}

const errorResponse = (error: unknown, log: ErrorLog): Response => {
  const id = randomUUID()
  const bad = error instanceof Error && error.name === 'RequestError'
  const answer = bad
    ? new EdictError('invalid_request', 'the request line or its Host is not valid')
    : new EdictError('internal_error', 'something went wrong on our side', { cause: error })
  logError(log, answer, { id })
  return Response.json(errorBody(answer, id), { status: answer.status })
}

const listen = (
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('the server listens on no port'))
      else resolve(address)
    })
  })

/**
 * What was sent before must not fail: it may be on its way on a connection that looks idle, or wait to be accepted. So the
 * door stays open for a moment, in which every answer says that its connection ends.
 */
const close = (server: Server, graceMs: number): Promise<void> =>
  new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs)
    setTimeout(
      () =>
        server.close(() => {
          clearTimeout(cut)
          resolve()
        }),
      Math.min(graceMs, lingerMs),
    )
  })

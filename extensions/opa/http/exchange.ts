/**
 * One request over the network: the host is looked up and permitted, again after each redirect, and the permitted
 * addresses alone are connected to. Time and size are bounded.
 */
import { Agent as HttpAgent, request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { LookupFunction } from 'node:net'
import { rootCertificates } from 'node:tls'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Outbound } from '../../extension.ts'
import { permittedAddresses, RefusedError, type HostAddress } from '../../outbound.ts'
import { BuiltinError } from '../values.ts'
import type { HttpRequest } from './options.ts'

export interface HttpResponse {
  /** `200 OK` */
  readonly status: string
  readonly statusCode: number
  /** Lower-case name → values, in the order of arrival. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  readonly body: Buffer
}

/** The other side, or the way to it; the text is as Go's `url.Error` has it. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
}

const mostRedirects = 10
export const mostBytes = 8 * 2 ** 20

type Addresses = readonly [HostAddress, ...HostAddress[]]

/** Kept by source: what one may connect to is not for another. */
interface Kept {
  readonly http: HttpAgent
  readonly https: HttpsAgent
  /** By host and port; the answers were permitted. */
  readonly addresses: Map<string, { readonly found: Addresses; readonly until: number }>
}

const keptBySource = new WeakMap<Outbound, Kept>()

const keepAlive = { keepAlive: true, maxSockets: 64, maxFreeSockets: 16, timeout: 30_000 } as const

/** A name server is not asked for each request of a connection that stands. */
const addressesMs = 5_000
const mostAddresses = 256

function keptFor(outbound: Outbound): Kept {
  const known = keptBySource.get(outbound)
  if (known !== undefined) return known
  const fresh = { http: new HttpAgent(keepAlive), https: new HttpsAgent(keepAlive), addresses: new Map() }
  keptBySource.set(outbound, fresh)
  return fresh
}

async function addressesOf(outbound: Outbound, host: string, port: number): Promise<Addresses> {
  const { addresses } = keptFor(outbound)
  const place = `${host}:${port}`
  const known = addresses.get(place)
  if (known !== undefined && performance.now() < known.until) return known.found
  const found = await permittedAddresses(outbound, host, port)
  if (addresses.size >= mostAddresses) addresses.clear()
  addresses.set(place, { found, until: performance.now() + addressesMs })
  return found
}

/** Rejects with a NetworkError, or with the reason why the request is not made. */
export async function exchange(request: HttpRequest, outbound: Outbound, signal: AbortSignal): Promise<HttpResponse> {
  const ending = new AbortController()
  const bound = ending.signal
  const end = (): void => ending.abort(ended)
  const timer = setTimeout(end, request.timeoutMs)
  signal.addEventListener('abort', end, { once: true })
  let current = request
  try {
    if (signal.aborted) end()
    for (let hops = 0; ; hops++) {
      const response = await one(current, outbound, bound)
      const next = request.followRedirects ? redirected(current, response) : undefined
      if (next === undefined) return response
      if (hops === mostRedirects) throw new Error(`stopped after ${mostRedirects} redirects`)
      current = next
    }
  } catch (error) {
    if (error instanceof RefusedError || error instanceof BuiltinError) throw error
    const { method, url } = current
    const verb = method.charAt(0) + method.slice(1).toLowerCase()
    const reason = bound.aborted ? 'context deadline exceeded' : messageOf(error)
    throw new NetworkError(`${verb} "${url.href}": ${reason}`, { cause: error })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}

// Made once: every decision ends with an abort, and nobody reads where that came from.
const ended = new Error('aborted')

const messageOf = (error: unknown): string => {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

async function one(request: HttpRequest, outbound: Outbound, signal: AbortSignal): Promise<HttpResponse> {
  const { url } = request
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  const addresses = await unlessAborted(addressesOf(outbound, url.hostname, port), signal)
  const message = await send(request, outbound, { lookup: always(addresses), signal })
  return await received(request, message)
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new Error('aborted'))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Whatever is asked for is at the addresses that were permitted. */
const always =
  (addresses: readonly [HostAddress, ...HostAddress[]]): LookupFunction =>
  (_host, options, callback) => {
    if (options.all === true) return callback(null, [...addresses])
    const [{ address, family }] = addresses
    return callback(null, address, family)
  }

function send(
  { method, url, headers, body, tls }: HttpRequest,
  outbound: Outbound,
  options: Pick<RequestOptions, 'lookup' | 'signal'>,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const secure = url.protocol === 'https:'
    const plain = Object.keys(tls).length === 0
    const kept = keptFor(outbound)
    const all = { ...options, method, headers: headersOf(headers, method, body), setHost: !headers.has('Host') }
    const request = secure
      ? requestHttps(url, { ...all, ...tls, ...authorities(tls.ca), agent: plain ? kept.https : false })
      : requestHttp(url, { ...all, agent: kept.http })
    request.on('response', resolve)
    request.on('error', reject)
    // An empty body would be a second part to write.
    if (body.length > 0) request.end(body)
    else request.end()
  })
}

const authorities = (ca: readonly string[] | undefined): { ca?: string[] } =>
  ca === undefined ? {} : { ca: ca.flatMap((pem) => (pem === 'system' ? rootCertificates : [pem])) }

function headersOf(given: HttpRequest['headers'], method: string, body: Buffer): Record<string, string> {
  const headers: Record<string, string> = { 'User-Agent': 'Edict', ...Object.fromEntries(given) }
  if (!given.has('Accept-Encoding') && !given.has('Range') && method !== 'HEAD') headers['Accept-Encoding'] = 'gzip'
  delete headers['Content-Length']
  delete headers['Transfer-Encoding']
  if (body.length > 0 || ['POST', 'PUT', 'PATCH'].includes(method)) headers['Content-Length'] = `${body.length}`
  return headers
}

async function received(request: HttpRequest, message: IncomingMessage): Promise<HttpResponse> {
  const { statusCode = 0, statusMessage = '' } = message
  const headers = headerLists(message.rawHeaders)
  const raw = await wholeBody(message)
  const asked = !request.headers.has('Accept-Encoding') && !request.headers.has('Range')
  const packed = asked && raw.length > 0 && headers.get('content-encoding')?.[0]?.toLowerCase() === 'gzip'
  const body = packed ? await promisify(gunzip)(raw, { maxOutputLength: mostBytes }) : raw
  if (packed) for (const name of ['content-encoding', 'content-length']) headers.delete(name)
  return { status: `${statusCode} ${statusMessage}`, statusCode, headers, body }
}

function wholeBody(message: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    message.on('data', (chunk: Buffer) => {
      size += chunk.length
      chunks.push(chunk)
      if (size > mostBytes) message.destroy(new Error(`the response is larger than ${mostBytes} bytes`))
    })
    message.on('error', reject)
    message.on('close', () => reject(new Error('the response ended too early')))
    message.on('end', () => resolve(Buffer.concat(chunks, size)))
  })
}

function headerLists(raw: readonly string[]): Map<string, readonly string[]> {
  const lists = new Map<string, string[]>()
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase()
    const list = lists.get(name)
    const value = raw[i + 1] ?? ''
    if (list === undefined) lists.set(name, [value])
    else list.push(value)
  }
  return lists
}

/** The request that a redirect asks for, made as Go makes it; undefined when it is none. */
function redirected(request: HttpRequest, { statusCode, headers }: HttpResponse): HttpRequest | undefined {
  const location = headers.get('location')?.[0]
  if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined || location === '') return undefined
  if (!URL.canParse(location, request.url.href))
    throw new Error(`failed to parse Location header ${JSON.stringify(location)}`)
  const url = new URL(location, request.url.href)
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new Error(`unsupported protocol scheme ${url.protocol}`)
  const kept = statusCode === 307 || statusCode === 308
  const method = kept || request.method === 'HEAD' ? request.method : 'GET'
  const sameHost = isSameHost(request.url.hostname, url.hostname)
  const dropped = (name: string): boolean =>
    (!sameHost && sensitive.has(name)) || (!kept && name.startsWith('Content-'))
  const headersLeft = new Map([...request.headers].filter(([name]) => !dropped(name)))
  return { ...request, url, method, headers: headersLeft, body: kept ? request.body : Buffer.alloc(0) }
}

const sensitive: ReadonlySet<string> = new Set([
  'Authorization',
  'Www-Authenticate',
  'Cookie',
  'Cookie2',
  'Host',
  'Proxy-Authorization',
  'Proxy-Authenticate',
])

/** What one host may know, those below it may know, too. */
const isSameHost = (from: string, to: string): boolean => to === from || to.endsWith(`.${from}`)

/**
 * Responses that outlive a decision, by HTTP's own rules as OPA reads them, or for as long as the policy says. Each
 * source has its own; the oldest go when there are too many.
 */
import type { Outbound } from '../../extension.ts'
import type { HttpResponse } from './exchange.ts'

export interface CachedResponse extends HttpResponse {
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

const mostBytes = 32 * 2 ** 20

const cacheableCodes: ReadonlySet<number> = new Set([200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501])

export interface ResponseCache {
  readonly get: (key: string) => CachedResponse | undefined
  readonly put: (key: string, response: CachedResponse) => void
  readonly drop: (key: string) => void
}

const caches = new WeakMap<Outbound, ResponseCache>()

export function cacheOf(outbound: Outbound): ResponseCache {
  const known = caches.get(outbound)
  if (known !== undefined) return known
  const fresh = createCache()
  caches.set(outbound, fresh)
  return fresh
}

function createCache(): ResponseCache {
  const entries = new Map<string, CachedResponse>()
  let bytes = 0

  function drop(key: string): void {
    const entry = entries.get(key)
    if (entry === undefined) return
    bytes -= weight(key, entry)
    entries.delete(key)
  }

  function put(key: string, response: CachedResponse): void {
    drop(key)
    entries.set(key, response)
    bytes += weight(key, response)
    for (const oldest of entries.keys()) {
      if (bytes <= mostBytes) break
      drop(oldest)
    }
  }

  return { get: (key) => entries.get(key), put, drop }
}

const weight = (key: string, { body }: HttpResponse): number => 2 * key.length + body.length + 2_048

/** Undefined when it must not be kept. */
export function cacheable(
  response: HttpResponse,
  { forSeconds, now }: { readonly forSeconds: number | undefined; readonly now: number },
): CachedResponse | undefined {
  if (!cacheableCodes.has(response.statusCode)) return undefined
  if (forSeconds !== undefined) return { ...response, expiresAt: now + forSeconds * 1_000 }
  const directives = cacheControl(response)
  if (directives.has('no-store')) return undefined
  const expiresAt = expiry(response, directives)
  return expiresAt === undefined ? undefined : { ...response, expiresAt }
}

/** A response that says nothing is kept as expired: it may be asked for again with its tag. */
function expiry({ headers }: HttpResponse, directives: ReadonlyMap<string, string>): number | undefined {
  const maxAge = directives.get('max-age')
  if (maxAge === undefined) return parseTime(headers.get('expires')?.[0]) ?? Number.NEGATIVE_INFINITY
  const date = parseTime(headers.get('date')?.[0])
  if (date === undefined || !/^\d+$/.test(maxAge)) return undefined
  return date + Math.min(Number(maxAge), 2 ** 31 - 1) * 1_000
}

function parseTime(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}

function cacheControl({ headers }: HttpResponse): ReadonlyMap<string, string> {
  const directives = new Map<string, string>()
  for (const part of (headers.get('cache-control')?.[0] ?? '').split(',').map((piece) => piece.trim())) {
    const [name = '', value = '', ...more] = part.split('=')
    if (part !== '' && more.length === 0) directives.set(name.trim(), value)
  }
  return directives
}

/** A 304 says which headers are new. */
export const refreshed = (cached: CachedResponse, response: HttpResponse): HttpResponse => ({
  status: cached.status,
  statusCode: cached.statusCode,
  body: cached.body,
  headers: new Map([...cached.headers, ...response.headers]),
})

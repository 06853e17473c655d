/**
 * `http.send` with OPA's options and OPA's answer. Outbound hosts are those of the source's configuration; the response
 * cache is the source's own. Within a decision the same request is made once (the engine remembers its answer).
 */
import { parseJson } from '../parse-json.ts'
import { RegoObject, type DecisionContext, type OutsideExtension, type RegoValue } from '../extension.ts'
import { cacheable, cacheOf, refreshed, type CachedResponse } from './http/cache.ts'
import { exchange, NetworkError, type HttpResponse } from './http/exchange.ts'
import {
  cacheKey,
  cacheOptions,
  checkNames,
  decodeOptions,
  raisesError,
  readRequest,
  type DecodeOptions,
  type HttpRequest,
} from './http/options.ts'
import { any, objectOf as objectType, string } from './types.ts'
import { asObject, BuiltinError, objectOf } from './values.ts'
import { readYaml } from './yaml-read.ts'

export const http: readonly OutsideExtension[] = [
  {
    name: 'http.send',
    decl: { args: [objectType(string, any)], result: objectType(any, any) },
    kind: 'read',
    doc: 'The response to an HTTP request, to a host that the configuration allows.',
    impl: async ([options], context) => {
      const object = asObject(options)
      const raises = raisesError(object)
      try {
        return await respond(object, context)
      } catch (error) {
        if (raises || context.signal.aborted) throw error
        return failure(error)
      }
    },
  },
]

function failure(error: unknown): RegoObject {
  const isNetwork = error instanceof NetworkError
  const message = error instanceof Error ? error.message : String(error)
  return objectOf({
    status_code: 0,
    error: objectOf({
      code: isNetwork ? 'eval_http_send_network_error' : 'eval_http_send_internal_error',
      message: isNetwork ? message : `eval_builtin_error: http.send: ${message}`,
    }),
  })
}

async function respond(options: RegoObject, context: DecisionContext): Promise<RegoObject> {
  checkNames(options)
  const decode = decodeOptions(options)
  const { use, forSeconds } = cacheOptions(options)
  const key = cacheKey(options)
  const request = readRequest(options, context.outbound)
  if (!use) return toRego(await send(request, context), decode)
  const now = Number(context.now() / 1_000_000n)
  const cache = cacheOf(context.outbound)
  const known = cache.get(key)
  if (known !== undefined && now < known.expiresAt) return toRego(known, decode)
  const fresh = (known && (await revalidated(known, request, context))) ?? (await send(request, context))
  const entry = cacheable(fresh, { forSeconds, now })
  if (entry === undefined) cache.drop(key)
  else cache.put(key, entry)
  return toRego(fresh, decode)
}

/** Asks whether what is kept still holds; undefined when it has to be asked for anew. */
async function revalidated(
  known: CachedResponse,
  request: HttpRequest,
  context: DecisionContext,
): Promise<HttpResponse | undefined> {
  const tag = known.headers.get('etag')?.[0]
  const modified = known.headers.get('last-modified')?.[0]
  if (!tag && !modified) return undefined
  const headers = new Map([
    ...request.headers,
    ...(tag ? [['If-None-Match', tag] as const] : []),
    ...(modified ? [['If-Modified-Since', modified] as const] : []),
  ])
  const response = await send({ ...request, headers }, context)
  if (response.statusCode === 304) return refreshed(known, response)
  return response.statusCode === 200 ? response : undefined
}

/** Tries again after a failure of the network, a little later each time. */
async function send(request: HttpRequest, { outbound, signal }: DecisionContext): Promise<HttpResponse> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await exchange(request, outbound, signal)
    } catch (error) {
      if (attempt === request.retries || !(error instanceof NetworkError) || signal.aborted) throw error
      await pause(backoff(attempt), signal)
    }
  }
}

const backoff = (attempt: number): number => Math.min(60_000, 100 * 1.6 ** attempt) * (0.8 + Math.random() * 0.4)

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(new BuiltinError('canceled'))
    })
  })

function toRego({ status, statusCode, headers, body }: HttpResponse, decode: DecodeOptions): RegoObject {
  return objectOf({
    status,
    status_code: statusCode,
    body: decoded(body, headers.get('content-type')?.[0] ?? '', decode),
    raw_body: body.toString(),
    headers: new RegoObject([...headers]),
  })
}

/** Null when the body is not of the kind that it says it is. */
function decoded(body: Buffer, type: string, decode: DecodeOptions): RegoValue {
  try {
    if (decode.json || isJson(type)) return parseJson(body.toString())
    return decode.yaml || isYaml(type) ? readJsonOrYaml(body) : null
  } catch {
    return null
  }
}

/** `application/json`, `application/…+json` */
const isJson = (type: string): boolean => /^\s*application\/(?:json|[^\s;/]*\+json)\s*(?:;|$)/i.test(type)

const isYaml = (type: string): boolean => /application\/(?:x-)?yaml/.test(type)

/** JSON keeps every digit; YAML has doubles. */
function readJsonOrYaml(body: Buffer): RegoValue {
  const text = body.toString().replace(/^\ufeff/, '')
  try {
    return parseJson(text)
  } catch {
    return readYaml(text)
  }
}

/** The request of `http.send` as its object says it; what OPA refuses throws. */
import { numberText } from '../../compare.ts'
import { canonicalHeader } from '../../canonical-header.ts'
import { RegoObject, type Outbound, type RegoValue } from '../../extension.ts'
import { printJson } from '../../print-json.ts'
import { parseDuration } from '../go-duration.ts'
import { goJson } from '../go-json.ts'
import { int64Of, intOf, isNumberValue } from '../number.ts'
import { asObject, asString, BuiltinError, defined, lookup, typeName } from '../values.ts'
import { requestParameters } from './parameters.ts'

export interface HttpRequest {
  readonly method: string
  readonly url: URL
  /** Canonical name → value. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
  readonly timeoutMs: number
  readonly followRedirects: boolean
  readonly retries: number
  readonly tls: TlsOptions
}

export interface TlsOptions {
  readonly ca?: string[]
  readonly cert?: string[]
  readonly key?: string[]
  readonly servername?: string
  readonly rejectUnauthorized?: false
}

export interface CacheOptions {
  readonly use: boolean
  /** Overrides what the response says. */
  readonly forSeconds: number | undefined
}

export interface DecodeOptions {
  readonly json: boolean
  readonly yaml: boolean
}

/** What is used when the object says nothing, or says that there is no bound. */
const defaultTimeoutMs = 5_000

export function checkNames(options: RegoObject): void {
  const wrong = options.entries.filter(([key]) => !requestParameters.has(key)).map(([key]) => key)
  if (wrong.length > 0) throw new BuiltinError(`invalid request parameters(s): {${wrong.map(printJson).join(', ')}}`)
  const missing = ['method', 'url'].filter((key) => lookup(options, key) === undefined)
  if (missing.length > 0) {
    throw new BuiltinError(`missing required request parameters(s): {${missing.map(printJson).join(', ')}}`)
  }
}

export function raisesError(options: RegoObject): boolean {
  const value = lookup(options, 'raise_error') ?? true
  if (typeof value === 'boolean') return value
  throw new BuiltinError('invalid value for raise_error field')
}

export function cacheOptions(options: RegoObject): CacheOptions {
  const use = flag(options, 'cache')
  if (!flag(options, 'force_cache')) return { use, forSeconds: undefined }
  const seconds = defined(
    lookup(options, 'force_cache_duration_seconds'),
    "'force_cache' set but 'force_cache_duration_seconds' parameter is missing",
  )
  const count =
    isNumberValue(seconds) && /^[-+]?\d+$/.test(numberText(seconds)) ? Number(numberText(seconds)) : undefined
  if (count === undefined || Math.abs(count) >= 2 ** 31) throw new BuiltinError('invalid force_cache_duration_seconds')
  return { use: true, forSeconds: count > 0 ? count : undefined }
}

export const decodeOptions = (options: RegoObject): DecodeOptions => ({
  json: flag(options, 'force_json_decode'),
  yaml: flag(options, 'force_yaml_decode'),
})

/** Requests with one key have one answer: all of the object but the headers that it says to ignore. */
export function cacheKey(options: RegoObject): string {
  const ignored = lookup(options, 'cache_ignored_headers')
  const headers = lookup(options, 'headers')
  const others = options.entries.filter(([key]) => key !== 'cache_ignored_headers')
  if (ignored === undefined || headers === undefined) return printJson(new RegoObject(others))
  if (!Array.isArray(ignored) || !ignored.every((name) => typeof name === 'string')) {
    throw new BuiltinError('cache_ignored_headers must be an array of strings')
  }
  const left = asObject(headers).entries.filter(([name]) => typeof name !== 'string' || !ignored.includes(name))
  const rest = others.filter(([key]) => key !== 'headers')
  return printJson(new RegoObject([...rest, ['headers', new RegoObject(left)]]))
}

export function readRequest(options: RegoObject, { secret }: Outbound): HttpRequest {
  const cachingMode = text(options, 'caching_mode')
  if (cachingMode !== undefined && cachingMode !== 'serialized' && cachingMode !== 'deserialized') {
    throw new BuiltinError(`invalid value specified for "caching_mode" field: ${cachingMode}`)
  }
  const headers = headersOf(lookup(options, 'headers'))
  return {
    method: methodOf(trimmed(options, 'method') ?? ''),
    url: urlOf(trimmed(options, 'url') ?? ''),
    headers,
    body: bodyOf(options),
    timeoutMs: timeoutOf(lookup(options, 'timeout')),
    followRedirects: parsedFlag(options, 'enable_redirect'),
    retries: retriesOf(lookup(options, 'max_retry_attempts')),
    tls: tlsOf(options, headers, secret),
  }
}

/** Go's `strings.Trim(s, "\"")`. */
function trimmed(options: RegoObject, key: string): string | undefined {
  const value = lookup(options, key)
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw new BuiltinError(`"${key}" must be a string`)
  return value.replace(/^"+|"+$/g, '')
}

const text = (options: RegoObject, key: string): string | undefined => {
  const value = lookup(options, key)
  return value === undefined ? undefined : asString(value)
}

function flag(options: RegoObject, key: string): boolean {
  const value = lookup(options, key) ?? false
  if (typeof value === 'boolean') return value
  throw new BuiltinError(`invalid value for "${key}" field`)
}

/** Go's `strconv.ParseBool` on the value as Rego writes it: the numbers 1 and 0 are flags, texts are none. */
function parsedFlag(options: RegoObject, key: string): boolean {
  const value = lookup(options, key) ?? false
  if (value === true || value === 1) return true
  if (value === false || value === 0) return false
  throw new BuiltinError(`"${key}": invalid syntax`)
}

function methodOf(method: string): string {
  const upper = method.toUpperCase()
  if (upper === '') return 'GET'
  if (!/^[!#$%&'*+.^_`|~0-9A-Z-]+$/.test(upper)) throw new BuiltinError(`net/http: invalid method "${upper}"`)
  if (upper === 'CONNECT') throw new BuiltinError('the method CONNECT is not supported')
  return upper
}

function urlOf(url: string): URL {
  if (!URL.canParse(url)) throw new BuiltinError(`invalid URL ${JSON.stringify(url)}`)
  const parsed = new URL(url)
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw new BuiltinError(`unsupported protocol scheme "${parsed.protocol.slice(0, -1)}"`)
  }
  return parsed
}

/** `raw_body` as it is, before `body` as JSON. */
function bodyOf(options: RegoObject): Buffer {
  const raw = trimmed(options, 'raw_body')
  if (raw !== undefined) return Buffer.from(raw)
  const body = lookup(options, 'body')
  return body === undefined ? Buffer.alloc(0) : Buffer.from(goJson(body))
}

function headersOf(headers: RegoValue | undefined): ReadonlyMap<string, string> {
  if (headers === undefined) return new Map()
  if (!(headers instanceof RegoObject)) throw new BuiltinError('invalid type for headers key')
  return new Map(
    headers.entries.map(([name, value]) => {
      if (typeof value !== 'string') throw new BuiltinError(`invalid type for headers value ${printJson(value)}`)
      return [canonicalHeader(asString(name)), value]
    }),
  )
}

/** Nanoseconds, or a duration with its unit. */
function timeoutOf(timeout: RegoValue | undefined): number {
  if (timeout === undefined) return defaultTimeoutMs
  if (!isNumberValue(timeout) && typeof timeout !== 'string') {
    throw new BuiltinError(`'timeout' must be one of {string, number} but got ${typeName(timeout)}`)
  }
  const milliseconds = Number(nanoseconds(timeout)) / 1e6
  return milliseconds > 0 ? Math.max(1, milliseconds) : defaultTimeoutMs
}

function nanoseconds(timeout: Parameters<typeof numberText>[0] | string): bigint {
  if (typeof timeout !== 'string') return defined(int64Of(timeout), `invalid timeout number value, must be int64`)
  return /^[-+]?\d+$/.test(timeout) ? BigInt(timeout) : parseDuration(timeout)
}

const mostRetries = 100

function retriesOf(value: RegoValue | undefined): number {
  if (value === undefined) return 0
  const count = isNumberValue(value) ? intOf(value) : undefined
  if (count === undefined || count < 0) {
    throw new BuiltinError(`invalid value ${printJson(value)} for field "max_retry_attempts"`)
  }
  return Math.min(count, mostRetries)
}

// ── TLS ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

type Secret = Outbound['secret']

function tlsOf(options: RegoObject, headers: HttpRequest['headers'], secret: Secret): TlsOptions {
  const authorities = pems(options, 'tls_ca_cert', secret)
  const system = parsedFlag(options, 'tls_use_system_certs')
  const certificates = pems(options, 'tls_client_cert', secret)
  const keys = pems(options, 'tls_client_key', secret)
  const servername = trimmed(options, 'tls_server_name') || headers.get('Host')?.replace(/:\d+$/, '')
  return {
    ...(authorities.length > 0 && { ca: [...(system ? ['system'] : []), ...authorities] }),
    ...(certificates.length > 0 && keys.length > 0 && { cert: certificates, key: keys }),
    ...(servername && { servername }),
    ...(parsedFlag(options, 'tls_insecure_skip_verify') && { rejectUnauthorized: false as const }),
  }
}

/**
 * The PEM text that stands in the object, and those that it names. A policy must not read any file or variable of the
 * server, so both kinds of names are those of the configured secrets.
 */
function pems(options: RegoObject, key: string, secret: Secret): string[] {
  const named = [`${key}_file`, `${key}_env_variable`].flatMap((option) => {
    const name = trimmed(options, option)
    return name ? [defined(secret(name), `"${option}": there is no secret ${name} for this source`)] : []
  })
  const written = trimmed(options, key)
  return [...(written ? [written.replaceAll('\\n', '\n')] : []), ...named]
}

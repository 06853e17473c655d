/** Requests to AWS, signed by Signature Version 4. */
import { createHash, createHmac } from 'node:crypto'
import { RegoObject, type PureExtension, type RegoValue } from '../extension.ts'
import { compareStrings } from '../compare.ts'
import { goJson } from './go-json.ts'
import { readUrl } from './go-url.ts'
import { requestParameters } from './http/parameters.ts'
import { int64Of } from './number.ts'
import { any, number, objectOf as objectType, pure, string } from './types.ts'
import { asBoolean, asNumber, asObject, asString, BuiltinError, defined, lookup, objectFrom } from './values.ts'

export const aws: readonly PureExtension[] = [
  pure(
    'providers.aws.sign_req',
    [objectType(string, any), objectType(string, any), number],
    objectType(any, any),
    'An HTTP request for `http.send` with the headers that sign it for AWS.',
    ([request, config, time]) => signRequest(asObject(request), asObject(config), timeOf(time)),
  ),
]

interface SigningTime {
  /** `20060102` */
  readonly date: string
  /** `20060102T150405Z` */
  readonly instant: string
}

function timeOf(value: RegoValue | undefined): SigningTime {
  const nanoseconds = defined(int64Of(asNumber(value)), 'could not convert time_ns value into a unix timestamp')
  const second = nanoseconds / 1_000_000_000n - (nanoseconds % 1_000_000_000n < 0n ? 1n : 0n)
  const instant = `${new Date(Number(second) * 1000).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
  return { date: instant.slice(0, 8), instant }
}

interface Credentials {
  readonly service: string
  readonly region: string
  readonly accessKey: string
  readonly secretKey: string
  readonly sessionToken: string
}

function credentialsOf(config: RegoObject): Credentials {
  const text = (name: string): string => asString(lookup(config, name))
  return {
    service: text('aws_service'),
    region: text('aws_region'),
    accessKey: text('aws_access_key'),
    secretKey: text('aws_secret_access_key'),
    sessionToken: textOr(lookup(config, 'aws_session_token')),
  }
}

/** What is no string counts as an empty one. */
const textOr = (value: RegoValue | undefined): string => (typeof value === 'string' ? value : '')

function signRequest(request: RegoObject, config: RegoObject, time: SigningTime): RegoObject {
  const credentials = credentialsOf(config)
  if (request.entries.some(([key]) => !requestParameters.has(key))) throw new BuiltinError('invalid request parameters')
  const method = asString(lookup(request, 'method'))
  const url = readUrl(asString(lookup(request, 'url')))
  const given = headersOf(request)
  const headers = new Map(given.entries.map(([key, value]) => [textOr(key), textOr(value)]))
  const unsigned = lookup(config, 'disable_payload_signing')
  const isUnsigned = unsigned !== undefined && asBoolean(unsigned)
  const hash = isUnsigned ? 'UNSIGNED-PAYLOAD' : sha256(bodyOf(request))
  const own = ownHeaders(credentials, { host: url.host, instant: time.instant, hash })
  const signed = headersToSign(own, headers)
  const canonical = [
    method,
    url.escapedPath,
    url.rawQuery,
    ...signed.map(([name, value]) => `${name}:${value}`),
    '',
    signed.map(([name]) => name).join(';'),
    hash,
  ].join('\n')
  const authorization = authorizationOf({ credentials, time, canonical, names: signed.map(([name]) => name) })
  const all = [...headers, ['Authorization', authorization] as const, ...own]
  return objectFrom([...request.entries, ['headers', objectFrom(all)]])
}

function headersOf(request: RegoObject): RegoObject {
  const headers = lookup(request, 'headers')
  return headers === undefined ? new RegoObject([]) : asObject(headers)
}

function bodyOf(request: RegoObject): string {
  const raw = lookup(request, 'raw_body')
  if (raw !== undefined) return textOr(raw)
  const body = lookup(request, 'body')
  return body === undefined ? '' : goJson(body)
}

interface Basics {
  readonly host: string
  readonly instant: string
  readonly hash: string
}

function ownHeaders({ service, sessionToken }: Credentials, { host, instant, hash }: Basics): Map<string, string> {
  const headers = new Map([
    ['host', host],
    ['x-amz-date', instant],
  ])
  if (service === 's3' || service === 'glacier') headers.set('x-amz-content-sha256', hash)
  if (sessionToken !== '') headers.set('x-amz-security-token', sessionToken)
  return headers
}

/** What proxies may change on the way. */
const ignored = ['authorization', 'user-agent', 'x-amzn-trace-id']

function headersToSign(own: ReadonlyMap<string, string>, given: ReadonlyMap<string, string>): [string, string][] {
  const headers = new Map(own)
  for (const [name, value] of given) {
    const lower = name.toLowerCase()
    if (!ignored.includes(lower)) headers.set(lower, value)
  }
  return [...headers].toSorted(([a], [b]) => compareStrings(a, b))
}

interface ToSign {
  readonly credentials: Credentials
  readonly time: SigningTime
  readonly canonical: string
  readonly names: readonly string[]
}

function authorizationOf({ credentials, time, canonical, names }: ToSign): string {
  const { accessKey, secretKey, region, service } = credentials
  const scope = `${time.date}/${region}/${service}/aws4_request`
  const text = ['AWS4-HMAC-SHA256', time.instant, scope, sha256(canonical)].join('\n')
  const key = [time.date, region, service, 'aws4_request'].reduce<Buffer>(
    (secret, part) => hmac(secret, part),
    Buffer.from(`AWS4${secretKey}`),
  )
  const signature = hmac(key, text).toString('hex')
  return `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope},SignedHeaders=${names.join(';')},Signature=${signature}`
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/**
 * What a request to OPA's data API asks: the path, the flags of the query, and the input, whose JSON is taken out of the
 * body as it stands. Throws `invalid_request` and `body_too_large` with OPA's words.
 */
import { gunzipSync } from 'node:zlib'
import type { Context } from 'hono'
import { printJson } from '../../../extensions/print-json.ts'
import { readYaml } from '../../../extensions/opa/yaml-read.ts'
import { replaceLoneSurrogates, scanJson } from '../../engine/json-scan.ts'
import { EdictError } from '../../errors.ts'
import type { AppEnv } from '../environment.ts'
import { readBytes } from '../request-body.ts'
import { isObject, membersOf } from './json-bytes.ts'

/** `/v1/data/a/b%2Fc` below `/v1/data` → `a`, `b/c`. */
export function pathBelow(url: string, prefix: string): readonly string[] {
  const { pathname } = new URL(url)
  const segments = pathname.slice(prefix.length).split('/')
  try {
    return segments.filter((segment) => segment !== '').map(decodeURIComponent)
  } catch {
    throw new EdictError('invalid_request', 'the path is not percent-encoded UTF-8')
  }
}

/** `?pretty` and `?pretty=true` are set, `?pretty=false` is not. */
export function flag(c: Context<AppEnv>, name: string): boolean {
  const value = c.req.query(name)
  return value !== undefined && value !== 'false'
}

export const malformed = (message: string): EdictError =>
  new EdictError('invalid_request', `body contains malformed input document: ${message}`)

export interface BodyLimits {
  readonly maxBody: number
  readonly maxDepth: number
}

/** The body as one JSON document; undefined when it is empty. */
export async function readDocument(c: Context<AppEnv>, limits: BodyLimits): Promise<Uint8Array | undefined> {
  const sent = await readBytes(c, limits.maxBody)
  const body = c.req.header('content-encoding') === 'gzip' ? inflate(sent, limits.maxBody) : sent
  if (body.length === 0) return undefined
  return /^application\/(?:x-)?yaml\b/i.test(c.req.header('content-type') ?? '')
    ? fromYaml(body)
    : checkedJson(body, limits.maxDepth, malformed)
}

export function checkedJson(body: Uint8Array, maxDepth: number, wrong: (message: string) => EdictError): Uint8Array {
  const verdict = scanJson(body, maxDepth)
  if (verdict === 'ok') return body
  if (verdict === 'lone_surrogate') return replaceLoneSurrogates(body)
  throw wrong(
    verdict === 'too_deep' ? `nested deeper than ${maxDepth}` : `${verdict.message} at byte ${verdict.position}`,
  )
}

function inflate(body: Uint8Array, maxBody: number): Uint8Array {
  try {
    return gunzipSync(body, { maxOutputLength: maxBody })
  } catch (cause) {
    const tooLarge = cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE'
    if (tooLarge) throw new EdictError('body_too_large', `the body is larger than ${maxBody} bytes`)
    throw new EdictError('invalid_request', 'the body is not gzip', { cause })
  }
}

function fromYaml(body: Uint8Array): Uint8Array {
  try {
    return Buffer.from(printJson(readYaml(Buffer.from(body).toString())))
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : 'it is not YAML')
  }
}

/** Of `{ "input": … }`; undefined when it is not there, or null, which OPA takes for the same. */
export function inputOf(document: Uint8Array | undefined): Uint8Array | undefined {
  if (document === undefined) return undefined
  if (!isObject(document)) throw malformed('it must be an object that holds "input"')
  const input = membersOf(document).get('input')
  return input === undefined || Buffer.from(input).toString().trim() === 'null' ? undefined : input
}

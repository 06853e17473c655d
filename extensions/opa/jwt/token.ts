/** JSON Web Tokens in compact form (RFC 7515, RFC 7519): three parts, of which the first two are JSON objects. */
import { isArray } from '../../compare.ts'
import type { RegoObject, RegoValue } from '../../extension.ts'
import { parseJson } from '../../parse-json.ts'
import { decodeUrl } from '../base64.ts'
import { fromUtf8 } from '../utf8.ts'
import { asObject, asString, BuiltinError, lookup } from '../values.ts'

export interface Token {
  readonly header: string
  readonly payload: string
  readonly signature: string
  /** What the signature is over. */
  readonly signed: Buffer
}

export function splitToken(text: string): Token {
  const parts = text.split('.')
  const [header, payload, signature] = parts
  if (header === undefined || payload === undefined || signature === undefined || parts.length !== 3) {
    throw new BuiltinError(`encoded JWT must have 3 sections, found ${parts.length}`)
  }
  return { header, payload, signature, signed: Buffer.from(`${header}.${payload}`) }
}

export const decodeText = (part: string): string => fromUtf8(decodeUrl(part))

export const parseObject = (text: string): RegoObject => asObject(parseJson(text))

export function decodeHeader({ header }: Token): RegoObject {
  const object = parseObject(decodeText(header))
  if (lookup(object, 'enc') !== undefined) throw new BuiltinError('JWT is a JWE object, which is not supported')
  return object
}

/** What a header says about the token, as far as it is understood. */
export interface Header {
  readonly alg: string
  readonly kid: string
  readonly cty: string
  /** An algorithm, and no critical parameter that is not understood. */
  readonly isValid: boolean
}

const known = ['alg', 'kid', 'typ', 'cty', 'crit']

/** Throws on parameters of the wrong type. */
export function readHeader(header: RegoObject): Header {
  const text = (name: string): string => asString(lookup(header, name) ?? (hasKey(header, name) ? null : ''))
  const [alg, kid, cty] = [text('alg'), text('kid'), text('cty')]
  text('typ')
  const critical = criticalParameters(lookup(header, 'crit'))
  const isStrange = ([name]: readonly [RegoValue, RegoValue]): boolean =>
    typeof name === 'string' && !known.includes(name) && critical.includes(name)
  return { alg, kid, cty, isValid: alg !== '' && !header.entries.some(isStrange) }
}

const hasKey = (header: RegoObject, name: string): boolean => header.entries.some(([key]) => key === name)

/** A list that begins with anything but a string is as bad as an empty one. */
function criticalParameters(value: RegoValue | undefined): readonly RegoValue[] {
  if (value === undefined) return []
  if (!isArray(value)) throw new BuiltinError('crit: must be a list')
  const end = value.findIndex((item) => typeof item !== 'string')
  const names = end < 0 ? value : value.slice(0, end)
  if (names.length === 0) throw new BuiltinError('crit: must be a nonempty list')
  return names
}

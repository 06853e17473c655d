/** Text and bytes: hexadecimal, base64url, JSON with options. */
import type { PureExtension, RegoObject, RegoValue } from '../extension.ts'
import { goJson } from './go-json.ts'
import { indentJson } from './indent-json.ts'
import { any, boolean, pure, record, string } from './types.ts'
import { fromUtf8 } from './utf8.ts'
import { asBoolean, asObject, asString, BuiltinError, lookup } from './values.ts'

export const encoding: readonly PureExtension[] = [
  pure('hex.encode', [string], string, 'The bytes of a text in hexadecimal digits.', (args) =>
    Buffer.from(asString(args[0])).toString('hex'),
  ),
  pure('hex.decode', [string], string, 'The text whose bytes are given in hexadecimal digits.', (args) =>
    fromUtf8(fromHex(asString(args[0]))),
  ),
  pure('base64url.encode_no_pad', [string], string, 'A text in base64url without padding.', (args) =>
    Buffer.from(asString(args[0])).toString('base64url'),
  ),
  pure(
    'json.marshal_with_options',
    [any, record({ indent: string, prefix: string, pretty: boolean }, { key: string, value: any })],
    string,
    'A value as JSON, indented as the options say.',
    (args) => marshal(args[0] ?? null, asObject(args[1])),
  ),
]

function fromHex(text: string): Buffer {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) throw new BuiltinError('invalid hexadecimal')
  return Buffer.from(text, 'hex')
}

function marshal(value: RegoValue, options: RegoObject): string {
  for (const [key] of options.entries) {
    if (key !== 'prefix' && key !== 'indent' && key !== 'pretty') throw new BuiltinError('object contained unknown key')
  }
  const prefix = option(options, 'prefix', asString)
  const indent = option(options, 'indent', asString)
  const pretty = option(options, 'pretty', asBoolean) ?? (prefix !== undefined || indent !== undefined)
  const json = goJson(value)
  return pretty ? indentJson(json, { prefix: prefix ?? '', indent: indent ?? '\t' }) : json
}

function option<T>(options: RegoObject, name: string, as: (value: RegoValue) => T): T | undefined {
  const value = lookup(options, name)
  return value === undefined ? undefined : as(value)
}

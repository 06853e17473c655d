import { expect, it } from 'vitest'
import { encoding } from '../../../extensions/opa/encoding.ts'
import { graph } from '../../../extensions/opa/graph.ts'
import { nativeEncoding } from '../../../extensions/opa/native/encoding.ts'
import { semver } from '../../../extensions/opa/semver.ts'
import { type Call, disagreements } from './oracle.ts'

const text = (value: string): string => JSON.stringify(value)

const texts = ['', 'a', 'ab', 'abc', '\u0000', 'é😀', '<&>', 'ÿ']
const hexes = ['', '61', 'C3A9', 'c3a', 'zz', 'ff', ' 61', '0x61']
const base64s = ['', 'YQ==', 'YQ', 'YQ=', 'Y Q==', 'YWI=', 'YR==', '_-8=', '/+8=', '====', 'YQ==YQ==', 'YQ\n==']
const values = [
  'null',
  '[]',
  '{}',
  '[1, {"b": [], "a": {}}]',
  '"<&>\\u2028"',
  '{2, 1}',
  '{1: "x", "a": 1.0}',
  '1e3',
  '{"é": "\\u0000\\b"}',
]
const options = [
  '{}',
  '{"pretty": true}',
  '{"pretty": false, "indent": " "}',
  '{"indent": "  "}',
  '{"prefix": ">"}',
  '{"pretty": true, "prefix": "x", "indent": ""}',
  '{"other": 1}',
]
const versions = [
  '1.2.3',
  '1.2.3-rc.1',
  '1.2.3-rc.10',
  '1.2.3-rc.2+b',
  '1.2',
  'v1.2.3',
  '01.2.3',
  '1.2.3-',
  '99999999999999999999.0.0',
  '1.2.3+b.1',
  '',
]

const calls: readonly Call[] = [
  ...texts.flatMap((value): Call[] => [
    ['hex.encode', text(value)],
    ['base64url.encode_no_pad', text(value)],
  ]),
  ...hexes.map((value): Call => ['hex.decode', text(value)]),
  ...base64s.map((value): Call => ['base64.decode', text(value)]),
  ...values.flatMap((value): Call[] => [
    ['json.marshal', value],
    ...options.map((option): Call => ['json.marshal_with_options', value, option]),
  ]),
  ...versions.flatMap((a): Call[] => [
    ['semver.is_valid', text(a)],
    ...versions.map((b): Call => ['semver.compare', text(a), text(b)]),
  ]),
  ...['{}', '{"a": ["b", "c"], "b": {"d"}, "c": [], "d": ["a"]}', '{"a": ["a"]}', '{"a": ["x"]}'].flatMap((edges) =>
    ['["a"]', '{"a", "b"}', '[]', '["z"]'].map((start): Call => ['graph.reachable_paths', edges, start]),
  ),
]

it('bytes, JSON, versions and graphs are those of OPA', { timeout: 30_000 }, async () => {
  const extensions = [...encoding, ...nativeEncoding, ...semver, ...graph]
  expect(await disagreements(extensions, calls)).toEqual([])
})

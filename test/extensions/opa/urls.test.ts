import { expect, it } from 'vitest'
import { urls } from '../../../extensions/opa/urls.ts'
import { type Call, disagreements } from './oracle.ts'

const text = (value: string): string => JSON.stringify(value)

const addresses = [
  ...[
    'http://example.org',
    'https://user:pa%20ss@example.org:8443/a%20b/c?x=1&y=é#frag%20x',
    '//host/path',
    '/path?q',
    'path/only',
    '',
  ],
  ...[
    'mailto:a@b.c',
    'urn:isbn:123',
    'http://[::1]:80/',
    'http://[fe80::1%25en0]/',
    'http://[::1',
    'http://host:port/',
    'http://host:99999',
  ],
  ...[
    'http://a b/',
    'http://a%zz/',
    '/%zz',
    '?%zz',
    '#%zz',
    'http://h/%2F%41',
    ':nope',
    '1http://x',
    'http://',
    'http:///p',
    'HTTP://H/P',
  ],
  ...[
    'http://h?a=1?b',
    'http://h#a#b',
    'http://h/a;b',
    'http://h/ä',
    'http://user@',
    'http://@h',
    'http://:p@h',
    'a:b/c',
    './a:b',
    'http://h/\u0007',
    'http://h/a\nb',
    '*',
  ],
  ...[
    'http://h/?',
    'http://h/#',
    'http://%41h/',
    'file:///etc/passwd',
    'data:text/plain,x',
    'http://h/../a/./b',
    '\\\\x',
    'http://1.2.3.4:/x',
    'http://xn--nxa.example',
  ],
]
const queries = ['a b&c', 'é/ü?', "~-_.!*'()", '+%20', '', '100%', '%zz', '%41%C3%A9', 'a+b', '%ff', '\n']
const objects = [
  '{}',
  '{"a": "b c"}',
  '{"b": ["x", "y"], "a": {"p", "o"}}',
  '{"é": "ü&"}',
  '{"a": []}',
  '{"a": ["b", ""]}',
  '{"": ""}',
]
const encoded = ['a=b+c', 'a=1&a=2&b', '&&', 'a;b=1', '=x', '%zz=1', 'a=%zz', 'é=ü', 'a=b=c', '', 'a%20b=c']

const calls: readonly Call[] = [
  ...addresses.flatMap((address): Call[] => [
    ['uri.parse', text(address)],
    ['uri.is_valid', text(address)],
  ]),
  ...queries.flatMap((query): Call[] => [
    ['urlquery.encode', text(query)],
    ['urlquery.decode', text(query)],
  ]),
  ...objects.map((object): Call => ['urlquery.encode_object', object]),
  ...encoded.map((query): Call => ['urlquery.decode_object', text(query)]),
]

it('addresses and queries are read and written as OPA does', { timeout: 30_000 }, async () => {
  expect(await disagreements(urls, calls)).toEqual([])
})

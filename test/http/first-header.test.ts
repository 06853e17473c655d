import { expect, test } from 'vitest'
import { firstHeader } from '../../src/http/first-header.ts'

const raw = [
  'Host',
  'localhost:1',
  'accept-encoding',
  'gzip, deflate',
  'Accept-Language',
  'en-us',
  'fOO',
  'Bar',
  'x-loCATion',
  'Baz',
  'x-2nd',
  'n',
  'X-Two',
  'first',
  'x-two',
  'second',
  'x-name',
  'Jos\u00c3\u00a9',
  'x-raw',
  'a\u00ff',
]

test.each([
  ['Accept-Encoding', 'gzip, deflate'],
  ['Accept-Language', 'en-us'],
  ['Foo', 'Bar'],
  ['X-Location', 'Baz'],
  ['Host', 'localhost:1'],
  ['X-2nd', 'n'],
  ['X-Two', 'first'],
  ['Absent', ''],
  ['X-LOCATION', 'Baz'],
  ['X-Location ', ''],
  ['X-Name', 'José'],
  ['X-Raw', 'a\ufffd'],
  ['', ''],
])('the header %j reads as %j', (name, expected) => {
  expect(firstHeader(raw, name)).toBe(expected)
})

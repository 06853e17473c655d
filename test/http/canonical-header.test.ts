import { expect, test } from 'vitest'
import { firstHeader } from '../../src/http/canonical-header.ts'

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
  ['accept-encoding', ''],
  ['fOO', ''],
  ['X-LOCATION', ''],
  ['X-Location ', ''],
  ['', ''],
])('the header %j reads as %j', (name, expected) => {
  expect(firstHeader(raw, name)).toBe(expected)
})

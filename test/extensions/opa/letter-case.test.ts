import { expect, it } from 'vitest'
import { nativeStrings } from '../../../extensions/opa/native/strings.ts'
import { type Call, disagreements } from './oracle.ts'

/** All that is a letter, a mark, a number or a symbol to this Node, by the row. */
const rows = Array.from({ length: 0x1f0 }, (_, row) =>
  Array.from({ length: 256 }, (_, i) => row * 256 + i)
    .filter((code) => code < 0xd800 || code > 0xdfff)
    .map((code) => String.fromCodePoint(code))
    .filter((char) => /\p{L}|\p{M}|\p{N}|\p{S}/u.test(char))
    .join(''),
)

it('every character has the upper and lower case that it has in Go', { timeout: 30_000 }, async () => {
  const calls = rows.flatMap((row): Call[] => ['upper', 'lower'].map((name) => [name, JSON.stringify(row)]))
  expect(await disagreements(nativeStrings, calls)).toEqual([])
})

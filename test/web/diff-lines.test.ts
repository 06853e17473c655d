import { expect, it } from 'vitest'
import { changedLines, diffRows, pairs } from '../../web/src/parts/diff-lines.ts'

const diff = `--- a/policy.rego
+++ b/policy.rego
@@ -3,4 +3,5 @@
 same
-one
-two
+three
+four
+-- not a header
 end
`

it('numbers the lines of both sides, and takes no line for a header that begins like one', () => {
  const rows = diffRows(diff)
  expect(changedLines(rows)).toEqual({ added: 3, removed: 2 })
  expect(rows.at(-1)).toEqual({
    kind: 'same',
    before: { number: 6, text: 'end' },
    after: { number: 7, text: 'end' },
  })
  expect(rows.at(-2)).toEqual({ kind: 'add', after: { number: 6, text: '-- not a header' } })
})

it('a removed line that begins with two dashes is a line', () => {
  expect(changedLines(diffRows('@@ -1,2 +1,1 @@\n--- x\n same\n'))).toEqual({ added: 0, removed: 1 })
})

it('pairs what was removed with what was added in its place', () => {
  const shown = pairs(diffRows(diff)).map((row) =>
    row.kind === 'hunk' ? 'hunk' : [row.kind, row.before?.text ?? null, row.after?.text ?? null],
  )
  expect(shown).toEqual([
    'hunk',
    ['same', 'same', 'same'],
    ['changed', 'one', 'three'],
    ['changed', 'two', 'four'],
    ['changed', null, '-- not a header'],
    ['same', 'end', 'end'],
  ])
})

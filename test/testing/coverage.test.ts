import { describe, expect, it } from 'vitest'
import { coverageTable, lcov, mergeCoverage } from '../../src/testing/coverage.ts'

const file = (name: string, covered: readonly number[], missed: readonly number[]) => ({
  file: name,
  covered: new Set(covered),
  missed: new Set(missed),
})
const same = (path: string): string => path

describe('coverage', () => {
  const merged = mergeCoverage([file('b.rego', [1], [3, 4, 5, 9]), file('a.rego', [], []), file('b.rego', [4], [1, 3])])

  it('a line that one policy reaches is reached', () => {
    expect(merged.map(({ file: name, missed }) => [name, [...missed]])).toEqual([
      ['a.rego', []],
      ['b.rego', [3, 5, 9]],
    ])
  })

  it('as a table, with the lines that are not reached', () => {
    expect(coverageTable(merged, same)).toBe('a.rego       -\nb.rego   40.0%  not reached: 3, 5, 9\nall      40.0%')
    expect(coverageTable([file('c', [1], [2, 3, 4])], same)).toContain('not reached: 2-4')
  })

  it('as LCOV', () => {
    expect(lcov(merged.slice(1), same)).toBe(
      'TN:\nSF:b.rego\nDA:1,1\nDA:3,0\nDA:4,1\nDA:5,0\nDA:9,0\nLF:5\nLH:2\nend_of_record\n',
    )
  })
})

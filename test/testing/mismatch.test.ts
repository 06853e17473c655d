import { describe, expect, it } from 'vitest'
import { parseValue } from '../../src/engine/value-text.ts'
import { mismatches, mismatchText } from '../../src/testing/mismatch.ts'
import { parsePath, showPath, withValue } from '../../src/testing/value-path.ts'
import { printJson } from '../../extensions/print-json.ts'
import { absent } from '../../src/testing/yaml-file.ts'
import { RegoObject } from '../../extensions/extension.ts'

const value = (json: string) => parseValue(Buffer.from(json))
const told = (expected: string, actual: string, partial = false): readonly string[] =>
  mismatches({ expected: value(expected), actual: value(actual), partial }).map(mismatchText)

describe('what differs is named by its place', () => {
  it('exactly: members and items that are missing, other, or too many', () => {
    expect(told('{"a":{"b":[1,2]},"c":1}', '{"a":{"b":[1,3,4]},"d":2}')).toEqual([
      'at a.b[1]: expected 2, got 3',
      'at a.b[2]: 4 is not expected',
      'at c: expected 1, got nothing',
      'at d: 2 is not expected',
    ])
  })

  it('partially: members that are not named may be there, at every depth', () => {
    expect(told('{"a":{"b":1}}', '{"a":{"b":1,"x":2},"y":3}', true)).toEqual([])
    expect(told('{"a":[{"b":1}]}', '{"a":[{"b":1,"c":2}]}', true)).toEqual([])
    expect(told('{"a":[1]}', '{"a":[1,2]}', true)).toEqual(['at a[1]: 2 is not expected'])
  })

  it('numbers are compared by value and with all their digits', () => {
    expect(told('[1.0,1e3,10000000000000000000001]', '[1,1000,10000000000000000000001]')).toEqual([])
    expect(told('10000000000000000000001', '10000000000000000000002')).toHaveLength(1)
  })

  it('null, false, empty and nothing are not the same', () => {
    expect(told('{"a":null}', '{}')).toEqual(['at a: expected null, got nothing'])
    expect(told('[]', '{}')).toEqual(['expected [], got {}'])
    expect(told('false', '0')).toEqual(['expected false, got 0'])
  })

  it('!undefined: nothing must be there', () => {
    const expected = new RegoObject([['a', absent]])
    expect(mismatches({ expected, actual: value('{}'), partial: true })).toEqual([])
    expect(mismatches({ expected, actual: value('{"a":null}'), partial: true }).map(mismatchText)).toEqual([
      'at a: null is not expected',
    ])
  })
})

it('a path is written and read the same way', () => {
  for (const text of ['deny[0]', 'user.name', 'grants["a.b"].x[2]', '["0"]'])
    expect(showPath(parsePath(text) ?? [])).toBe(text)
  for (const text of ['', '.a', 'a..b', 'a[', 'a[x]', 'a b']) expect(parsePath(text)).toBeUndefined()
})

it('a value is put at a path, and objects are made on the way', () => {
  const put = (at: string) => printJson(withValue(value('{"a":{"b":[1,2]},"c":3}'), parsePath(at) ?? [], 9))
  expect(put('a.b[1]')).toBe('{"a":{"b":[1,9]},"c":3}')
  expect(put('x.y')).toBe('{"a":{"b":[1,2]},"c":3,"x":{"y":9}}')
})

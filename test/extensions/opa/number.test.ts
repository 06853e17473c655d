import { describe, expect, it } from 'vitest'
import { numberOf, numberText } from '../../../extensions/compare.ts'
import { bigIntOf, decimalOf, fromDouble, int64Of, plainText, shortestDouble } from '../../../extensions/opa/number.ts'
import { parseJson } from '../../../extensions/parse-json.ts'
import { printJson } from '../../../extensions/print-json.ts'

describe('numbers', () => {
  it.each([
    ['2.0', 2n],
    ['1e3', 1000n],
    ['12345678901234567890123', 12345678901234567890123n],
    ['1.5', undefined],
    ['1500e-2', 15n],
    ['0.0', 0n],
    ['1e-999', undefined],
    ['-7', -7n],
  ])('%s is an integer, or none, of any size and notation', (text, wanted) => {
    expect(bigIntOf(numberOf(text))).toBe(wanted)
  })

  it.each([
    ['2.0', 2n],
    ['1e3', undefined],
    ['9223372036854775807', 9223372036854775807n],
    ['9223372036854775808', undefined],
    ['1.5', undefined],
    ['-12', -12n],
  ])('%s has 64 bits as Go reads them, or none', (text, wanted) => {
    expect(int64Of(numberOf(text))).toBe(wanted)
  })

  it('never computes a power that nobody can hold', () => {
    expect(() => decimalOf(numberOf('1e999999999'))).toThrow(RangeError)
  })

  it('prints decimals without exponent and doubles as Go does', () => {
    for (const [text, wanted] of [
      ['1.500', '1.5'],
      ['-0.05', '-0.05'],
      ['12e3', '12000'],
      ['3.14159265358979323846', '3.14159265358979323846'],
    ]) {
      expect(plainText(decimalOf(numberOf(text ?? '')))).toBe(wanted)
    }
    expect([1e6, 123456, 1.5, 1e-5, 0.0001, 123456789, -0.25, 1e100].map((n) => shortestDouble(n))).toEqual([
      '1e+06',
      '123456',
      '1.5',
      '1e-05',
      '0.0001',
      '1.23456789e+08',
      '-0.25',
      '1e+100',
    ])
    expect(shortestDouble(123456789, 21)).toBe('123456789')
    expect(numberText(fromDouble(1e6))).toBe('1e+06')
  })
})

describe('parseJson', () => {
  it('keeps digits and the last of several members', () => {
    expect(printJson(parseJson(' {"b":[1.0, 12345678901234567890], "a":null, "b": {"x":[]}} '))).toBe(
      '{"a":null,"b":{"x":[]}}',
    )
    expect(printJson(parseJson('[1.0,1e2,-0,"\\u00e9\\ud800"]'))).toBe('[1.0,1e2,-0,"é\ufffd"]')
  })

  it.each([
    '',
    ' ',
    '{',
    '[1,]',
    '{"a":1,}',
    '{,}',
    '{"a" 1}',
    '01',
    '1 2',
    "'a'",
    '[1 2]',
    'nul',
    '{1:2}',
    ']',
    '"\t"',
    '+1',
    '1.',
    'undefined',
  ])('refuses %j', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError)
  })
})

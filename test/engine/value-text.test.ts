import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RegoNumber, RegoObject, RegoSet, type RegoValue } from '../../extensions/extension.ts'
import { compareNumbers, compareStrings, compareValues } from '../../extensions/compare.ts'
import { createResultWriter } from '../../src/engine/result-json.ts'
import { printJson } from '../../extensions/print-json.ts'
import { parseValue, printValue } from '../../src/engine/value-text.ts'

const parse = (text: string): RegoValue => parseValue(Buffer.from(text))

/** Value text with the spaces that OPA puts into it. */
const spaced = (value: RegoValue): string =>
  printValue(value).replace(/"(?:\\.|[^"\\])*"|[:,]/g, (token) => (token.startsWith('"') ? token : `${token} `))

const values = fc.letrec<{ value: RegoValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<RegoValue>(null, true, false, 'x', '', 'é', '"\\\n', 0, 1, -1, 1.5),
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.uniqueArray(tie('value'), { maxLength: 4, selector: printValue }).map((items) => new RegoSet(items)),
    fc
      .uniqueArray(fc.tuple(tie('value'), tie('value')), { maxLength: 4, selector: ([key]) => printValue(key) })
      .map((entries) => new RegoObject(entries)),
  ),
})).value

describe('value text', () => {
  it('is read to its end and no byte further: what follows in memory may be megabytes of nothing', () => {
    const text = Buffer.from('[1, {"a": "b"}] ')
    const memory = Buffer.concat([text, Buffer.alloc(1000)])
    let last = 0
    const watched = new Proxy(memory, {
      get: (bytes, key) => {
        if (typeof key === 'string' && /^\d+$/.test(key)) last = Math.max(last, Number(key))
        const found: unknown = Reflect.get(bytes, key)
        return typeof found === 'function' ? (found.bind(bytes) as unknown) : found
      },
    })
    expect(printValue(parseValue(watched, 0, text.length))).toBe('[1,{"a":"b"}]')
    expect(last).toBeLessThanOrEqual(text.length)
  })

  it('reads sets, objects with keys of any kind, and numbers with all their digits', () => {
    expect(parse('{1, "a", [set(), {}]}')).toEqual(new RegoSet([1, 'a', [new RegoSet([]), new RegoObject([])]]))
    expect(parse('{[1]: {2}, "k": null}')).toEqual(
      new RegoObject([
        [[1], new RegoSet([2])],
        ['k', null],
      ]),
    )
    expect(parse('[1e400, 1.10, 12345678901234567890, -0, 3]')).toEqual([
      ...['1e400', '1.10', '12345678901234567890', '-0'].map((text) => new RegoNumber(text)),
      3,
    ])
  })

  it('prints what it has read', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(parse(spaced(value))).toEqual(value)
      }),
    )
  })

  it('does not take more than one value, or half of one', () => {
    for (const text of ['1 2', '[1', '{1', '{1: 2', '"a', '', 'x']) expect(() => parse(text), text).toThrow()
  })

  it('refuses to print a number that Rego does not have', () => {
    for (const number of [Number.NaN, Number.POSITIVE_INFINITY]) expect(() => printValue(number)).toThrow(RangeError)
  })
})

describe('JSON from value text', () => {
  it('is the same on the fast path as through RegoValue', () => {
    const write = createResultWriter()
    fc.assert(
      fc.property(values, (value) => {
        const text = Buffer.from(`#${spaced(value)}\0`)
        expect(write(text, 1, text.length - 1).toString()).toBe(printJson(parse(spaced(value))))
      }),
      { numRuns: 500 },
    )
  })

  it('sorts members by the bytes of their keys', () => {
    const write = createResultWriter()
    const text = Buffer.from(
      '{"b": {"z": 1, "é": 2, "": 3}, "a\\"": [1, {"y": 1, "x": {}}], "ab": "c", "😀": 1, "ﬀ": 2}',
    )
    expect(write(text, 0, text.length).toString()).toBe(
      '{"a\\"":[1,{"x":{},"y":1}],"ab":"c","b":{"":3,"z":1,"é":2},"ﬀ":2,"😀":1}',
    )
  })
})

describe('the order of values', () => {
  it('goes by kind first, then by content', () => {
    const sorted: RegoValue[] = [
      ...[null, false, true, new RegoNumber('-1e400'), -1, 0, 0.5, 2, 10, new RegoNumber('1e400'), '', 'a', 'ﬀ', '😀'],
      ...[[], [1], [1, 2], [2], new RegoObject([]), new RegoObject([['a', 1]]), new RegoObject([['a', 2]])],
      ...[new RegoSet([]), new RegoSet([2, 1]), new RegoSet([1, 3])],
    ]
    expect(sorted.toReversed().toSorted(compareValues)).toEqual(sorted)
  })

  it('compares numbers by their exact value', () => {
    const equal = [
      ['1', '1.0'],
      ['100', '1e2'],
      ['-0', '0'],
      ['0.10', '1E-1'],
      ['0e5', '0.000'],
      ['1200', '12E+2'],
    ]
    for (const [a = '', b = ''] of equal) expect(compareNumbers(a, b), `${a} ${b}`).toBe(0)
    const ordered = [
      '-1e9',
      '-2',
      '-1.5',
      '0',
      '1e-400',
      '0.09',
      '0.1',
      '9007199254740992',
      '9007199254740993',
      '1e400',
    ]
    for (const [i, a] of ordered.entries()) {
      for (const [j, b] of ordered.entries())
        expect(Math.sign(compareNumbers(a, b)), `${a} ${b}`).toBe(Math.sign(i - j))
    }
  })

  it('compares a million digits at once', () => {
    const million = '9'.repeat(1_000_000)
    expect(compareNumbers(million, `${million}0`)).toBe(-1)
    expect(compareNumbers(`${million}1`, `${million}2`)).toBe(-1)
  })

  it('compares strings by code point', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        expect(Math.sign(compareStrings(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
  })
})

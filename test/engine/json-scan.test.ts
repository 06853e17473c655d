import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { replaceLoneSurrogates, scanJson } from '../../src/engine/json-scan.ts'

const scan = (text: string, depth = 100) => scanJson(Buffer.from(text), depth)

describe('the JSON scanner', () => {
  it.each([
    ...[
      'null',
      'true',
      'false',
      '0',
      '-0',
      '-1.5e+30',
      '1E400',
      '12345678901234567890.10',
      '""',
      '"\\u00e9\\n"',
      '"é😀"',
    ],
    ...[
      '[]',
      '{}',
      ' [ ] ',
      '\t{\r\n}\n',
      '[[],{}]',
      '[1,[2,{"a":[]}],3]',
      '{"a":1,"b":{"c":[]},"":null}',
      '"\\ud83d\\ude00"',
    ],
  ])('takes %s', (text) => {
    expect(scan(text)).toBe('ok')
  })

  it.each([
    ...[
      '',
      ' ',
      'nul',
      'nulll',
      'True',
      'undefined',
      'NaN',
      'Infinity',
      '-',
      '+1',
      '01',
      '-01',
      '1.',
      '.5',
      '1e',
      '1e+',
      '0x1',
      '1_0',
    ],
    ...[
      '"',
      '"\\x"',
      '"\\u12"',
      '"\\u12g4"',
      '"\t"',
      '"a\nb"',
      "'a'",
      '1 2',
      '[1 2]',
      '[1,]',
      '[,1]',
      '[',
      ']',
      '[1',
      '[1}',
      '[}',
    ],
    ...[
      '{',
      '}',
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      '{,}',
      '{a:1}',
      '{1:2}',
      '{"a":1 "b":2}',
      '{"a":1]',
      '{1,2}',
      'set()',
      '[set()]',
    ],
    ...['// x\n1', '/* x */1', '1 // x', '\ufeff1', '\u00a01', '[1]]', '{}}', 'null,', '"a" "b"', '{"a":1}x', '\0'],
  ])('refuses %j', (text) => {
    expect(scan(text)).toMatchObject({ message: expect.any(String) })
  })

  it.each([
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a byte alone', [0xff]],
    ['half a character', [0xc3]],
    ['more than Unicode', [0xf4, 0x90, 0x80, 0x80]],
  ])('refuses %s as UTF-8', (_name, bytes) => {
    expect(scanJson(Uint8Array.from([0x22, ...bytes, 0x22]), 1)).toMatchObject({ message: /UTF-8/ })
  })

  it('says where the text goes wrong', () => {
    expect(scan('{"a": tru }')).toEqual({ position: 9, message: 'expected a JSON value, found byte 0x20' })
    expect(scan('[1; 2]')).toEqual({ position: 2, message: "expected a comma or ], found ';'" })
    expect(scan('[1, ')).toEqual({ position: 4, message: 'unexpected end of the JSON text' })
  })

  it('counts open brackets against the depth', () => {
    expect(scan('1', 0)).toBe('ok')
    expect(scan('[]', 0)).toBe('too_deep')
    expect(scan('[[],[{}]]', 3)).toBe('ok')
    expect(scan('[[],[{}]]', 2)).toBe('too_deep')
    expect(scan('['.repeat(40_000), 500)).toBe('too_deep')
    expect(scan('[]'.repeat(1), 1)).toBe('ok')
    expect(scan(`[${'[],'.repeat(1000)}[]]`, 2)).toBe('ok')
  })

  it('finds lone surrogates and mends them', () => {
    for (const text of [
      '"\\ud800"',
      '"\\udc00\\ud800"',
      '{"\\uD83D":1}',
      '"\\ud800\\u0041"',
      '"\\ud83d\\ud83d\\ude00"',
    ]) {
      expect(scan(text)).toBe('lone_surrogate')
      const mended = Buffer.from(replaceLoneSurrogates(Buffer.from(text))).toString()
      expect(scan(mended)).toBe('ok')
      expect(JSON.parse(mended)).toEqual(
        JSON.parse(text.replaceAll(/\\u[dD]83[dD](?!\\ude00)|\\ud800|\\udc00/g, '\\ufffd')),
      )
    }
    expect(Buffer.from(replaceLoneSurrogates(Buffer.from('"é\\\\ud800 \\ud800"'))).toString()).toBe(
      '"é\\\\ud800 \\ufffd"',
    )
  })

  it('agrees with JSON.parse on arbitrary JSON, and on the same with one byte changed', () => {
    const edited = fc.tuple(fc.json(), fc.nat(), fc.constantFrom(...Array.from('{}[],:"\\0-+.eEtn \n1')))
    fc.assert(
      fc.property(edited, ([json, at, letter]) => {
        for (const text of [json, json.slice(0, at % json.length) + letter + json.slice((at % json.length) + 1)]) {
          expect(typeof scan(text, 1000) === 'string', text).toBe(parses(text))
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('tells the same of a text whether it looks at it quickly or, for a tab behind it, closely', () => {
    const edited = fc.tuple(
      fc.json({ maxDepth: 4 }),
      fc.nat(),
      fc.constantFrom(...Array.from('{}[],:"0-.e \nté')),
      fc.nat(4),
    )
    fc.assert(
      fc.property(edited, ([json, at, letter, depth]) => {
        for (const text of [json, json.slice(0, at % json.length) + letter + json.slice((at % json.length) + 1)])
          expect(scan(text, depth) === 'ok', text).toBe(scan(`${text}\t`, depth) === 'ok')
      }),
      { numRuns: 2000 },
    )
  })
})

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/**
 * Builtins that OPA's WASM carries itself, compiled and asked for what the engine diverts to the host and for what it
 * does not: every answer is that of `opa eval`, text by text.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { RegoObject, type RegoValue } from '../../extensions/extension.ts'
import { keyText, printJson } from '../../extensions/print-json.ts'
import { natives } from '../../extensions/natives.ts'
import { diversions } from '../../src/engine/meter/diversions.ts'
import { parseValue } from '../../src/engine/value-text.ts'
import { answer, compile, load, opaEval } from './compile.ts'

/** A Rego expression of `x`; the values that it is asked for, as JSON. */
type Table = readonly [expression: string, values: readonly string[]]

const numbers = [
  ...['0', '1', '-1', '7', '-13', '255', '999999999', '1000000000', '2147483647', '-2147483648', '2147483648'],
  ...['4294967296', '9007199254740993', '-9223372036854775808', '18446744073709551617', '1e3', '2.0', '-0', '0.0'],
  ...['0.5', '-0.5', '-0.1', '1.5', '2.5', '-2.5', '3.14159', '0.1', '0.2', '1e-7', '123456.789', '1234567.5'],
  ...['1e22', '1.7976931348623157e308', '12345678901234567890.5', '0.123456789012345678901234', '"7"', 'null'],
]
const pairs = numbers.flatMap((a) =>
  ['0', '3', '-3', '10', '0.3', '-0.7', '1e10', '99999999999999999999', '"x"'].map((b) => `[${a},${b}]`),
)
const lists = [
  '[]',
  '[1,2,3]',
  '[0.1,0.2]',
  '[3000000000,3000000000]',
  '[1,"a"]',
  '[1.5,2]',
  '[0.1,0.2,0.3]',
  '[1e20,1]',
  '[2.5,2.5,2.5]',
  '{"a":1}',
  '"12"',
]
const texts = [
  ...['', 'a', 'Hello', 'ÄÖß', 'ǆ', 'İı', 'ΑΣ', 'ᾀᾳῼ', 'ŉ', 'ﬃ', 'ⱟ', '😀', 'ꮜ', 'x\u0000y'].map((text) =>
    JSON.stringify(text),
  ),
  ...['1', 'null', '["a"]'],
]
const triples = [
  '["ab","","-"]',
  '["é","","-"]',
  '["","","x"]',
  '["aaa","a","b"]',
  '["a.b",".","$&"]',
  '["abc","x",""]',
  '["é😀","😀","é"]',
  '[1,"",""]',
  '["a","",1]',
]
const numberTexts = [
  ...[
    '007',
    '1.',
    '.5',
    '0e',
    '0e0',
    '5',
    '+5',
    '-5',
    '-.5',
    '-0',
    '00',
    '1e3',
    '1E+3',
    '1e400',
    '-1e400',
    '1e-400',
    '0e999999',
  ],
  ...[
    '0x10',
    '0x1p4',
    '0x1.8p1',
    '-0X_1fP-2',
    '0x.p1',
    'inf',
    '-Infinity',
    'nan',
    '',
    ' 1',
    '1 ',
    '1_000',
    '_1',
    '1__0',
    '1_',
    '1_.5',
    '1e1_0',
    '0x1_fp0',
    '0x_1p0',
    '--1',
    '1e',
    '.',
    'a',
    '١',
  ],
  ...['9007199254740993', '12345678901234567890.123', '1.50', '0.0'],
].map((text) => JSON.stringify(text))
const jsonTexts = [
  ...[
    '{"a":1} x',
    '"\\ud800"',
    '"\\ud83d\\ude00"',
    '1e400',
    '1e40000',
    '-1e-40000',
    '1e30000',
    '{"a":{"b":1e99999}}',
    '[1.0,2]',
    '',
    ' ',
    '[1,]',
  ],
  ...[
    '{"b":1,"a":2,"b":3}',
    '01',
    '"tab\t"',
    'nul',
    'true false',
    '\ufeff1',
    '[[[[]]]]',
    '0e99999',
    "'a'",
    '{"a":[1,{"c":null}]}',
  ],
].map((text) => JSON.stringify(text))

const tables: readonly Table[] = [
  ...['abs', 'ceil', 'floor', 'round', 'to_number'].map((name): Table => [`${name}(x)`, numbers]),
  ...['+', '-', '*', '/', '%'].map((operator): Table => [`x[0] ${operator} x[1]`, pairs]),
  ...['sum', 'product'].map((name): Table => [`${name}(x)`, lists]),
  ...['sum', 'product'].map((name): Table => [`${name}({y | some y in x})`, lists]),
  ['sum([100, 2147483648, 3000000000])', ['null']],
  ['3000000000 * 3000000000', ['null']],
  ['-2147483648 + x', ['-1', '-2147483648', '0.5']],
  ['{1, 2, 3.5} - {x}', ['1', '3.5', '9']],
  ...[2, 8, 10, 16].map((base): Table => [`format_int(x, ${base})`, numbers]),
  ['format_int(255, x)', ['2', '10.0', '3', '16']],
  ['to_number(x) + 0', [...numberTexts, 'true', 'null', '[]']],
  ['json.unmarshal(x)', jsonTexts],
  ['json.is_valid(x)', [...jsonTexts, '1']],
  [
    'json.marshal(x)',
    ['{"q":1,"w":{"z":[1.0,2],"b":"<&>\\f\\u2028"},"e":[]}', '"é\\u0001\\b"', '1e3', 'null', '"\\\\"'],
  ],
  ['json.marshal({2, 1, x})', ['3', '"a"']],
  ['json.marshal({x: 1})', ['3', '["<"]', 'null']],
  ['concat(x, {"q", "w", "e", "r"})', ['","', '""', '1']],
  ['concat(x, ["q", "w"])', ['","', '""', '1']],
  ['concat(",", {y | some y in x})', ['["b","a"]', '[]', '["a",1]', '["é","z","😀","\\uffff"]']],
  ['indexof("abc", x)', ['""', '"c"', '"z"', '1']],
  ['indexof(x, "😀")', ['"a😀"', '"😀"', '""']],
  ['upper(x)', texts],
  ['lower(x)', texts],
  ['replace(x[0], x[1], x[2])', triples],
  ['base64.decode(x)', ['""', '"YQ"', '"YQ=="', '"Y Q=="', '"YQ\\n=="', '"/+8="', '"_-8="', '"YQ==="', '"Y==="', '1']],
  [
    'net.cidr_contains("10.0.0.0/8", x)',
    [
      '"10.1.2.3"',
      '"::ffff:10.1.2.3"',
      '"11.0.0.1"',
      '"10.0.0.0/9"',
      '"10.0.0.0/7"',
      '"x"',
      '"::1/64"',
      '"010.0.0.1"',
      '1',
    ],
  ],
  [
    'net.cidr_contains(x, "2001:db8::1")',
    ['"2001:db8::/32"', '"2001:db9::/32"', '"::/0"', '"0.0.0.0/0"', '"2001:db8::"'],
  ],
]

function membersOf(value: RegoValue | undefined): Answers {
  if (!(value instanceof RegoObject)) throw new TypeError('not an object')
  return new Map(value.entries.map(([key, one]) => [keyText(key), one]))
}

const members = (text: string): Answers => membersOf(parseValue(Buffer.from(text)))

/** All in one policy: a rule for each table, with the answer by the place of the value. */
async function answers(): Promise<{ readonly ours: Answers; readonly theirs: Answers }> {
  const rules = tables.map(([expression], i) => `t${i} := {j: y | some j, x in input[${i}]; y := ${expression}}`)
  const sources = { files: { 'policy.rego': `package t\n\n${rules.join('\n')}\n` }, document: 'data.t' }
  const input = `[${tables.map(([, values]) => `[${values.join(',')}]`).join(',')}]`
  const policy = await load({ wasm: await compile(sources), engine: { limits: { budget: 1e9 } } })
  return { ours: members(answer(policy, input)), theirs: members(await opaEval(sources, { input })) }
}

type Answers = ReadonlyMap<string, RegoValue>

describe('a builtin that WASM carries answers as `opa eval` does', () => {
  let all: Awaited<ReturnType<typeof answers>>
  beforeAll(async () => {
    all = await answers()
  })

  it.each(tables.map(([expression, values], i) => [expression, values, `t${i}`] as const))('%s', (_, values, rule) => {
    const [ours, theirs] = [all.ours, all.theirs].map((one) => membersOf(one.get(rule)))
    expect(theirs?.size).toBeGreaterThan(0)
    const shown = (of: Answers | undefined, i: number) => of?.get(`${i}`) ?? 'undefined'
    const different = values.flatMap((value, i) => {
      const [own, wanted] = [ours, theirs].map((of) => printJson(shown(of, i)))
      return own === wanted ? [] : [{ value, own, wanted }]
    })
    expect(different).toEqual([])
  })

  it('when each of the texts that Go takes for a number becomes JSON', async () => {
    const sources = { files: { 'p.rego': 'package t\n\nx := to_number(input)\n' }, document: 'data.t' }
    const policy = await load({ wasm: await compile(sources) })
    const answers = numberTexts.map((text) => answer(policy, text))
    expect(answers.filter((text) => text === 'undefined')).toEqual([])
    for (const text of answers) expect(() => JSON.parse(text) as unknown).not.toThrow()
    expect(answer(policy, '"007"')).toBe('{"x":7}')
  })

  it('for which there is a host function, and a number that fits its place', () => {
    expect(
      diversions.map(({ builtin }) => builtin).filter((name) => !natives.some((one) => one.name === name)),
    ).toEqual([])
    expect(diversions.length).toBeLessThanOrEqual(64)
  })
})

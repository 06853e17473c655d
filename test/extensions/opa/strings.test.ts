import { expect, it } from 'vitest'
import { strings } from '../../../extensions/opa/strings.ts'
import { type Call, disagreements } from './oracle.ts'

const text = (value: string): string => JSON.stringify(value)
const sprintf = (format: string, ...values: readonly string[]): Call => [
  'sprintf',
  text(format),
  `[${values.join(', ')}]`,
]

const values = [
  ...[
    '0',
    '7',
    '-13',
    '2147483648',
    '12345678901234567890',
    '0.5',
    '-2.75',
    '3.0',
    '1e3',
    '1e21',
    '1e-7',
    '123456.789',
  ],
  ...[
    '"x"',
    '"é😀"',
    '""',
    '"a\\"b\\n"',
    'true',
    'null',
    '[1, "a", [null]]',
    '{"b": 1, "a": {"c": 2}}',
    '{3, 1, 2}',
    'set()',
    '{}',
  ],
]
const verbs = [
  ...[
    '%v',
    '%+v',
    '%#v',
    '%T',
    '%d',
    '%5d',
    '%-5d|',
    '%05d',
    '%+d',
    '% d',
    '%x',
    '%X',
    '%#x',
    '%o',
    '%O',
    '%b',
    '%c',
    '%U',
    '%q',
  ],
  ...[
    '%s',
    '%10s|',
    '%-10s|',
    '%.2s',
    '%t',
    '%e',
    '%E',
    '%f',
    '%.2f',
    '%8.3f',
    '%+.1f',
    '%08.2f',
    '%g',
    '%G',
    '%.3g',
    '%z',
    '%%',
  ],
]

const lists = ['"ab"', '["ab", "b"]', '{"ab", "é"}', '""', '[]', 'set()', '["", "x"]']

const calls: readonly Call[] = [
  ...verbs.flatMap((verb) => values.map((value) => sprintf(verb, value))),
  ...[
    'plain',
    '',
    '%',
    '%v',
    '%v %v',
    '%[2]v %[1]v',
    '%[3]v',
    '%[x]v',
    '%*d',
    '%.*f',
    '%[1]*d',
    '%!',
    '%v%',
    '%-+5d|',
    '%6.2f%%',
    '日本 %v',
  ].map((format) => sprintf(format, '5', '"b"')),
  sprintf('%v'),
  sprintf('x', '1'),
  ...['strings.any_prefix_match', 'strings.any_suffix_match'].flatMap((name) =>
    lists.flatMap((search) => lists.map((base): Call => [name, search, base])),
  ),
  ...['', 'a', 'aa', 'aXbXc', 'éé', '😀a😀'].flatMap((search) =>
    ['', 'a', 'X', 'é', '😀', 'aa'].flatMap((part): Call[] => [
      ['strings.count', text(search), text(part)],
      ['indexof_n', text(search), text(part)],
      ...['0', '1', '2', '-1', '9', '-9', '1.5'].map((n): Call => ['strings.split_n', text(search), text(part), n]),
    ]),
  ),
]

it('strings are formatted, counted and split as OPA does', { timeout: 30_000 }, async () => {
  expect(await disagreements(strings, calls)).toEqual([])
})

import { expect, it } from 'vitest'
import { numbers } from '../../../extensions/opa/numbers.ts'
import { units } from '../../../extensions/opa/units.ts'
import { type Call, disagreements } from './oracle.ts'

const amounts = [
  '0',
  '1',
  '10',
  '-3',
  '0.5',
  '.5',
  '1.',
  '1.25',
  '1e3',
  '1.5e-3',
  '99999999999999999999',
  '0.1',
  '3.14159',
  '00',
  '+4',
  '1_0',
  '',
]
const suffixes = [
  '',
  'm',
  'k',
  'K',
  'ki',
  'Ki',
  'KI',
  'M',
  'mi',
  'MB',
  'MiB',
  'mb',
  'G',
  'gib',
  'T',
  'tb',
  'P',
  'E',
  'eib',
  'q',
  'b',
  ' M',
  'M ',
  '"',
]
const steps = [
  ['0', '3', '1'],
  ['3', '0', '1'],
  ['1', '10', '3'],
  ['10', '1', '4'],
  ['1', '1', '5'],
  ['-2', '2', '2'],
  ['0', '3', '0'],
  ['0', '3', '-1'],
]
const oddSteps = [
  ['0.5', '3', '1'],
  ['1.0', '3', '1'],
  ['1e2', '102', '1'],
  ['99999999999999999998', '100000000000000000000', '1'],
  ['0', '1', '0.5'],
]

const calls: readonly Call[] = [
  ...['units.parse', 'units.parse_bytes'].flatMap((name) =>
    amounts.flatMap((amount) => suffixes.map((suffix): Call => [name, JSON.stringify(`${amount}${suffix}`)])),
  ),
  ...['"1 000"', '"1,5"', '"--1"', '"1e"', '"k"', '"1kk"', '" 1k"', '"0x10"'].flatMap((size): Call[] => [
    ['units.parse', size],
    ['units.parse_bytes', size],
  ]),
  ...[...steps, ...oddSteps].map((args): Call => ['numbers.range_step', ...args]),
]

it('sizes and ranges are those of OPA', { timeout: 30_000 }, async () => {
  expect(await disagreements([...numbers, ...units], calls)).toEqual([])
})

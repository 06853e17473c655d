import { expect, it } from 'vitest'
import { time } from '../../../extensions/opa/time.ts'
import { type Call, disagreements } from './oracle.ts'

const text = (value: string): string => JSON.stringify(value)

const instants = [
  '0',
  '1',
  '-1',
  '1709164800123456789',
  '951782400000000000',
  '-2208988800000000000',
  '4102444799999999999',
  '9223372036854775807',
  '-9223372036854775808',
]
const refused = ['9223372036854775808', '0.5', '1e30', '1e3', '2.0', '-0.0']
const zones = [
  'UTC',
  '',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Nowhere/Land',
  'utc',
  'Local',
]
const layouts = [
  ...[
    'RFC3339',
    'RFC3339Nano',
    'ANSIC',
    'UnixDate',
    'RubyDate',
    'RFC822',
    'RFC822Z',
    'RFC850',
    'RFC1123',
    'RFC1123Z',
    'Kitchen',
  ],
  ...[
    'Stamp',
    'StampMilli',
    'StampMicro',
    'StampNano',
    'DateTime',
    'DateOnly',
    'TimeOnly',
    '2006-01-02',
    '02/01/06 15:04:05.000',
  ],
  ...[
    'Monday, January 2 2006',
    'Mon Jan _2',
    '3:04PM',
    '03:04:05 pm',
    '15h04m',
    '.999',
    ',000000',
    '002',
    '__2',
    'Z07:00',
    '-07',
    'MST',
    '',
  ],
]
const moments = [...instants, ...refused]
const inZones = zones.map((zone) => `[1709164800123456789, ${text(zone)}]`)

const parsed: readonly (readonly [string, string])[] = [
  ['2006-01-02', '2024-02-29'],
  ['2006-01-02', '2023-02-29'],
  ['2006-01-02', '2024-2-9'],
  ['2006-1-2', '2024-2-9'],
  ['RFC1123', 'Thu, 29 Feb 2024 01:02:03 GMT'],
  ['RFC1123Z', 'Thu, 29 Feb 2024 01:02:03 +0130'],
  ['RFC822', '29 Feb 24 01:02 EST'],
  ['Kitchen', '3:04PM'],
  ['Kitchen', '13:04PM'],
  ['DateTime', '2024-02-29 23:59:60'],
  ['Mon Jan _2 15:04:05.000 2006', 'Thu Feb 29 01:02:03.456 2024'],
  ['2006-01-02T15:04:05Z07:00', '2024-02-29T01:02:03,5Z'],
  ['2006 002', '2024 060'],
  ['06', '70'],
  ['06', '68'],
  ['2006-01-02 MST', '2024-01-01 CET'],
  ['2006-01-02', '2024-01-01 '],
  ['2006-01-02', '1500-01-01'],
  ['2006-01-02', '2300-01-01'],
  ['January', 'february'],
  ['nothing', 'nothing'],
]
const stamps = [
  '2024-02-29T01:02:03Z',
  '2024-02-29T01:02:03.123456789+02:00',
  '2024-02-29t01:02:03z',
  '2024-02-29T24:00:00Z',
  '2024-02-29T01:02:03',
  '2024-02-29T01:02:03.Z',
  '2024-02-29T1:02:03Z',
  '2024-02-30T01:02:03Z',
  '',
]
const durations = [
  '1h15m30.5s',
  '-2d',
  '1d2h',
  '100us',
  '1µs',
  '1μs',
  '.5s',
  '1.s',
  '',
  '0',
  '+3m',
  '1',
  '3x',
  '1h-1m',
  '9223372036s',
  '9223372037s',
  '0.3333333333333333333h',
  '1ns1ns',
  '1w',
  '2540400h10m10s',
  '-9223372036854775808ns',
]

const calls: readonly Call[] = [
  ...['time.date', 'time.clock', 'time.weekday', 'time.format'].flatMap((name) =>
    [...moments, ...inZones].map((at): Call => [name, at]),
  ),
  ...layouts.flatMap((layout) =>
    ['UTC', 'America/New_York'].map((zone): Call => [
      'time.format',
      `[1709164800123456789, ${text(zone)}, ${text(layout)}]`,
    ]),
  ),
  ...moments.flatMap((at): Call[] =>
    [
      ['0', '0', '1'],
      ['0', '1', '0'],
      ['1', '0', '0'],
      ['0', '-1', '0'],
      ['-1', '13', '-40'],
      ['0', '0', '0.5'],
      ['99999', '0', '0'],
    ].map((by): Call => ['time.add_date', at, ...by]),
  ),
  ...instants.slice(0, 7).flatMap((a) => instants.slice(0, 7).map((b): Call => ['time.diff', a, b])),
  ...zones.map((zone): Call => [
    'time.diff',
    `[1709164800000000000, ${text(zone)}]`,
    '[1717200000000000000, "Europe/Berlin"]',
  ]),
  ...parsed.map(([layout, value]): Call => ['time.parse_ns', text(layout), text(value)]),
  ...stamps.map((stamp): Call => ['time.parse_rfc3339_ns', text(stamp)]),
  ...durations.map((duration): Call => ['time.parse_duration_ns', text(duration)]),
]

it('time is told, read and computed as OPA does', { timeout: 30_000 }, async () => {
  expect(await disagreements(time, calls)).toEqual([])
})

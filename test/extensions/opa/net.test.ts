import { expect, it } from 'vitest'
import { net } from '../../../extensions/opa/net.ts'
import { disagreements, type Call } from './oracle.ts'

const text = (value: string): string => JSON.stringify(value)

const cidrs = [
  '10.0.0.0/8',
  '10.1.2.3/8',
  '10.1.2.0/31',
  '0.0.0.0/0',
  '255.255.255.255/32',
  '192.168.1.0/24',
  '192.168.0.0/23',
  '2001:db8::/32',
  '2001:DB8:0:0:1::/64',
  '::/0',
  '::/80',
  '::ffff:10.0.0.0/104',
  '::ffff:10.0.0.0/96',
  '::ffff:0:0/95',
  '::1/128',
  'fe80::1/10',
]
const wrong = [
  '',
  '10.0.0.0',
  '10.0.0.0/33',
  '10.0.0/8',
  '010.0.0.0/8',
  '10.0.0.0/08',
  '10.0.0.0/-1',
  '10.0.0.0/+1',
  '1.2.3.4/8/8',
  '256.0.0.0/8',
  '::/129',
  ':::/1',
  '1::2::3/1',
  '::1:2:3:4:5:6:7:8/1',
  '1:2:3:4:5:6:7::/1',
  '1:2:3:4:5:6:7/1',
  '::12345/1',
  'fe80::1%eth0/10',
  '::1.2.3/1',
  '1.2.3.4::/1',
  '::1.2.3.4:5/1',
  ' 10.0.0.0/8',
]
const addresses = ['10.255.0.1', '::ffff:10.1.1.1', '2001:db8::1', '::', '192.168.1.7', 'fe80::1%eth0', '1.2.3', '::1']

it('networks are valid where Go says so', async () => {
  const calls = [...cidrs, ...wrong].map((cidr): Call => ['net.cidr_is_valid', text(cidr)])
  expect(await disagreements(net, calls)).toEqual([])
})

it('networks contain networks and addresses as in Go', async () => {
  const calls = cidrs.flatMap((cidr) =>
    [...cidrs, ...addresses, '10.0.0/8'].map((other): Call => ['net.cidr_contains_matches', text(cidr), text(other)]),
  )
  expect(await disagreements(net, calls)).toEqual([])
})

it('matches are told by place, whatever holds the networks', async () => {
  const inner = [
    '["10.1.1.1", "::1"]',
    '{"a": "10.1.1.1", "b": ["10.2.0.0/16", 7]}',
    '{"10.1.1.1", ["::1", "x"]}',
    '[]',
  ]
  const outer = ['["10.0.0.0/8", "::/0"]', '{"n": "10.0.0.0/8"}', '{["10.0.0.0/8", 1]}', '[[]]']
  const calls = outer.flatMap((a) => inner.map((b): Call => ['net.cidr_contains_matches', a, b]))
  expect(await disagreements(net, calls)).toEqual([])
})

it('networks expand as in Go', async () => {
  const small = ['10.0.0.0/30', '10.0.0.9/30', '::/126', '::ffff:1.2.3.4/126', '255.255.255.254/31', '2001:db8::ff/125']
  const calls = [...small, 'x', '10.0.0.0', '::1/129'].map((cidr): Call => ['net.cidr_expand', text(cidr)])
  expect(await disagreements(net, calls)).toEqual([])
})

it('a network of more than a million addresses is refused', () => {
  const expand = net.find(({ name }) => name === 'net.cidr_expand')
  expect(() => expand?.impl(['10.0.0.0/8'], undefined as never)).toThrow('addresses')
  expect(() => expand?.impl(['::/0'], undefined as never)).toThrow('addresses')
})

it('networks merge as in Go', async () => {
  const lists = [
    [],
    ['10.0.0.0/25', '10.0.0.128/25'],
    ['10.0.0.0/24', '10.0.2.0/24', '10.0.1.0/24'],
    ['10.0.0.1/32', '10.0.0.2/32', '10.0.0.3/32'],
    ['192.168.1.5'],
    ['192.168.1.5', '192.168.2.0/24'],
    ['9.9.9.9', '10.0.0.0/8'],
    ['2001:db8::/33', '2001:db8:8000::/33', '10.0.0.0/8'],
    ['::1/128', '::2/128', '::3/128'],
    ['0.0.0.0/0', '10.0.0.0/8'],
    ['0.0.0.0/1', '128.0.0.0/1'],
    ['::/0', '2001:db8::/32'],
    ['::1'],
    ['x'],
    ['1.1.1.1/32', '1.1.1.1/32'],
    ['10.0.0.0/8', '11.0.0.0/8', '12.0.0.0/7', '14.0.0.0/8'],
  ].map((list) => list.map(text).join(', '))
  const calls = lists.flatMap((list): readonly Call[] => [
    ['net.cidr_merge', `[${list}]`],
    ['net.cidr_merge', list === '' ? 'set()' : `{${list}}`],
  ])
  expect(await disagreements(net, calls)).toEqual([])
})

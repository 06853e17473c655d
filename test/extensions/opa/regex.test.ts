import { expect, it } from 'vitest'
import { glob, regex } from '../../../extensions/opa/regex.ts'
import { disagreements, type Call } from './oracle.ts'

const text = (value: string): string => JSON.stringify(value)

const patterns = [
  '',
  'a',
  'a*',
  'b+',
  '^a',
  'a$',
  '(a)(b)?',
  '(?P<x>[ab])(?P<y>.)',
  '[^a]',
  '\\b',
  '\\pL',
  '(?i)A',
  '.',
  '(?s).',
  '\\x{1F600}',
  '(',
  '(?=a)',
  '\\1',
  'a{2,1}',
  '(?:a|ab)(?:c|bcd)',
]
const texts = ['', 'a', 'abab', 'ABC abc', 'aaa', 'ü😀b', 'line\nab\n', 'abcd', '<b>']
const templates = [
  '',
  'x',
  '$1',
  '$2-$1',
  '${1}x',
  '$1x',
  '${x}${y}',
  '$x$',
  '$$1',
  '$0',
  '$01',
  '$9',
  '${',
  '$-',
  '${nope}|',
  '\\1',
  '$ü',
]

it('patterns find, split and replace as in OPA', async () => {
  const pairs = patterns.flatMap((pattern) => texts.map((value) => [text(pattern), text(value)] as const))
  const calls = pairs.flatMap(([pattern, value]): readonly Call[] => [
    ['regex.find_n', pattern, value, '-1'],
    ['regex.find_n', pattern, value, '2'],
    ['regex.split', pattern, value],
    ...templates.map((template): Call => ['regex.replace', value, pattern, text(template)]),
  ])
  expect(await disagreements(regex, calls)).toEqual([])
}, 60_000)

it('the count of matches is an integer', async () => {
  const counts = ['0', '1', '1.0', '1.5', '1e0', '-7', '99999999999999999999']
  const calls = counts.map((count): Call => ['regex.find_n', '"a"', '"aaa"', count])
  expect(await disagreements(regex, calls)).toEqual([])
})

it('templates match as in OPA', async () => {
  const cases = [
    ['urn:foo:{.*}', 'urn:foo:bar:baz', '{', '}'],
    ['urn:foo.bar.com:{.*{.*}}', 'urn:foo.bar.com:foo.{bar}', '{', '}'],
    ['urn:foo.bar.com:<.*{.*}>', 'urn:foo.bar.com:{bar}', '<', '>'],
    ['a.b{[0-9]{2}}', 'a.b12', '{', '}'],
    ['a.b<[0-9]{2}>', 'axb12', '<', '>'],
    ['{', 'a', '{', '}'],
    ['}', 'a', '{', '}'],
    ['{(}', 'a', '{', '}'],
    ['a', 'a', '<<', '>'],
    ['a', 'a', 'ü', '>'],
    ['|a|', 'a', '|', '|'],
    ['', '', '<', '>'],
  ]
  expect(
    await disagreements(
      regex,
      cases.map((args): Call => ['regex.template_match', ...args.map(text)]),
    ),
  ).toEqual([])
})

it('globs intersect as in OPA, corners included', async () => {
  const globs = [
    '',
    'a',
    'a*',
    'a+b',
    '.*',
    '.+',
    '[ab]*c',
    '[a-c]x',
    'a.[0-9]+',
    '\\*a',
    'a*a+',
    '[',
    ']',
    '[-a]',
    '[a-]',
    '[z-a]',
    '[\\]]',
    'ab*',
    '*',
    'a\\',
    '.*b.*',
    'b.*c+',
  ]
  const calls = globs.flatMap((a) => globs.map((b): Call => ['regex.globs_match', text(a), text(b)]))
  expect(await disagreements(regex, calls)).toEqual([])
}, 30_000)

it('globs that would take exponential time are decided', () => {
  const impl = regex.find(({ name }) => name === 'regex.globs_match')?.impl
  const stars = (last: string): string => `${'.*a'.repeat(40)}${last}`
  const before = performance.now()
  expect(impl?.([stars('c'), stars('d')], undefined as never)).toBe(false)
  expect(performance.now() - before).toBeLessThan(2_000)
})

it('a catastrophic pattern is matched in linear time', () => {
  const impl = regex.find(({ name }) => name === 'regex.replace')?.impl
  const before = performance.now()
  expect(impl?.([`${'a'.repeat(5_000)}b`, '^(a+)+$', ''], undefined as never)).toBe(`${'a'.repeat(5_000)}b`)
  expect(performance.now() - before).toBeLessThan(2_000)
})

it('what means something in a glob is escaped as in OPA', async () => {
  const all = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('')
  expect(await disagreements(glob, [['glob.quote_meta', text(all)]])).toEqual([])
})

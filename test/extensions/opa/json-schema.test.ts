import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { RegoValue } from '../../../extensions/extension.ts'
import { jsonSchema } from '../../../extensions/opa/json-schema.ts'
import { parseJson } from '../../../extensions/parse-json.ts'
import { printJson } from '../../../extensions/print-json.ts'
import { contextOf } from '../context.ts'
import { compare, type Agreement, type Call } from './oracle.ts'

const quote = (value: string): string => JSON.stringify(value).replaceAll('\ufeff', '\\ufeff')
const verify = (schema: string): Call => ['json.verify_schema', quote(schema)]
const match = (document: string, schema: string): Call => ['json.match_schema', quote(document), quote(schema)]

/** OPA goes through members in an order that changes from run to run. */
function sorted(answer: string): string {
  if (answer === 'undefined') return answer
  const [valid, failures] = parseJson(answer) as readonly RegoValue[]
  return Array.isArray(failures)
    ? `${printJson(valid ?? null)} ${failures.map(printJson).toSorted().join('\n')}`
    : answer
}

const disagreements = async (calls: readonly Call[]): Promise<readonly Agreement[]> =>
  (await compare(jsonSchema, calls))
    .map(({ call, opa, ours }) => ({ call, opa: sorted(opa), ours: sorted(ours) }))
    .filter(({ opa, ours }) => opa !== ours)

const draft = (number: number, members: string): string =>
  `{"$schema": "http://json-schema.org/draft-0${number}/schema#"${members === '' ? '' : `, ${members}`}}`

it('a schema is one where OPA says so, and otherwise wrong for the same reason', async () => {
  const schemas = [
    '',
    '{',
    '1',
    '[]',
    'null',
    'true',
    'false',
    '"x"',
    '{}',
    '{} {}',
    '{"type": "object"}',
    '{"type": "strin"}',
    '{"type": ["string", "string"]}',
    '{"type": ["string", 1]}',
    '{"type": []}',
    '{"type": 1}',
    '{"title": 1}',
    '{"description": []}',
    '{"id": 1}',
    '{"$id": 1}',
    '{"$id": "%zz"}',
    '{"$id": ":"}',
    '{"$id": "a:b:c"}',
    '{"$id": "http://[::1"}',
    '{"$id": "http://a b/"}',
    '{"$id": "a\\u0001"}',
    '{"$ref": "%zz"}',
    '{"id": "http://x/y", "$id": 1}',
    draft(4, '"$id": 1'),
    draft(6, '"id": 1'),
    draft(5, '"contains": 1'),
    '{"$schema": 1}',
    '{"$schema": "%"}',
    '{"$schema": "https://json-schema.org/draft/2020-12/schema", "const": 1}',
    '{"definitions": 1}',
    '{"definitions": {"a": 1}}',
    '{"definitions": {"a": {"type": 1}}}',
    '{"properties": 1}',
    '{"properties": {"a": 1}}',
    '{"properties": {"a": true}}',
    draft(4, '"properties": {"a": true}'),
    '{"additionalProperties": 1}',
    '{"additionalProperties": {"type": 1}}',
    '{"patternProperties": 1}',
    '{"patternProperties": {"(": {}}}',
    '{"patternProperties": {"(?=a)": {}}}',
    '{"patternProperties": {"a": 1}}',
    '{"propertyNames": 1}',
    draft(4, '"propertyNames": 1'),
    '{"propertyNames": true}',
    '{"dependencies": 1}',
    '{"dependencies": {"a": 1}}',
    '{"dependencies": {"a": ["b", 1]}}',
    '{"dependencies": {"a": {"type": 1}}}',
    '{"items": 1}',
    '{"items": [1]}',
    '{"items": [true, {}]}',
    '{"additionalItems": 1}',
    '{"additionalItems": {"type": "x"}}',
    '{"multipleOf": "1"}',
    '{"multipleOf": 0}',
    '{"multipleOf": -1}',
    '{"minimum": "1"}',
    '{"maximum": null}',
    '{"exclusiveMinimum": true}',
    '{"exclusiveMinimum": "1"}',
    '{"exclusiveMaximum": true, "maximum": 1}',
    draft(4, '"exclusiveMinimum": 1'),
    draft(4, '"exclusiveMaximum": true'),
    draft(4, '"exclusiveMaximum": false, "maximum": 1'),
    draft(6, '"exclusiveMinimum": true, "minimum": 1'),
    '{"minLength": 1.5}',
    '{"minLength": 1.0}',
    '{"minLength": 1e2}',
    '{"minLength": -1}',
    '{"minLength": 9223372036854775807}',
    '{"minLength": 9223372036854775808}',
    '{"maxLength": "1"}',
    '{"minLength": 3, "maxLength": 2}',
    '{"pattern": 1}',
    '{"pattern": "("}',
    '{"pattern": "(?!a)"}',
    '{"format": 1}',
    '{"format": "nope"}',
    '{"minProperties": true}',
    '{"minProperties": 3, "maxProperties": 2}',
    '{"maxProperties": -1}',
    '{"required": "a"}',
    '{"required": [1]}',
    '{"required": ["a", "a"]}',
    '{"minItems": 3, "maxItems": 2}',
    '{"minItems": "a"}',
    '{"maxItems": -2}',
    '{"uniqueItems": 1}',
    '{"contains": 1}',
    draft(4, '"contains": 1'),
    '{"const": 1e400}',
    '{"enum": 1}',
    '{"enum": []}',
    '{"enum": [1, 1.0]}',
    '{"enum": [{"a": 1, "b": 2}, {"b": 2, "a": 1}]}',
    '{"oneOf": 1}',
    '{"anyOf": [1]}',
    '{"allOf": [{"type": 1}]}',
    '{"oneOf": []}',
    '{"not": 1}',
    '{"if": 1}',
    '{"then": 1}',
    '{"else": []}',
    draft(6, '"if": 1'),
    '{"$ref": 1}',
    '{"$ref": "#"}',
    '{"$ref": "#", "type": 1}',
    '{"$ref": "#/definitions/a"}',
    '{"$ref": "#/definitions/a", "definitions": {"a": 1}}',
    '{"allOf": [{"$ref": "#/a"}], "a": 1}',
    '{"allOf": [{"$ref": "#/a"}], "a": true}',
    '{"allOf": [{"$ref": "#/a/1"}], "a": [1, {}]}',
    '{"allOf": [{"$ref": "#/a/2"}], "a": [1, {}]}',
    '{"allOf": [{"$ref": "#/a/x"}], "a": [1, {}]}',
    '{"allOf": [{"$ref": "#/a/b/c"}], "a": {"b": 1}}',
    '{"allOf": [{"$ref": "#/a~1b/c~0d/%25"}], "a/b": {"c~d": {"%": {}}}}',
    '{"allOf": [{"$ref": "#a"}], "x": {"$id": "#a", "type": "strin"}}',
    '{"allOf": [{"$ref": "#nowhere"}]}',
    '{"allOf": [{"$ref": "#/definitions/a"}, {"$ref": "#/definitions/a", "type": 1}], "definitions": {"a": {}}}',
    '{"allOf": [{"$ref": "#/definitions/a", "type": 1}], "definitions": {"a": {}}}',
    '{"$ref": "other.json#/a"}',
    '{"$ref": "../x/./y/../other.json"}',
    '{"$id": "x/a/b/c", "allOf": [{"$ref": "../../d/./e"}]}',
    '{"$id": "urn:x:y", "allOf": [{"$ref": "#/definitions/a"}], "definitions": {"a": {}}}',
    '{"$id": "http://x/a", "allOf": [{"$ref": "a#/definitions/b"}], "definitions": {"b": {"type": "strin"}}}',
    '{"$id": "http://x/a", "allOf": [{"$ref": "#/definitions/c"}], "definitions": {"b": {"$id": "b"}}}',
    '{"$id": "http://x/a", "allOf": [{"$ref": "/b"}], "definitions": {"b": {"$id": "b"}}}',
    '{"definitions": {"a": {"$id": "http://x/y"}, "b": {"$id": "http://x/y"}}}',
    '{"default": {"id": "http://x/y"}, "examples": [{"id": "http://x/y"}]}',
    '{"properties": {"$ref": {"type": "string"}, "id": {"type": "string"}}}',
    '{"const": {"$ref": "#/nowhere"}, "enum": [{"id": "a"}, {"id": "a", "x": 1}]}',
    '{"$ref": "http://json-schema.org/draft-04/schema#"}',
    '{"$ref": "http://json-schema.org/draft-06/schema"}',
    '{"$ref": "http://json-schema.org/draft-07/schema#/definitions/nonNegativeInteger"}',
    '{"$ref": "http://json-schema.org/draft-07/schema#/definitions/nope"}',
  ]
  expect(await disagreements(schemas.map(verify))).toEqual([])
}, 30_000)

const values = [
  'null',
  'true',
  '0',
  '1',
  '1.0',
  '1.5',
  '-3',
  '1e3',
  '"ab"',
  '"äöü😀"',
  '[]',
  '[1,1.0]',
  '[1,2,3]',
  '{}',
  '{"a":1}',
  '{"a":1,"b":"x","c":{"d":[]}}',
]

it('a document is valid under a schema where OPA says so, with the same failures', async () => {
  const schemas = [
    'true',
    'false',
    ...['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'].map((type) => `{"type": "${type}"}`),
    '{"type": ["integer", "null"]}',
    '{"multipleOf": 0.5}',
    '{"multipleOf": 1000000}',
    '{"minimum": 2, "maximum": -7.25}',
    '{"exclusiveMinimum": 1, "exclusiveMaximum": 1}',
    draft(4, '"minimum": 1, "exclusiveMinimum": true, "maximum": 1, "exclusiveMaximum": true'),
    draft(6, '"exclusiveMinimum": 1, "minimum": 12345678901234567890123'),
    '{"minLength": 3}',
    '{"maxLength": 3, "pattern": "^a+$"}',
    '{"minProperties": 2}',
    '{"maxProperties": 0, "required": ["a", "z"]}',
    '{"minItems": 2}',
    '{"maxItems": 2, "uniqueItems": true}',
    '{"contains": {"type": "string", "minLength": 9}}',
    '{"contains": {"const": 2}}',
    draft(4, '"contains": false, "const": 7, "propertyNames": false, "if": false'),
    '{"const": 1}',
    '{"const": {"a": 1}}',
    '{"enum": [null, "ab", [1, 1], "<&>\\u2028", {"b": 1e21, "a": 1e-7, "c": -0}]}',
    '{"enum": []}',
    '{"items": {"type": "string"}}',
    '{"items": [{"type": "string"}, true], "additionalItems": false}',
    '{"items": [{"type": "string"}], "additionalItems": {"minimum": 3}}',
    '{"items": [], "additionalItems": false}',
    '{"additionalItems": false}',
    '{"properties": {"a": {"type": "string"}, "c": {"properties": {"d": {"minItems": 1}}}}}',
    '{"properties": {"a": false}, "additionalProperties": false}',
    '{"properties": {"a": {}}, "additionalProperties": {"type": "integer"}}',
    '{"patternProperties": {"^[ab]": {"type": "number"}, "c": {"type": "array"}}, "additionalProperties": false}',
    '{"propertyNames": {"pattern": "^a"}}',
    '{"dependencies": {"a": ["b", "q"], "b": {"required": ["r"]}}}',
    '{"allOf": [{"type": "object"}, {"required": ["z"]}]}',
    '{"anyOf": [{"type": "string", "minLength": 9}, {"type": "object", "required": ["a", "z"]}, {"minimum": 9}]}',
    '{"oneOf": [{"type": "number"}, {"multipleOf": 3}, {"type": "object", "properties": {"a": {"type": "string"}}}]}',
    '{"oneOf": [{"type": "string", "minLength": 9}, {"enum": ["q"], "maxLength": 1}]}',
    '{"not": {"type": "string"}}',
    '{"if": {"type": "number"}, "then": {"minimum": 1}, "else": {"type": "string"}}',
    '{"then": false, "else": false}',
    '{"$ref": "#/definitions/a", "type": "null", "definitions": {"a": {"type": "string"}}}',
    '{"properties": {"a": {"$ref": "#"}, "c": {"$ref": "#/properties/a"}}, "type": "object"}',
    '{"$id": "http://x/a", "properties": {"a": {"$ref": "b#/definitions/c"}}, "definitions": {"b": {"$id": "b", "definitions": {"c": {"type": "string"}}}}}',
    '{"definitions": {"a": {"$id": "#a", "type": "string"}}, "additionalProperties": {"$ref": "#a"}}',
    draft(
      4,
      '"properties": {"a": {"$ref": "#/definitions/a"}}, "definitions": {"a": {"minimum": 1, "exclusiveMinimum": true}}',
    ),
    '{"$ref": "http://json-schema.org/draft-04/schema#"}',
    '{"$ref": "http://json-schema.org/draft-07/schema#"}',
    '{"type": "strin"}',
  ]
  const calls = schemas.flatMap((schema) => values.map((value) => match(value, schema)))
  expect(await disagreements(calls)).toEqual([])
}, 60_000)

it('numbers are compared and printed with every digit', async () => {
  const bounds = [
    '0.1',
    '0.30000000000000004',
    '1e-7',
    '12345.678',
    '123456.7',
    '1234567',
    '1e6',
    '1e21',
    '1e100',
    '-0.00001',
    '18446744073709551617',
    '3.14159265358979323846264338327950288',
    '0.000001234500',
    '9007199254740993',
    '2.50',
    '1e-30',
    '99999999999999999999.99',
    '0',
  ]
  const numbers = [
    '0',
    '-0',
    '0.1',
    '0.10',
    '0.3',
    '3e-1',
    '1e-7',
    '9007199254740993',
    '9007199254740992',
    '1e100',
    '1.0e6',
    '-1e21',
    '12345.67800001',
    '1e-400',
  ]
  const calls = bounds.flatMap((bound) =>
    numbers.flatMap((number) => [
      match(`[${number}]`, `{"items": {"minimum": ${bound}, "exclusiveMaximum": ${bound}}}`),
      match(`[${number}]`, `{"items": {"multipleOf": ${bound.replace(/^-/, '')}, "type": "integer"}}`),
    ]),
  )
  expect(await disagreements(calls)).toEqual([])
}, 60_000)

it('formats hold where OPA says so', async () => {
  const texts: Readonly<Record<string, readonly string[]>> = {
    date: ['2024-02-29', '2023-02-29', '2024-2-9', '2024-02-29 ', ''],
    time: ['12:00:00', '12:00:00Z', '12:00:00+01:00', '12:00:00.5Z', '24:00:00', '12:00', '23:59:60Z'],
    'date-time': [
      '2024-02-29T12:00:00Z',
      '2024-02-29T12:00:00.123456789+05:30',
      '2024-02-29',
      '12:00:00',
      '2024-02-29 12:00:00Z',
      '2024-02-29T12:00:00',
      '2024-02-29T12:00:00,5Z',
      '2024-02-29T1:00:00Z',
    ],
    hostname: [
      'a',
      'a.b',
      'a-b.c',
      '-a',
      'a-',
      'a..b',
      `${'a'.repeat(64)}.b`,
      `${'a'.repeat(63)}.b`,
      'ä',
      'a.',
      '',
      'a\n',
    ],
    email: [
      'a@b',
      'a',
      'a@',
      '@b',
      'a b@c',
      '"a b"@c',
      '""@c',
      'a@[1.2.3.4]',
      'a@[x]',
      'a@[::1]',
      'A <a@b>',
      'A B <a@b>',
      '"A" <a@b>',
      '<a@b>',
      '<a@b',
      'a@b (x)',
      'a@b (x',
      '(x) a@b',
      'A (x) <a@b>',
      'g: a@b;',
      'g: a@b, c@d;',
      'g:;',
      'g: h: a@b;;',
      'a@b, c@d',
      '.a@b',
      'a..b@c',
      'a.@b',
      'a@b.',
      ' a@b ',
      'ä@ö',
      '=?utf-8?q?x?= <a@b>',
      '=?cp1252?q?x?= <a@b>',
      '=?cp1252?b?eA==?= <a@b>',
      'B =?cp1252?q?x?= <a@b>',
      'a@b (=?cp1252?q?x?=)',
      '"a\\"b"@c',
      '"a\u0001"@c',
      'a@b c',
      'A. B. <a@b>',
      'A',
      'A <a@b> x',
      'a@b\n',
      '',
      ' ',
      'A\t<a@b>',
      'g: <a@b>, ;',
      'a@ b',
      ' "x" @b',
    ],
    'idn-email': ['ä@ö', 'x'],
    ipv4: ['1.2.3.4', '01.2.3.4', '1.2.3', '1.2.3.256', '::1', '::ffff:1.2.3.4', ''],
    ipv6: ['::1', '1.2.3.4', '::ffff:1.2.3.4', 'fe80::1%eth0', '1::2::3', ':::'],
    uri: ['http://a', 'a', 'a:b', 'http://a\\b', '//a/b', ':', 'http://%zz', 'urn:x', ''],
    'uri-reference': ['a', 'a:b', '/a b', '%', 'a\\b', '', ':x'],
    iri: ['http://ä', 'x'],
    'iri-reference': ['ä', '%'],
    'uri-template': ['/a/{b}', '/a/{b', '/a/}b', '/a/{b{c}', '{a}{b}', 'http://x/{a}?q={b', '{{}', '{\n}'],
    uuid: [
      '123e4567-e89b-12d3-a456-426614174000',
      '123E4567-E89B-12D3-A456-426614174000',
      '123e4567e89b12d3a456426614174000',
      '',
    ],
    regex: ['a+', '(', '', '(?=a)', '\\d', '\\Z', '(?P<x>a)', '(?<x>a)', 'a{1001}'],
    'json-pointer': ['', '/a', 'a', '/a~0~1', '/a~2', '/', '/a/b/'],
    'relative-json-pointer': ['0', '1/a', '01', '1#', '1#/a', '/a', '-1'],
    nope: ['x'],
  }
  const calls = Object.entries(texts).flatMap(([format, list]) =>
    list.map((text) => match(JSON.stringify([text]), JSON.stringify({ items: { format } }))),
  )
  const others = ['1', 'null', '{}', '[]', 'true'].map((value) => match(`[${value}]`, '{"items": {"format": "email"}}'))
  expect(await disagreements([...calls, ...others])).toEqual([])
}, 30_000)

it('objects, sets and keys that are no strings are JSON to a schema', async () => {
  const calls: readonly Call[] = [
    [
      'json.match_schema',
      '{"a": {3, 1, 2}, 1: 2}',
      '{"properties": {"a": {"items": {"minimum": 2}}, "1": {"type": "string"}}}',
    ],
    ['json.match_schema', '{"a": 1.0}', '{"properties": {"a": {"enum": {1, 2}}}}'],
    [
      'json.match_schema',
      '{"a": 12345678901234567890123}',
      '{"properties": {"a": {"maximum": 12345678901234567890122}}}',
    ],
    ['json.match_schema', '"{"', '{}'],
    ['json.verify_schema', '{"required": {"a", "b"}}'],
    ['json.verify_schema', '{"type": "x"}'],
  ]
  expect(await disagreements(calls)).toEqual([])
})

// ── What OPA would fetch, or not survive ────────────────────────────────────────────────────────────────────────────

function ask(name: string, args: readonly string[], context = contextOf()): RegoValue | undefined {
  const extension = jsonSchema.find((one) => one.name === name)
  try {
    return extension?.impl(args, context)
  } catch {
    return undefined
  }
}

it('a reference to another host or to a file is an error, and nothing is fetched', () => {
  const refused = (target: string): string => `jsonschema: remote reference loading disabled: ${target}`
  const targets = ['http://127.0.0.1:1/schema.json', 'https://example.org/a', 'file:///etc/hostname', 'ftp://x/y']
  for (const target of targets) {
    const schema = JSON.stringify({ properties: { a: { $ref: `${target}#/definitions/b` } } })
    expect(ask('json.verify_schema', [schema])).toEqual([false, refused(target)])
    expect(ask('json.match_schema', ['{}', schema])).toBeUndefined()
  }
})

it('a schema that refers to itself without end, or leads too deep, makes the call undefined', () => {
  const circle = '{"$ref": "#"}'
  expect(ask('json.verify_schema', [circle])).toEqual([true, null])
  expect(ask('json.match_schema', ['{}', circle])).toBeUndefined()
  const deep = `${'{"not":'.repeat(3000)}{}${'}'.repeat(3000)}`
  expect(ask('json.verify_schema', [deep])).toBeUndefined()
  const deepDocument = `${'['.repeat(1500)}${']'.repeat(1500)}`
  expect(ask('json.match_schema', [deepDocument, '{"items": {"$ref": "#"}}'])).toBeUndefined()
})

it('a small schema that takes very much work makes the call undefined', () => {
  const levels = Array.from({ length: 30 }, (_, i) => [
    `d${i}`,
    { allOf: [1, 2].map(() => ({ $ref: `#/definitions/d${i + 1}` })) },
  ])
  const schema = { $ref: '#/definitions/d0', definitions: { ...Object.fromEntries(levels), d30: {} } }
  expect(ask('json.match_schema', ['1', JSON.stringify(schema)])).toBeUndefined()
  const digits = '9'.repeat(400_000)
  expect(ask('json.match_schema', [`[${digits}]`, `{"items": {"multipleOf": ${digits.slice(1)}}}`])).toBeUndefined()
  expect(ask('json.match_schema', ['[1]', '{"items": {"maximum": 1e-30000}}'])).toBeUndefined()
  const parts = Array.from({ length: 2000 }, (_, i) => ({ $ref: `#/x${'/not'.repeat(i % 900)}` }))
  const nested = Array.from({ length: 900 }).reduce<object>((inner) => ({ not: inner }), {})
  expect(ask('json.verify_schema', [JSON.stringify({ allOf: parts, x: nested })])).toBeUndefined()
})

it('the work of all calls in a decision counts together, a large document alone has enough', () => {
  const document = JSON.stringify(Array.from({ length: 20_000 }, (_, id) => ({ id, name: `n${id}` })))
  const properties = { id: { type: 'integer', minimum: 0 }, name: { type: 'string', pattern: '^n' } }
  const schema = JSON.stringify({ items: { type: 'object', properties, required: ['id'] } })
  const context = contextOf()
  const answers = Array.from({ length: 5 }, () => ask('json.match_schema', [document, schema], context))
  expect(answers[0]).toEqual([true, []])
  expect(answers[4]).toBeUndefined()
  expect(ask('json.match_schema', [document, schema])).toEqual([true, []])
})

// ── Generated ───────────────────────────────────────────────────────────────────────────────────────────────────────

const names = fc.constantFrom('a', 'b', 'c')
const leaf = fc.oneof(
  fc.constantFrom(null, true, false, 0, 1, 1.5, -2, 10, 'a', 'ab', 'abc', ''),
  fc.integer({ min: -5, max: 5 }),
)
const { value: anyDocument } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(names, tie('value'), { maxKeys: 3 }),
  ),
}))

const count = fc.integer({ min: 0, max: 3 })
const keyword = (name: string, value: fc.Arbitrary<unknown>) => value.map((one) => ({ [name]: one }))

/** Two or three keywords at each level: enough to meet, few enough to end. */
const { schema: anySchema } = fc.letrec<{ schema: unknown }>((tie) => {
  const schema = tie('schema')
  const list = fc.array(schema, { minLength: 1, maxLength: 3 })
  const limit = fc.integer({ min: -3, max: 3 })
  const types = ['object', 'array', 'string', 'number', 'integer', ['null', 'boolean'], ['object', 'array']]
  const keywords = fc.oneof(
    { weight: 4, arbitrary: keyword('type', fc.constantFrom(...types)) },
    keyword('properties', fc.dictionary(names, schema, { maxKeys: 2 })),
    keyword('additionalProperties', schema),
    keyword('patternProperties', fc.dictionary(fc.constantFrom('a', '^b', '[bc]'), schema, { maxKeys: 2 })),
    keyword('propertyNames', schema),
    keyword('required', fc.uniqueArray(names, { maxLength: 2 })),
    keyword('dependencies', fc.dictionary(names, fc.oneof(schema, fc.uniqueArray(names)), { maxKeys: 2 })),
    keyword('items', fc.oneof(schema, list)),
    keyword('additionalItems', schema),
    keyword('contains', schema),
    keyword('uniqueItems', fc.boolean()),
    keyword('minItems', count),
    keyword('maxProperties', count),
    keyword('minLength', count),
    keyword('minimum', limit),
    keyword('exclusiveMaximum', limit),
    keyword('multipleOf', fc.constantFrom(1, 2, 0.5)),
    keyword('enum', fc.uniqueArray(leaf, { maxLength: 4 })),
    keyword('const', anyDocument),
    keyword('anyOf', list),
    keyword('oneOf', list),
    keyword('allOf', list),
    keyword('not', schema),
    fc
      .tuple(keyword('if', schema), keyword('then', schema), keyword('else', schema))
      .map(([test, yes, no]) => ({ ...test, ...yes, ...no })),
    keyword('items', fc.constantFrom({ $ref: '#' }, { $ref: '#/definitions/x' })),
  )
  return {
    schema: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'schema' },
      fc.boolean(),
      fc
        .array(keywords, { minLength: 1, maxLength: 3, depthIdentifier: 'schema' })
        .map((parts): unknown => Object.assign({}, ...parts)),
    ),
  }
})

it('generated documents meet generated schemas as they do in OPA', async () => {
  const root = fc
    .tuple(anySchema, anySchema)
    .map(([schema, x]) => (typeof schema === 'object' && schema !== null ? { ...schema, definitions: { x } } : schema))
  const cases = fc.sample(fc.tuple(anyDocument, root), { numRuns: 1500, seed: 20_261 })
  const calls = cases.map(([document, schema]) => match(JSON.stringify(document), JSON.stringify(schema)))
  expect(await disagreements(calls)).toEqual([])
}, 120_000)

import { expect, it } from 'vitest'
import type { RegoValue } from '../../../extensions/extension.ts'
import { graphql } from '../../../extensions/opa/graphql.ts'
import { printJson } from '../../../extensions/print-json.ts'
import { contextOf } from '../context.ts'
import { disagreements, type Call } from './oracle.ts'

const schema = `
# the root
schema @mark { # inside
  query: Q
  # before
  mutation: M # after
}
directive @mark(n: Int = 1 "of it" s: [String!]!= ["a"]) repeatable on SCHEMA | OBJECT | FIELD | QUERY | INPUT_OBJECT
"described" type Q implements Node & Named @mark {
  "an id" id: ID! # trailing
  # leading
  """
    block
      text
  """
  name(first: Int = 10, filter: Filter = {a: 1, b: [RED]}): String @deprecated(reason: "old")
  friends(after: String): [Q!]!
  any: Any
  color: Color!
  # last
}
interface Node { id: ID! }
interface Named implements Node { id: ID! name(first: Int, filter: Filter): String }
union Any = | Q | M
enum Color { "red" RED GREEN @deprecated }
input Filter { a: Int = 1 b: [Color!] c: Filter }
scalar Date @specifiedBy(url: "https://example.org")
type M { set(id: ID!, filter: Filter!): Q }
extend type M { more: Int }
extend enum Color { BLUE }
# the end
`

const queries = [
  '',
  '# only a comment',
  '{ id }',
  '{ nope }',
  '{ id { x } }',
  '{ friends }',
  '{ friends { id } }',
  'query A { id } query A { id }',
  'query A { id } { id }',
  'query A($x: Int = 1, $f: Filter!) { name(first: $x, filter: $f) }',
  'query A($x: String) { name(first: $x) }',
  'query A($x: Int) { id }',
  'query A { name(first: $x) }',
  'query A($x: Q) { name(first: $x) }',
  'mutation { set(id: 1, filter: {a: 1, b: [RED, BLUE]}) { id } }',
  'mutation { set(id: 1.5, filter: {}) { id } }',
  'mutation { set(filter: {}) { id } }',
  'mutation { set(id: "x", filter: {a: "1"}) { id } }',
  'mutation { set(id: "x", filter: {a: 1, a: 2}) { id } }',
  'mutation { set(id: "x", filter: {z: 1}) { id } }',
  'subscription { id }',
  'query @mark { id @mark(n: 2) @mark @skip(if: true) @include(if: false) }',
  '{ id @nope }',
  '{ id @skip }',
  '{ id @mark(n: "x") }',
  '{ any { ... on Q { id } ... on M { more } __typename } }',
  '{ any { ... on Filter { a } } }',
  '{ ...F } fragment F on Q { id color }',
  '{ ...F } fragment F on Q { ...F }',
  '{ ...F }',
  '{ id } fragment F on Q { id }',
  '{ ...F } fragment F on Nope { id }',
  '{ ... { id } ... @include(if: true) { name } }',
  '{ a: id b: id a: name }',
  '{ a: name(first: 1) a: name(first: 2) }',
  '{ __schema { types { name } } __type(name: "Q") { name fields { name } } }',
  '{ ... @defer(label: "x") { id } }',
  'query # c1\nA # c2\n(# c3\n$x: Int # c4\n) # c5\n{ # c6\nname # c7\n( # c8\nfirst: # c9\n$x) # c10\n } # c11',
  '# before\nquery A { # in\n ... # spread\n F } # f\nfragment F on Q { # x\n id # y\n }',
  '{ name(filter: # c\n { # d\n a: # e\n 1, b: # f\n [ # g\n RED ] }) }',
  '{ name(first: 007) }',
  '{ name(first: 1.) }',
  '{ name(first: -0) }',
  '{ name(after: "\\u00e9\\n\\"\\ud83d\\ude00") }',
  '{ name(after: """  block\n    text \\""" ""quotes"""") }',
  '{ name(after: "open) }',
  '{ \u0000 }',
  '\ufeff{ id }',
  '{ id, , name }',
  "{ id 'x' }",
  '{ }',
  'query A() { id }',
  'query { id',
  'fragment on on Q { id }',
  '{ on: id query type }',
  'query ($a: [[Int!]]! = [[1]] @mark) { id }',
  'type X { a: Int }',
  '😀',
]

/** Rego source has no byte order mark in it. */
const text = (value: string): string => JSON.stringify(value).replaceAll('\ufeff', '\\ufeff')
const call = (name: string, ...args: readonly string[]): Call => [`graphql.${name}`, ...args.map(text)]

it('queries are parsed as OPA parses them', async () => {
  expect(
    await disagreements(
      graphql,
      queries.map((query) => call('parse_query', query)),
    ),
  ).toEqual([])
})

it('queries are valid under a schema where OPA says so', async () => {
  const calls = queries.flatMap((query) => [
    call('is_valid', query, schema),
    call('parse', query, schema),
    call('parse_and_verify', query, 'type Query { id: ID }'),
  ])
  expect(await disagreements(graphql, calls)).toEqual([])
}, 30_000)

const schemas = [
  schema,
  '',
  'type Query { a: Int }',
  'type Query { }',
  'type Query',
  'type Query { a: Nope }',
  'type Query { a: Int a: Int }',
  'type Query { a(x: Query): Int }',
  'type Query { a(x: Int x: Int): Int }',
  'type __Q { a: Int }',
  'type Q { __a: Int }',
  'scalar Int',
  'type A { a: Int } type A { a: Int }',
  'interface I { a: Int! } type A implements I { a: Int }',
  'interface I { a: Int } type A implements I { a: Int! }',
  'interface I { a(x: Int): Int } type A implements I { a: Int }',
  'interface I { a: Int } type A implements I { a(x: Int!): Int }',
  'interface I { a: Int } type A implements I { a(x: Int! = 1): Int }',
  'interface I { a: I } type A implements I { a: A }',
  'interface I { a: [I] } type A implements I { a: [A!]! }',
  'interface I { a: U } union U = A type A implements I { a: A }',
  'type A implements B { a: Int } type B { a: Int }',
  'interface A implements B { a: Int } interface B implements A { a: Int }',
  'interface A { a: Int } interface B implements A { a: Int } type C implements B { a: Int }',
  'enum E { true }',
  'enum E { A A }',
  'enum E',
  'union U = A | A type A { a: Int }',
  'union U = Int',
  'union U',
  'input I { a: I! }',
  'input I { a: I }',
  'input I { a: [I!]! }',
  'input A { b: B! } input B { a: A! }',
  'input I { a: Query } type Query { a: Int }',
  'type A { i: I } input I { a: Int }',
  'input I @oneOf { a: Int b: Int }',
  'directive @a(x: Int @a) on ARGUMENT_DEFINITION',
  'directive @a on FIELD directive @a on FIELD',
  'directive @skip on FIELD',
  'directive @a on NOPE',
  'directive @a on | FIELD | QUERY',
  'directive @__a on FIELD',
  'directive @a repeatable on OBJECT type A @a @a { a: Int }',
  'directive @a on OBJECT type A @a @a { a: Int }',
  'directive @a on FIELD_DEFINITION type A { a: Int @a @a }',
  'directive @a(x: Int!) on OBJECT type A @a { a: Int }',
  'directive @a(x: Int!) on OBJECT type A @a(x: null) { a: Int }',
  'directive @a(x: Int!) on OBJECT type A @a(x: 1, y: 2) { a: Int }',
  'type A @a { a: Int }',
  'type A @skip(if: true) { a: Int }',
  'schema { query: A } schema { query: A } type A { a: Int }',
  'schema { query: Nope }',
  'schema { nope: A } type A { a: Int }',
  'schema { query: A query: B } type A { a: Int } type B { b: Int }',
  'extend schema { query: A } type A { a: Int }',
  'extend schema @nope',
  'extend schema',
  'extend type A { a: Int }',
  'extend type A',
  'extend interface A implements B { a: Int }',
  'extend enum A { B } type A { a: Int }',
  'extend type Query { b: Int } type Query { a: Int }',
  'extend union U = A type A { a: Int }',
  'extend scalar Int @specifiedBy(url: "x")',
  '"x" extend type A { a: Int }',
  '"x" "y" type A { a: Int }',
  'type A implements & B & C { a: Int }',
  'type A implements B C { a: Int }',
  'type A { "" a: Int # c\n "d" b: Int }',
  '# a\n"b" # c\ntype # d\nA # e\n{ # f\n"g" # h\na # i\n: # j\nInt # k\n} # l',
  'query { a }',
  'nope',
]

it('schemas are parsed, and valid where OPA says so', async () => {
  const calls = schemas.flatMap((source) => [call('parse_schema', source), call('schema_is_valid', source)])
  expect(await disagreements(graphql, calls)).toEqual([])
}, 30_000)

/** What `graphql.parse_query` shows, as OPA takes it back. */
const parsed = (query: string): string => {
  const impl = graphql.find(({ name }) => name === 'graphql.parse_query')?.impl
  return printJson(impl?.([query], contextOf()) as RegoValue)
}

const objects = [
  '{}',
  '{"Operations": [{}]}',
  '{"Operations": [{"Operation": "query"}]}',
  '{"Operations": [{"Operation": "query", "SelectionSet": [{"name": "id"}]}]}',
  '{"Operations": [{"Operation": "query", "SelectionSet": [{"Name": "id"}], "more": 1}]}',
  '{"Operations": [{"Operation": "query", "SelectionSet": [{"Name": "id } q { id"}]}]}',
  '{"Operations": [{"Operation": "query", "SelectionSet": [{"Name": "name", "Arguments": [{"Name": "first", "Value": {"Kind": 1, "Raw": "1) @skip(if: true"}}]}]}]}',
  '{"Operations": 1}',
  '{"Definitions": [{"Kind": "OBJECT", "Name": "Query"}]}',
  '{"Definitions": [{"Kind": "OBJECT", "Name": "Query", "Fields": [{"Name": "id", "Type": {"NamedType": "ID"}}]}]}',
]

// Fragments in an object are read as fields; a list of lists in one makes OPA panic.
it('documents may be objects', async () => {
  const good = queries.filter((query) => /^[{q#]/.test(query) && !query.includes('...') && !query.includes('[[Int'))
  const readable = good.filter((query) => attempt(() => parsed(query)) !== undefined)
  const calls = [...objects, ...readable.map(parsed)].flatMap((object): readonly Call[] => [
    ['graphql.is_valid', object, text(schema)],
    ['graphql.is_valid', '"{ id }"', object],
    ['graphql.schema_is_valid', object],
    ['graphql.parse_and_verify', object, text(schema)],
  ])
  expect(await disagreements(graphql, calls)).toEqual([])
})

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

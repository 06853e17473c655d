/**
 * GraphQL source text of documents. What stands for a name or a value is checked to be one: documents may come from
 * policies as objects, and text in them must not become syntax.
 */
import { BuiltinError } from '../values.ts'
import {
  valueKinds,
  type ArgumentDefinition,
  type Definition,
  type Directive,
  type DirectiveDefinition,
  type FieldDefinition,
  type QueryDocument,
  type Selection,
  type Type,
  type Value,
  type VariableDefinition,
} from './nodes.ts'
import type { Schema } from './schema.ts'

const names = /^[_A-Za-z][_0-9A-Za-z]*$/

const scalars: ReadonlyMap<number, RegExp> = new Map([
  [valueKinds.Int, /^-?(?:0|[1-9]\d*)$/],
  [valueKinds.Float, /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/],
  [valueKinds.Boolean, /^(?:true|false)$/],
  [valueKinds.Null, /^null$/],
  [valueKinds.Enum, names],
])

function checked(text: string, form: RegExp): string {
  if (form.test(text)) return text
  throw new BuiltinError(`GraphQL: ${JSON.stringify(text)} is out of place`)
}

const name = (text: string): string => checked(text, names)

const list = <T>(open: string, items: readonly T[], close: string, print: (item: T) => string): string =>
  items.length === 0 ? '' : `${open}${items.map(print).join(' ')}${close}`

function type(it: Type | null): string {
  if (it === null) throw new BuiltinError('GraphQL: a type is missing')
  return `${it.NamedType === '' ? `[${type(it.Elem)}]` : name(it.NamedType)}${it.NonNull ? '!' : ''}`
}

function value(it: Value | null): string {
  if (it === null) throw new BuiltinError('GraphQL: a value is missing')
  switch (it.Kind) {
    case valueKinds.Variable:
      return `$${name(it.Raw)}`
    case valueKinds.String:
    case valueKinds.Block:
      return JSON.stringify(it.Raw)
    case valueKinds.List:
      return `[${it.Children.map((child) => value(child.Value)).join(' ')}]`
    case valueKinds.Object:
      return `{${it.Children.map((child) => `${name(child.Name)}:${value(child.Value)}`).join(' ')}}`
    default:
      return checked(it.Raw, scalars.get(it.Kind) ?? /$^/)
  }
}

const directives = (used: readonly Directive[]): string =>
  used.map((it) => ` @${name(it.Name)}${args(it.Arguments)}`).join('')

const args = (given: Directive['Arguments']): string =>
  list('(', given, ')', (it) => `${name(it.Name)}:${value(it.Value)}`)

const variables = (defined: readonly VariableDefinition[]): string =>
  list('(', defined, ')', (it) => {
    return `$${name(it.Variable)}:${type(it.Type)}${fallback(it.DefaultValue)}${directives(it.Directives)}`
  })

const fallback = (it: Value | null): string => (it === null ? '' : `=${value(it)}`)

/** An empty document has an empty text, which is none for others. */
export function printQuery({ Operations, Fragments }: QueryDocument): string {
  const operations = Operations.map((it) => {
    const head = `${name(it.Operation || 'query')} ${it.Name === '' ? '' : name(it.Name)}${variables(it.VariableDefinitions)}`
    return `${head}${directives(it.Directives)}${required(it.SelectionSet)}`
  })
  const fragments = Fragments.map((it) => {
    const head = `fragment ${name(it.Name)}${variables(it.VariableDefinition)} on ${name(it.TypeCondition)}`
    return `${head}${directives(it.Directives)}${required(it.SelectionSet)}`
  })
  return [...operations, ...fragments].join('\n')
}

const selections = (selected: readonly Selection[]): string => list('{', selected, '}', selection)

const required = (selected: readonly Selection[]): string => selections(selected) || '{__typename}'

function selection(it: Selection): string {
  if (it.Alias !== undefined) {
    const alias = it.Alias === '' || it.Alias === it.Name ? '' : `${name(it.Alias)}:`
    return `${alias}${name(it.Name ?? '')}${args(it.Arguments ?? [])}${directives(it.Directives)}${selections(it.SelectionSet ?? [])}`
  }
  if (it.Name !== undefined) return `...${name(it.Name)}${directives(it.Directives)}`
  const condition = it.TypeCondition ? ` on ${name(it.TypeCondition)}` : ''
  return `...${condition}${directives(it.Directives)}${required(it.SelectionSet ?? [])}`
}

/** Of what the schema adds to GraphQL's own types. */
export function printSchema({ types, directives: declared, roots }: Schema, isOwn: (name: string) => boolean): string {
  const operations = list('schema{', [...roots], '}', ([operation, root]) => `${name(operation)}:${name(root)}`)
  const definitions = [...types.values()].filter((it) => !isOwn(it.Name)).map(definition)
  return [operations, ...[...declared.values()].map(directiveDefinition), ...definitions].join('\n')
}

const keywords: Readonly<Record<string, string>> = {
  SCALAR: 'scalar',
  OBJECT: 'type',
  INTERFACE: 'interface',
  UNION: 'union',
  ENUM: 'enum',
  INPUT_OBJECT: 'input',
}

function definition({ Kind, Name, Interfaces, Directives, Fields, Types, EnumValues }: Definition): string {
  const bases = Interfaces.length === 0 ? '' : ` implements ${Interfaces.map(name).join('&')}`
  const oneOf = Directives.filter((it) => it.Name === 'oneOf')
  const members = Types.length === 0 ? '' : `=${Types.map(name).join('|')}`
  const fields = list('{', Fields, '}', Kind === 'INPUT_OBJECT' ? argument : field)
  const values = list('{', EnumValues, '}', (it) => name(it.Name))
  return `${keywords[Kind] ?? ''} ${name(Name)}${bases}${directives(oneOf)}${members}${fields}${values}`
}

const field = (it: FieldDefinition): string =>
  `${name(it.Name)}${list('(', it.Arguments, ')', argument)}:${type(it.Type)}`

const argument = (it: ArgumentDefinition): string => `${name(it.Name)}:${type(it.Type)}${fallback(it.DefaultValue)}`

const directiveDefinition = (it: DirectiveDefinition): string =>
  `directive @${name(it.Name)}${list('(', it.Arguments, ')', argument)}${it.IsRepeatable ? ' repeatable' : ''} on ${it.Locations.map(name).join('|')}`

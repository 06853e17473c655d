/**
 * The nodes of GraphQL documents as OPA shows them: the structs of gqlparser, by name and field. Comments, defaults and
 * what validation would fill in are among them; positions are not.
 * https://pkg.go.dev/github.com/vektah/gqlparser/v2/ast
 */
import { isArray, isNumber } from '../../compare.ts'
import { RegoObject, type RegoValue } from '../../extension.ts'
import { asBoolean, asInt, asString, BuiltinError } from '../values.ts'

export interface CommentGroup {
  readonly List: readonly { readonly Value: string }[]
}

export interface Type {
  readonly NamedType: string
  readonly Elem: Type | null
  readonly NonNull: boolean
}

/** The kinds of values, numbered as gqlparser numbers them. */
export const valueKinds = {
  Variable: 0,
  Int: 1,
  Float: 2,
  String: 3,
  Block: 4,
  Boolean: 5,
  Null: 6,
  Enum: 7,
  List: 8,
  Object: 9,
} as const

export interface Value {
  readonly Raw: string
  readonly Children: readonly ChildValue[]
  readonly Kind: number
  readonly Comment: CommentGroup | null
}

export interface ChildValue {
  readonly Name: string
  readonly Value: Value | null
  readonly Comment: CommentGroup | null
}

export interface Argument {
  readonly Name: string
  readonly Value: Value | null
  readonly Comment: CommentGroup | null
}

export interface Directive {
  readonly Name: string
  readonly Arguments: readonly Argument[]
}

/** A field, a fragment spread (no `Alias`) or an inline fragment (no `Name`). */
export interface Selection {
  readonly Alias?: string
  readonly Name?: string
  readonly TypeCondition?: string
  readonly Arguments?: readonly Argument[]
  readonly Directives: readonly Directive[]
  readonly SelectionSet?: readonly Selection[]
  readonly Comment: CommentGroup | null
}

export interface VariableDefinition {
  readonly Variable: string
  readonly Type: Type | null
  readonly DefaultValue: Value | null
  readonly Directives: readonly Directive[]
  readonly Comment: CommentGroup | null
}

export interface OperationDefinition {
  readonly Operation: string
  readonly Name: string
  readonly VariableDefinitions: readonly VariableDefinition[]
  readonly Directives: readonly Directive[]
  readonly SelectionSet: readonly Selection[]
  readonly Comment: CommentGroup | null
}

export interface FragmentDefinition {
  readonly Name: string
  readonly VariableDefinition: readonly VariableDefinition[]
  readonly TypeCondition: string
  readonly Directives: readonly Directive[]
  readonly SelectionSet: readonly Selection[]
  readonly Comment: CommentGroup | null
}

export interface QueryDocument {
  readonly Operations: readonly OperationDefinition[]
  readonly Fragments: readonly FragmentDefinition[]
}

export interface Described {
  readonly Description: string
  readonly Directives: readonly Directive[]
  readonly BeforeDescriptionComment: CommentGroup | null
  readonly AfterDescriptionComment: CommentGroup | null
}

export interface ArgumentDefinition extends Described {
  readonly Name: string
  readonly DefaultValue: Value | null
  readonly Type: Type | null
}

export interface FieldDefinition extends ArgumentDefinition {
  readonly Arguments: readonly ArgumentDefinition[]
}

export interface EnumValueDefinition extends Described {
  readonly Name: string
}

export interface Definition extends Described {
  readonly Kind: string
  readonly Name: string
  readonly Interfaces: readonly string[]
  readonly Fields: readonly FieldDefinition[]
  readonly Types: readonly string[]
  readonly EnumValues: readonly EnumValueDefinition[]
  readonly EndOfDefinitionComment: CommentGroup | null
}

export interface DirectiveDefinition extends Omit<Described, 'Directives'> {
  readonly Name: string
  readonly Arguments: readonly ArgumentDefinition[]
  readonly Locations: readonly string[]
  readonly IsRepeatable: boolean
}

export interface SchemaDefinition extends Described {
  readonly OperationTypes: readonly {
    readonly Operation: string
    readonly Type: string
    readonly Comment: CommentGroup | null
  }[]
  readonly EndOfDefinitionComment: CommentGroup | null
}

export interface SchemaDocument {
  readonly Schema: readonly SchemaDefinition[]
  readonly SchemaExtension: readonly SchemaDefinition[]
  readonly Directives: readonly DirectiveDefinition[]
  readonly Definitions: readonly Definition[]
  readonly Extensions: readonly Definition[]
  readonly Comment: CommentGroup | null
}

// ── As Rego values ──────────────────────────────────────────────────────────────────────────────────────────────────

/** `text`, `flag` and `count` have zero values that are shown; a struct's name may be null, a list's may be empty. */
type Field = 'text' | 'flag' | 'count' | 'texts' | StructName | readonly [StructName]
type Struct = Readonly<Record<string, Field>>

const comments = { BeforeDescriptionComment: 'CommentGroup', AfterDescriptionComment: 'CommentGroup' } as const
const value = {
  Name: 'text',
  Description: 'text',
  DefaultValue: 'Value',
  Type: 'Type',
  Directives: ['Directive'],
  ...comments,
} as const

type StructName = keyof typeof structs

const structs = {
  CommentGroup: { List: ['Comment'] },
  Comment: { Value: 'text' },
  Type: { NamedType: 'text', Elem: 'Type', NonNull: 'flag' },
  Value: {
    Raw: 'text',
    Children: ['ChildValue'],
    Kind: 'count',
    Comment: 'CommentGroup',
    ExpectedTypeHasDefault: 'flag',
  },
  ChildValue: { Name: 'text', Value: 'Value', Comment: 'CommentGroup' },
  Argument: { Name: 'text', Value: 'Value', Comment: 'CommentGroup' },
  Directive: { Name: 'text', Arguments: ['Argument'], Location: 'text' },
  Field: {
    Alias: 'text',
    Name: 'text',
    Arguments: ['Argument'],
    Directives: ['Directive'],
    SelectionSet: ['Field'],
    Comment: 'CommentGroup',
  },
  FragmentSpread: { Name: 'text', Directives: ['Directive'], Comment: 'CommentGroup' },
  InlineFragment: {
    TypeCondition: 'text',
    Directives: ['Directive'],
    SelectionSet: ['Field'],
    Comment: 'CommentGroup',
  },
  VariableDefinition: {
    Variable: 'text',
    Type: 'Type',
    DefaultValue: 'Value',
    Directives: ['Directive'],
    Comment: 'CommentGroup',
    Used: 'flag',
  },
  OperationDefinition: {
    Operation: 'text',
    Name: 'text',
    VariableDefinitions: ['VariableDefinition'],
    Directives: ['Directive'],
    SelectionSet: ['Field'],
    Comment: 'CommentGroup',
  },
  FragmentDefinition: {
    Name: 'text',
    VariableDefinition: ['VariableDefinition'],
    TypeCondition: 'text',
    Directives: ['Directive'],
    SelectionSet: ['Field'],
    Comment: 'CommentGroup',
  },
  QueryDocument: { Operations: ['OperationDefinition'], Fragments: ['FragmentDefinition'] },
  ArgumentDefinition: value,
  FieldDefinition: { ...value, Arguments: ['ArgumentDefinition'] },
  EnumValueDefinition: { Name: 'text', Description: 'text', Directives: ['Directive'], ...comments },
  Definition: {
    Kind: 'text',
    Description: 'text',
    Name: 'text',
    Directives: ['Directive'],
    Interfaces: 'texts',
    Fields: ['FieldDefinition'],
    Types: 'texts',
    EnumValues: ['EnumValueDefinition'],
    BuiltIn: 'flag',
    ...comments,
    EndOfDefinitionComment: 'CommentGroup',
  },
  DirectiveDefinition: {
    Name: 'text',
    Description: 'text',
    Arguments: ['ArgumentDefinition'],
    Locations: 'texts',
    IsRepeatable: 'flag',
    ...comments,
  },
  SchemaDefinition: {
    Description: 'text',
    Directives: ['Directive'],
    OperationTypes: ['OperationTypeDefinition'],
    ...comments,
    EndOfDefinitionComment: 'CommentGroup',
  },
  OperationTypeDefinition: { Operation: 'text', Type: 'text', Comment: 'CommentGroup' },
  SchemaDocument: {
    Schema: ['SchemaDefinition'],
    SchemaExtension: ['SchemaDefinition'],
    Directives: ['DirectiveDefinition'],
    Definitions: ['Definition'],
    Extensions: ['Definition'],
    Comment: 'CommentGroup',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, unknown>>>>

type Node = Readonly<Record<string, unknown>>

const fieldsOf = (name: StructName): readonly (readonly [string, Field])[] => {
  const struct: Struct = structs[name]
  return Object.entries(struct)
}

const isNode = (of: unknown): of is Node => typeof of === 'object' && of !== null && !Array.isArray(of)

/** Without nulls, empty lists and empty objects. */
export function toRego(name: StructName, node: object): RegoObject {
  const of: Node = { ...node }
  return new RegoObject(
    fieldsOf(name).flatMap(([key, field]) => {
      const member = fieldToRego(field, of[key])
      return member === undefined ? [] : [[key, member]]
    }),
  )
}

function fieldToRego(field: Field, of: unknown): RegoValue | undefined {
  if (field === 'text') return typeof of === 'string' ? of : ''
  if (field === 'flag') return of === true
  if (field === 'count') return typeof of === 'number' ? of : 0
  if (field === 'texts') return nonEmpty(Array.isArray(of) ? of.filter((one) => typeof one === 'string') : [])
  if (typeof field === 'string') return isNode(of) ? nonEmptyObject(toRego(field, of)) : undefined
  const nodes = Array.isArray(of) ? of.filter(isNode) : []
  return nonEmpty(nodes.map((node) => toRego(selectionName(field[0], node), node)).filter(nonEmptyObject))
}

const nonEmpty = (items: readonly RegoValue[]): RegoValue | undefined => (items.length === 0 ? undefined : items)
const nonEmptyObject = (object: RegoObject): RegoObject | undefined =>
  object.entries.length === 0 ? undefined : object

function selectionName(name: StructName, node: Node): StructName {
  if (name !== 'Field' || node['Alias'] !== undefined) return name
  return node['Name'] === undefined ? 'InlineFragment' : 'FragmentSpread'
}

/** gqlparser reads these itself: names as they are written, and no comment. */
const exact: ReadonlySet<StructName> = new Set(['Field', 'OperationDefinition', 'FragmentDefinition'])

/**
 * A document that a policy hands over as an object, as Go's `encoding/json` reads it: names in any case, unknown ones
 * ignored, absent ones zero. Every selection becomes a field, fragments included: that is gqlparser's own reading.
 */
export const readQuery = (object: RegoObject): QueryDocument =>
  read('QueryDocument', object) as unknown as QueryDocument
export const readSchema = (object: RegoObject): SchemaDocument =>
  read('SchemaDocument', object) as unknown as SchemaDocument

function read(name: StructName, of: RegoValue): Node {
  if (!(of instanceof RegoObject)) throw new BuiltinError(`not a ${name}`)
  const isExact = exact.has(name)
  const keyOf = (key: string): string => (isExact ? key : key.toLowerCase())
  const members = new Map(of.entries.map(([key, member]) => [keyOf(asString(key)), member]))
  if (isExact) members.delete('Comment')
  return Object.fromEntries(
    fieldsOf(name).map(([key, field]) => [key, readField(field, members.get(keyOf(key)) ?? null)]),
  )
}

function readField(field: Field, of: RegoValue): unknown {
  if (field === 'text') return of === null ? '' : asString(of)
  if (field === 'flag') return of === null ? false : asBoolean(of)
  if (field === 'count') return isNumber(of) ? asInt(of) : 0
  if (field === 'texts') return items(of).map((item) => asString(item))
  if (typeof field === 'string') return of === null ? null : read(field, of)
  return items(of).map((item) => read(field[0], item))
}

function items(of: RegoValue): readonly RegoValue[] {
  if (of === null) return []
  if (!isArray(of)) throw new BuiltinError('not a list')
  return of
}

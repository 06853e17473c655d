/**
 * A type system from its document: extensions joined to what they extend, then the rules that gqlparser has for it.
 * Throws on the first that is broken. The types and directives that GraphQL itself has are part of every schema.
 */
import { BuiltinError } from '../values.ts'
import {
  valueKinds,
  type ArgumentDefinition,
  type Definition,
  type Directive,
  type DirectiveDefinition,
  type FieldDefinition,
  type SchemaDocument,
  type Type,
} from './nodes.ts'
import { parseSchema } from './parse-schema.ts'

export interface Schema {
  readonly types: ReadonlyMap<string, Definition>
  readonly directives: ReadonlyMap<string, DirectiveDefinition>
  /** Type names by operation. */
  readonly roots: ReadonlyMap<string, string>
}

/** https://spec.graphql.org/October2021/#sec-Schema-Introspection.Schema-Introspection-Schema, and `@defer`, `@oneOf` */
const builtinSource = `
scalar Int scalar Float scalar String scalar Boolean scalar ID
directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @defer(if: Boolean = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT
directive @deprecated(reason: String = "No longer supported")
  on FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | ENUM_VALUE
directive @specifiedBy(url: String!) on SCALAR
directive @oneOf on INPUT_OBJECT
type __Schema { description: String types: [__Type!]! queryType: __Type! mutationType: __Type subscriptionType: __Type directives: [__Directive!]! }
type __Type { kind: __TypeKind! name: String description: String specifiedByURL: String fields(includeDeprecated: Boolean = false): [__Field!]
  interfaces: [__Type!] possibleTypes: [__Type!] enumValues(includeDeprecated: Boolean = false): [__EnumValue!]
  inputFields(includeDeprecated: Boolean = false): [__InputValue!] ofType: __Type isOneOf: Boolean }
enum __TypeKind { SCALAR OBJECT INTERFACE UNION ENUM INPUT_OBJECT LIST NON_NULL }
type __Field { name: String! description: String args(includeDeprecated: Boolean = false): [__InputValue!]! type: __Type! isDeprecated: Boolean! deprecationReason: String }
type __InputValue { name: String! description: String type: __Type! defaultValue: String isDeprecated: Boolean! deprecationReason: String }
type __EnumValue { name: String! description: String isDeprecated: Boolean! deprecationReason: String }
type __Directive { name: String! description: String isRepeatable: Boolean! locations: [__DirectiveLocation!]! args(includeDeprecated: Boolean = false): [__InputValue!]! }
enum __DirectiveLocation { QUERY MUTATION SUBSCRIPTION FIELD FRAGMENT_DEFINITION FRAGMENT_SPREAD INLINE_FRAGMENT VARIABLE_DEFINITION SCHEMA SCALAR
  OBJECT FIELD_DEFINITION ARGUMENT_DEFINITION INTERFACE UNION ENUM ENUM_VALUE INPUT_OBJECT INPUT_FIELD_DEFINITION }
`
const builtin = parseSchema(builtinSource)
const ownTypes: ReadonlySet<string> = new Set(builtin.Definitions.map(({ Name }) => Name))
export const isOwnType = (name: string): boolean => ownTypes.has(name)
const ownDirectives: ReadonlySet<string> = new Set(builtin.Directives.map(({ Name }) => Name))

export function createSchema(document: SchemaDocument): Schema {
  const types = declaredTypes(document)
  const directives = declaredDirectives(document)
  if (document.Schema.length > 1) fail('multiple schema entry points')
  const roots = declaredRoots(document, types)
  const rules = createRules(types, directives)
  for (const entry of [...document.Schema, ...document.SchemaExtension]) rules.directives(entry.Directives, 'SCHEMA')
  for (const definition of types.values()) rules.definition(definition)
  refuseInputCycles(types)
  for (const directive of directives.values()) rules.directive(directive)
  if (document.Schema.length === 0) {
    for (const [operation, name] of inferred) if (!roots.has(operation) && types.has(name)) roots.set(operation, name)
  }
  return { types, directives, roots }
}

const inferred = [
  ['query', 'Query'],
  ['mutation', 'Mutation'],
  ['subscription', 'Subscription'],
] as const

function fail(message: string): never {
  throw new BuiltinError(`GraphQL schema: ${message}`)
}

function declaredTypes({ Definitions, Extensions }: SchemaDocument): Map<string, Definition> {
  const types = new Map<string, Definition>()
  for (const definition of [...builtin.Definitions, ...Definitions]) {
    if (types.has(definition.Name)) fail(`cannot redeclare type ${definition.Name}`)
    types.set(definition.Name, definition)
  }
  for (const extension of Extensions) {
    const base = types.get(extension.Name)
    if (base !== undefined && base.Kind !== extension.Kind) fail(`${extension.Name} is a ${base.Kind}`)
    types.set(extension.Name, base === undefined ? extension : join(base, extension))
  }
  return types
}

const join = (base: Definition, more: Definition): Definition => ({
  ...base,
  Directives: [...base.Directives, ...more.Directives],
  Interfaces: [...base.Interfaces, ...more.Interfaces],
  Fields: [...base.Fields, ...more.Fields],
  Types: [...base.Types, ...more.Types],
  EnumValues: [...base.EnumValues, ...more.EnumValues],
})

function declaredDirectives({ Directives }: SchemaDocument): Map<string, DirectiveDefinition> {
  const directives = new Map(builtin.Directives.map((directive) => [directive.Name, directive]))
  for (const directive of Directives) {
    if (directives.has(directive.Name) && !ownDirectives.has(directive.Name))
      fail(`cannot redeclare directive ${directive.Name}`)
    directives.set(directive.Name, directive)
  }
  return directives
}

function declaredRoots(
  { Schema, SchemaExtension }: SchemaDocument,
  types: ReadonlyMap<string, Definition>,
): Map<string, string> {
  const roots = new Map<string, string>()
  for (const { Operation, Type } of [...Schema, ...SchemaExtension].flatMap((entry) => entry.OperationTypes)) {
    if (!types.has(Type)) fail(`${Operation} refers to a type ${Type} that does not exist`)
    roots.set(Operation, Type)
  }
  return roots
}

// ── Rules ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export const typeName = (type: Type | null): string => {
  if (type === null) fail('a type is missing')
  return type.NamedType !== '' ? type.NamedType : typeName(type.Elem)
}

const inputKinds: ReadonlySet<string> = new Set(['SCALAR', 'ENUM', 'INPUT_OBJECT'])
const outputKinds: ReadonlySet<string> = new Set(['SCALAR', 'OBJECT', 'INTERFACE', 'UNION', 'ENUM'])

function createRules(
  types: ReadonlyMap<string, Definition>,
  declared: ReadonlyMap<string, DirectiveDefinition>,
): {
  readonly definition: (definition: Definition) => void
  readonly directive: (directive: DirectiveDefinition) => void
  readonly directives: (used: readonly Directive[], location: string) => void
} {
  const typeOf = (type: Type | null): Definition =>
    types.get(typeName(type)) ?? fail(`undefined type ${typeName(type)}`)

  function definition(it: Definition): void {
    const isInput = it.Kind === 'INPUT_OBJECT'
    for (const field of it.Fields) {
      checkName(field.Name)
      typeOf(field.Type)
      checkArguments(field.Arguments)
      directives(field.Directives, isInput ? 'INPUT_FIELD_DEFINITION' : 'FIELD_DEFINITION')
    }
    for (const member of it.Types) {
      if (types.get(member)?.Kind !== 'OBJECT') fail(`${it.Name} has a member ${member} that is no object type`)
    }
    for (const name of it.Interfaces) checkImplements(it, name)
    checkMembers(it)
    if (!ownTypes.has(it.Name)) checkName(it.Name)
    directives(it.Directives, it.Kind, { merged: true })
  }

  function checkMembers({ Kind, Name, Fields, Types, EnumValues }: Definition): void {
    const hasFields = Kind === 'OBJECT' || Kind === 'INTERFACE' || Kind === 'INPUT_OBJECT'
    if (hasFields) {
      if (Fields.length === 0) fail(`${Name} must define one or more fields`)
      const allowed = Kind === 'INPUT_OBJECT' ? inputKinds : outputKinds
      for (const field of Fields)
        if (!allowed.has(typeOf(field.Type).Kind)) fail(`${Name}.${field.Name} has a wrong type`)
    }
    if (Kind === 'ENUM') {
      if (EnumValues.length === 0) fail(`${Name} must define one or more values`)
      for (const value of EnumValues) {
        if (['true', 'false', 'null'].includes(value.Name)) fail(`${Name} has the value ${value.Name}`)
        directives(value.Directives, 'ENUM_VALUE')
      }
    }
    for (const names of [Fields.map((field) => field.Name), EnumValues.map((value) => value.Name), Types]) {
      if (new Set(names).size < names.length) fail(`${Name} defines a member twice`)
    }
  }

  function checkArguments(args: readonly ArgumentDefinition[], of?: DirectiveDefinition): void {
    for (const argument of args) {
      checkName(argument.Name)
      if (!inputKinds.has(typeOf(argument.Type).Kind)) fail(`${argument.Name} is no valid argument`)
      directives(argument.Directives, 'ARGUMENT_DEFINITION', { of })
    }
  }

  function directive(it: DirectiveDefinition): void {
    checkName(it.Name)
    checkArguments(it.Arguments, it)
  }

  /** `merged`: of several places, so that the same one may be there more than once. */
  function directives(
    used: readonly Directive[],
    location: string,
    { of, merged = false }: { readonly of?: DirectiveDefinition | undefined; readonly merged?: boolean } = {},
  ): void {
    const seen = new Set<string>()
    for (const { Name, Arguments } of used) {
      checkName(Name)
      if (of?.Name === Name) fail(`directive ${Name} cannot refer to itself`)
      const own = declared.get(Name) ?? fail(`undefined directive ${Name}`)
      if (!merged && seen.has(Name) && !own.IsRepeatable) fail(`directive ${Name} is used twice at one place`)
      seen.add(Name)
      if (!own.Locations.includes(location)) fail(`directive ${Name} is not applicable on ${location}`)
      for (const argument of Arguments) {
        if (!own.Arguments.some((known) => known.Name === argument.Name))
          fail(`${Name} has no argument ${argument.Name}`)
      }
      for (const needed of own.Arguments) {
        if (needed.Type?.NonNull !== true || needed.DefaultValue !== null) continue
        const given = Arguments.find((argument) => argument.Name === needed.Name)
        if (given === undefined || given.Value?.Kind === valueKinds.Null) fail(`${Name} needs ${needed.Name}`)
      }
    }
  }

  function checkImplements(it: Definition, name: string): void {
    const base = types.get(name)
    if (base?.Kind !== 'INTERFACE') fail(`${it.Name} implements ${name}, which is no interface`)
    for (const required of base.Fields) {
      const found = it.Fields.find((field) => field.Name === required.Name)
      if (found === undefined) fail(`${it.Name} lacks the field ${required.Name} of ${name}`)
      if (!isCovariant(required.Type, found.Type)) fail(`${it.Name}.${found.Name} must have the type that ${name} says`)
      checkFieldArguments(required, found)
    }
    for (const inherited of base.Interfaces) {
      if (!it.Interfaces.includes(inherited)) fail(`${it.Name} must implement ${inherited}`)
    }
  }

  function checkFieldArguments(required: FieldDefinition, found: FieldDefinition): void {
    for (const argument of required.Arguments) {
      const own = found.Arguments.find(({ Name }) => Name === argument.Name)
      if (own === undefined || !isCompatible(argument.Type, own.Type)) fail(`${found.Name} must have ${argument.Name}`)
    }
    for (const { Name, Type, DefaultValue } of found.Arguments) {
      const isKnown = required.Arguments.some((argument) => argument.Name === Name)
      if (!isKnown && Type?.NonNull === true && DefaultValue === null) fail(`${found.Name} must not require ${Name}`)
    }
  }

  function isCovariant(required: Type | null, actual: Type | null): boolean {
    if (required === null || actual === null) return false
    if (required.NonNull && !actual.NonNull) return false
    if (required.NamedType === '') return isCovariant(required.Elem, actual.Elem)
    return required.NamedType === actual.NamedType || isPossible(required.NamedType, actual.NamedType)
  }

  function isPossible(abstract: string, name: string): boolean {
    if (types.get(abstract)?.Types.includes(name) === true) return true
    return types.get(name)?.Interfaces.includes(abstract) === true
  }

  return { definition, directive, directives }
}

function isCompatible(required: Type | null, actual: Type | null): boolean {
  if (required === null || actual === null) return required === actual
  if (required.NamedType !== actual.NamedType) return false
  if (required.Elem !== null && !isCompatible(required.Elem, actual.Elem)) return false
  return !actual.NonNull || required.NonNull
}

function checkName(name: string): void {
  if (name.startsWith('__')) fail(`${name} begins with "__", which is reserved`)
}

/** Input objects that hold themselves through fields that must be given. */
function refuseInputCycles(types: ReadonlyMap<string, Definition>): void {
  const done = new Set<string>()
  const open = new Set<string>()

  function visit(it: Definition): void {
    if (done.has(it.Name)) return
    done.add(it.Name)
    open.add(it.Name)
    for (const { Type } of it.Fields) {
      const next = Type?.NonNull === true && Type.NamedType !== '' ? types.get(Type.NamedType) : undefined
      if (next?.Kind !== 'INPUT_OBJECT') continue
      if (open.has(next.Name)) fail(`${next.Name} holds itself`)
      visit(next)
    }
    open.delete(it.Name)
  }

  for (const it of types.values()) if (it.Kind === 'INPUT_OBJECT') visit(it)
}

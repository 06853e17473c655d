/** Type system documents: definitions and extensions. https://spec.graphql.org/October2021/#sec-Type-System */
import type {
  ArgumentDefinition,
  CommentGroup,
  Definition,
  Described,
  DirectiveDefinition,
  EnumValueDefinition,
  FieldDefinition,
  SchemaDefinition,
  SchemaDocument,
} from './nodes.ts'
import { createReader, type Reader } from './reader.ts'

interface Description {
  readonly text: string
  readonly comment: CommentGroup | null
}

const undescribed: Description = { text: '', comment: null }

const kinds: Readonly<Record<string, string>> = {
  scalar: 'SCALAR',
  type: 'OBJECT',
  interface: 'INTERFACE',
  union: 'UNION',
  enum: 'ENUM',
  input: 'INPUT_OBJECT',
}

const locations: ReadonlySet<string> = new Set([
  'QUERY',
  'MUTATION',
  'SUBSCRIPTION',
  'FIELD',
  'FRAGMENT_DEFINITION',
  'FRAGMENT_SPREAD',
  'INLINE_FRAGMENT',
  'VARIABLE_DEFINITION',
  'SCHEMA',
  'SCALAR',
  'OBJECT',
  'FIELD_DEFINITION',
  'ARGUMENT_DEFINITION',
  'INTERFACE',
  'UNION',
  'ENUM',
  'ENUM_VALUE',
  'INPUT_OBJECT',
  'INPUT_FIELD_DEFINITION',
])

/** Throws on what is no such document; an empty one is. */
export function parseSchema(source: string): SchemaDocument {
  const reader = createReader(source)
  const Schema: SchemaDefinition[] = []
  const SchemaExtension: SchemaDefinition[] = []
  const Directives: DirectiveDefinition[] = []
  const Definitions: Definition[] = []
  const Extensions: Definition[] = []
  while (reader.peek().kind !== 'end') {
    const about = description(reader)
    if (reader.is('schema', 'name')) Schema.push(schema(reader, about))
    else if (reader.is('directive', 'name')) Directives.push(directive(reader, about))
    else if (!reader.is('extend', 'name')) Definitions.push(definition(reader, about))
    else {
      if (about.text !== '') reader.fail()
      const comment = reader.comment()
      reader.next()
      if (reader.is('schema', 'name')) SchemaExtension.push(extended(reader, schema(reader, about, comment)))
      else Extensions.push(extended(reader, definition(reader, about, comment)))
    }
  }
  return { Schema, SchemaExtension, Directives, Definitions, Extensions, Comment: reader.comment() }
}

/** An extension says something. */
function extended<T extends Partial<Definition & SchemaDefinition>>(reader: Reader, it: T): T {
  const { Directives = [], Interfaces = [], Fields = [], Types = [], EnumValues = [], OperationTypes = [] } = it
  const interfaces = it.Kind === 'INTERFACE' ? [] : Interfaces
  const said = [Directives, interfaces, Fields, Types, EnumValues, OperationTypes]
  if (said.every((list) => list.length === 0)) reader.fail()
  return it
}

function description(reader: Reader): Description {
  const { kind, text } = reader.peek()
  if (kind !== 'string' && kind !== 'block') return undescribed
  const comment = reader.comment()
  reader.next()
  return { text, comment }
}

/** Before the word that names what is defined; `before`: of the word `extend`. */
function opening(reader: Reader, about: Description, before?: CommentGroup | null) {
  reader.peek()
  return {
    Description: about.text,
    BeforeDescriptionComment: about.comment,
    AfterDescriptionComment: before === undefined ? reader.comment() : before,
  }
}

function schema(reader: Reader, about: Description, before?: CommentGroup | null): SchemaDefinition {
  const start = opening(reader, about, before)
  reader.expect('schema', 'name')
  const Directives = reader.directives(true)
  const [OperationTypes, EndOfDefinitionComment] = reader.some('{', '}', () => {
    const Operation = reader.peek().text
    const Comment = reader.comment()
    if (!['query', 'mutation', 'subscription'].includes(Operation)) reader.fail()
    reader.next()
    reader.expect(':')
    return { Operation, Type: reader.name(), Comment }
  })
  return { ...start, Directives, OperationTypes, EndOfDefinitionComment }
}

function definition(reader: Reader, about: Description, before?: CommentGroup | null): Definition {
  const start = opening(reader, about, before)
  const token = reader.peek()
  const Kind = token.kind === 'name' ? kinds[token.text] : undefined
  if (Kind === undefined) reader.fail()
  reader.next()
  const composite = Kind === 'OBJECT' || (Kind === 'INTERFACE' && before === undefined)
  const head = {
    ...start,
    Kind,
    Name: reader.name(),
    Interfaces: composite ? interfaces(reader) : [],
    Directives: reader.directives(Kind !== 'INPUT_OBJECT' || before === undefined),
  }
  return { ...head, Fields: [], Types: [], EnumValues: [], EndOfDefinitionComment: null, ...body(reader, Kind) }
}

function body(reader: Reader, kind: string): Partial<Definition> {
  if (kind === 'SCALAR') return {}
  if (kind === 'UNION') return { Types: reader.skip('=') ? separated(reader, '|') : [] }
  if (kind === 'ENUM') {
    const [EnumValues, EndOfDefinitionComment] = reader.some('{', '}', () => enumValue(reader))
    return { EnumValues, EndOfDefinitionComment }
  }
  const [Fields, EndOfDefinitionComment] = reader.some('{', '}', () => {
    return kind === 'INPUT_OBJECT' ? { ...argument(reader), Arguments: [] } : field(reader)
  })
  return { Fields, EndOfDefinitionComment }
}

const interfaces = (reader: Reader): readonly string[] =>
  reader.skip('implements', 'name') ? separated(reader, '&') : []

function separated(reader: Reader, separator: string): readonly string[] {
  reader.skip(separator)
  const names = [reader.name()]
  while (reader.skip(separator)) names.push(reader.name())
  return names
}

/** Before a name with an optional description; the comment before an empty one is dropped. */
function named(reader: Reader): Omit<Described, 'Directives'> & { readonly Name: string } {
  const { text, comment } = description(reader)
  const start = opening(reader, { text, comment: text === '' ? null : comment })
  return { ...start, Name: reader.name() }
}

const enumValue = (reader: Reader): EnumValueDefinition => ({
  ...named(reader),
  Directives: reader.directives(true),
})

function field(reader: Reader): FieldDefinition {
  const start = named(reader)
  const Arguments = argumentDefinitions(reader)
  reader.expect(':')
  return { ...start, Arguments, DefaultValue: null, Type: reader.type(), Directives: reader.directives(true) }
}

const argumentDefinitions = (reader: Reader): readonly ArgumentDefinition[] =>
  reader.some('(', ')', () => argument(reader))[0]

function argument(reader: Reader): ArgumentDefinition {
  const start = named(reader)
  reader.expect(':')
  return {
    ...start,
    Type: reader.type(),
    DefaultValue: reader.skip('=') ? reader.value(true) : null,
    Directives: reader.directives(true),
  }
}

function directive(reader: Reader, about: Description): DirectiveDefinition {
  const start = opening(reader, about)
  reader.expect('directive', 'name')
  reader.expect('@')
  const Name = reader.name()
  const Arguments = argumentDefinitions(reader)
  const IsRepeatable = reader.skip('repeatable', 'name')
  reader.expect('on', 'name')
  const Locations = separated(reader, '|')
  if (!Locations.every((location) => locations.has(location))) reader.fail()
  return { ...start, Name, Arguments, IsRepeatable, Locations }
}

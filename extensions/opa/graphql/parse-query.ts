/** Executable documents: operations and fragments. https://spec.graphql.org/October2021/#sec-Document */
import type { FragmentDefinition, OperationDefinition, QueryDocument, Selection, VariableDefinition } from './nodes.ts'
import { createReader, type Reader } from './reader.ts'

const operations = ['query', 'mutation', 'subscription']

/** Throws on what is no such document; an empty one is. */
export function parseQuery(source: string): QueryDocument {
  const reader = createReader(source)
  const Operations: OperationDefinition[] = []
  const Fragments: FragmentDefinition[] = []
  while (reader.peek().kind !== 'end') {
    if (reader.is('fragment', 'name')) Fragments.push(fragment(reader))
    else Operations.push(operation(reader))
  }
  return { Operations, Fragments }
}

function operation(reader: Reader): OperationDefinition {
  const { kind, text } = reader.peek()
  const Comment = reader.comment()
  // gqlparser loses the comment of an operation without a name.
  if (reader.is('{')) {
    const SelectionSet = selections(reader)
    return { Operation: 'query', Name: '', VariableDefinitions: [], Directives: [], SelectionSet, Comment: null }
  }
  if (kind !== 'name' || !operations.includes(text)) reader.fail()
  reader.next()
  return {
    Operation: text,
    Name: reader.peek().kind === 'name' ? reader.next().text : '',
    VariableDefinitions: variables(reader),
    Directives: reader.directives(false),
    SelectionSet: selections(reader),
    Comment,
  }
}

function fragment(reader: Reader): FragmentDefinition {
  const Comment = reader.comment()
  reader.next()
  const Name = fragmentName(reader)
  const VariableDefinition = variables(reader)
  reader.expect('on', 'name')
  return {
    Name,
    VariableDefinition,
    TypeCondition: reader.name(),
    Directives: reader.directives(false),
    SelectionSet: selections(reader),
    Comment,
  }
}

function fragmentName(reader: Reader): string {
  if (reader.is('on', 'name')) reader.fail()
  return reader.name()
}

const variables = (reader: Reader): readonly VariableDefinition[] =>
  reader.some('(', ')', () => {
    reader.peek()
    const Comment = reader.comment()
    reader.expect('$')
    const Variable = reader.name()
    reader.expect(':')
    return {
      Variable,
      Type: reader.type(),
      DefaultValue: reader.skip('=') ? reader.value(true) : null,
      Directives: reader.directives(false),
      Comment,
    }
  })[0]

function selections(reader: Reader): readonly Selection[] {
  if (!reader.is('{')) reader.fail()
  return reader.some('{', '}', () => selection(reader))[0]
}

function selection(reader: Reader): Selection {
  reader.peek()
  const Comment = reader.comment()
  if (reader.skip('...')) return spread(reader, Comment)
  const Alias = reader.name()
  return {
    Alias,
    Name: reader.skip(':') ? reader.name() : Alias,
    Arguments: reader.args(false),
    Directives: reader.directives(false),
    SelectionSet: reader.is('{') ? selections(reader) : [],
    Comment,
  }
}

function spread(reader: Reader, Comment: Selection['Comment']): Selection {
  if (reader.peek().kind === 'name' && !reader.is('on', 'name')) {
    return { Name: reader.name(), Directives: reader.directives(false), Comment }
  }
  return {
    TypeCondition: reader.skip('on', 'name') ? reader.name() : '',
    Directives: reader.directives(false),
    SelectionSet: selections(reader),
    Comment,
  }
}

/**
 * What the parsers of queries and schemas share: one token ahead, the comments before it, and the grammar's common
 * parts. A comment belongs to what is asked for it while the token behind it is the next one, as in gqlparser.
 */
import { BuiltinError } from '../values.ts'
import { valueKinds, type Argument, type CommentGroup, type Directive, type Type, type Value } from './nodes.ts'
import { tokenize, type Token } from './tokens.ts'

export interface Reader {
  readonly peek: () => Token
  readonly next: () => Token
  /** The comments before the next token; null when it was not looked at. */
  readonly comment: () => CommentGroup | null
  /** Whether the next token is this punctuator or, among names, this word. */
  readonly is: (text: string, kind?: 'punctuator' | 'name') => boolean
  readonly skip: (text: string, kind?: 'punctuator' | 'name') => boolean
  readonly expect: (text: string, kind?: 'punctuator' | 'name') => void
  readonly name: () => string
  /** Between two punctuators, if the first is there; one item at least. Then the comments before the second. */
  readonly some: <T>(open: string, close: string, item: () => T) => readonly [readonly T[], CommentGroup | null]
  readonly value: (isConst: boolean) => Value
  readonly args: (isConst: boolean) => readonly Argument[]
  readonly directives: (isConst: boolean) => readonly Directive[]
  readonly type: () => Type
  readonly fail: () => never
}

/** Deeper than this nothing is read: a source is text of any length. */
const deepest = 1_000

export function createReader(source: string): Reader {
  const tokens = tokenize(source)
  let ahead: Token | undefined
  let comment: CommentGroup | null = null
  let depth = 0

  function peek(): Token {
    if (ahead !== undefined) return ahead
    const comments: { readonly Value: string }[] = []
    let token = read()
    for (; token.kind === 'comment'; token = read()) comments.push({ Value: token.text })
    if (comments.length > 0) comment = { List: comments }
    ahead = token
    return token
  }

  function read(): Token {
    const { value: token, done } = tokens.next()
    return done === true ? { kind: 'end', text: '' } : token
  }

  function next(): Token {
    const token = peek()
    ahead = undefined
    comment = null
    return token
  }

  function is(text: string, kind: 'punctuator' | 'name' = 'punctuator'): boolean {
    const token = peek()
    return token.kind === kind && token.text === text
  }

  function skip(text: string, kind: 'punctuator' | 'name' = 'punctuator'): boolean {
    if (!is(text, kind)) return false
    next()
    return true
  }

  function expect(text: string, kind: 'punctuator' | 'name' = 'punctuator'): void {
    if (!skip(text, kind)) fail()
  }

  function fail(): never {
    throw new BuiltinError(`GraphQL: unexpected ${JSON.stringify(peek().text)}`)
  }

  function name(): string {
    if (peek().kind !== 'name') fail()
    return next().text
  }

  function many<T>(open: string, close: string, item: () => T): readonly [T[], CommentGroup | null] {
    const found: T[] = []
    if (!skip(open)) return [found, null]
    if (++depth > deepest) throw new BuiltinError('GraphQL: nests too deeply')
    while (!is(close)) found.push(item())
    depth--
    const before = comment
    next()
    return [found, before]
  }

  function some<T>(open: string, close: string, item: () => T): readonly [readonly T[], CommentGroup | null] {
    const begins = is(open)
    const found = many(open, close, item)
    if (begins && found[0].length === 0) throw new BuiltinError('GraphQL: expected at least one definition')
    return found
  }

  function value(isConst: boolean): Value {
    const token = peek()
    if (is('['))
      return collection(valueKinds.List, '[', ']', () => ({ Name: '', Value: value(isConst), Comment: null }))
    if (is('{')) return collection(valueKinds.Object, '{', '}', () => member(isConst))
    if (is('$') && !isConst) {
      next()
      return { Raw: name(), Children: [], Kind: valueKinds.Variable, Comment: null }
    }
    const kind = scalarKind(token)
    if (kind === undefined) fail()
    next()
    return { Raw: token.text, Children: [], Kind: kind, Comment: null }
  }

  function collection(kind: number, open: string, close: string, item: () => Value['Children'][number]): Value {
    const before = comment
    return { Raw: '', Children: many(open, close, item)[0], Kind: kind, Comment: before }
  }

  /** `name: value` */
  function member(isConst: boolean): Argument {
    peek()
    const before = comment
    const key = name()
    expect(':')
    return { Name: key, Value: value(isConst), Comment: before }
  }

  const args = (isConst: boolean): readonly Argument[] => some('(', ')', () => member(isConst))[0]

  function directives(isConst: boolean): readonly Directive[] {
    const found: Directive[] = []
    while (skip('@')) found.push({ Name: name(), Arguments: args(isConst) })
    return found
  }

  function type(): Type {
    if (!skip('[')) return { NamedType: name(), Elem: null, NonNull: skip('!') }
    if (++depth > deepest) throw new BuiltinError('GraphQL: nests too deeply')
    const element = type()
    depth--
    expect(']')
    return { NamedType: '', Elem: element, NonNull: skip('!') }
  }

  return { peek, next, comment: () => comment, is, skip, expect, name, some, value, args, directives, type, fail }
}

function scalarKind({ kind, text }: Token): number | undefined {
  switch (kind) {
    case 'int':
      return valueKinds.Int
    case 'float':
      return valueKinds.Float
    case 'string':
      return valueKinds.String
    case 'block':
      return valueKinds.Block
    case 'name':
      if (text === 'true' || text === 'false') return valueKinds.Boolean
      return text === 'null' ? valueKinds.Null : valueKinds.Enum
    default:
      return undefined
  }
}

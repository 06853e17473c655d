/** Go's `text/template`, second step: from tokens to a tree. Unknown functions and variables are errors here already. */
import { tokenize, type Piece, type Token } from './template-tokens.ts'
import { BuiltinError } from './values.ts'

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipe }
  | { readonly kind: 'if' | 'with' | 'range'; readonly pipe: Pipe; readonly body: Body; readonly otherwise: Body }
  | { readonly kind: 'template'; readonly name: string; readonly pipe: Pipe | undefined }
  | { readonly kind: 'break' | 'continue' }

export type Body = readonly Node[]

export interface Pipe {
  readonly variables: readonly string[]
  /** `=` sets a variable that exists, `:=` makes one. */
  readonly assigns: boolean
  readonly commands: readonly Command[]
}

/** The first operand, called with the others when it is a function. */
export type Command = readonly Operand[]

export type Operand =
  | { readonly kind: 'dot' | 'nil' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'number' | 'string' | 'function'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string; readonly fields: readonly string[] }
  | { readonly kind: 'field'; readonly fields: readonly string[] }
  | { readonly kind: 'pipe'; readonly pipe: Pipe; readonly fields: readonly string[] }

/** The main template has the name `template`. */
export type Templates = ReadonlyMap<string, Body>

export const mainName = 'template'

const syntax = (message: string): BuiltinError => new BuiltinError(`template: ${message}`)

export function parseTemplate(source: string, functions: ReadonlySet<string>): Templates {
  const templates = new Map<string, Body>()
  const parser = createParser(tokenize(source), functions, templates)
  const main = parser.top()
  if (templates.has(mainName) && !isEmpty(main)) throw syntax('multiple definition of the template')
  if (!templates.has(mainName)) templates.set(mainName, main)
  return templates
}

/** What ended a list of nodes, with the tokens behind the word. */
interface Ending {
  readonly word: 'end' | 'else' | ''
  readonly rest: readonly Token[]
}

interface Parser {
  readonly top: () => Body
}

function createParser(pieces: readonly Piece[], functions: ReadonlySet<string>, templates: Map<string, Body>): Parser {
  let at = 0
  let variables: string[] = ['$']
  let loops = 0
  let depth = 0

  function list(): { readonly body: Body; readonly ending: Ending } {
    depth++
    try {
      return nodes()
    } finally {
      depth--
    }
  }

  function nodes(): { readonly body: Body; readonly ending: Ending } {
    const body: Node[] = []
    while (at < pieces.length) {
      const piece = pieces[at++]
      if (piece === undefined) break
      if ('text' in piece) {
        if (piece.text !== '') body.push({ kind: 'text', text: piece.text })
        continue
      }
      const tokens = trimmed(piece.action)
      const word = tokens[0]?.kind === 'word' ? tokens[0].text : ''
      const rest = trimmed(tokens.slice(1))
      if (word === 'end' || word === 'else') {
        if (word === 'end' && rest.length > 0) throw syntax('unexpected token in end')
        return { body, ending: { word, rest } }
      }
      const node = control(word, tokens, rest)
      if (node !== undefined) body.push(node)
    }
    return { body, ending: { word: '', rest: [] } }
  }

  function top(): Body {
    const { body, ending } = list()
    if (ending.word !== '') throw syntax(`unexpected {{${ending.word}}}`)
    return body
  }

  function control(word: string, tokens: readonly Token[], rest: readonly Token[]): Node | undefined {
    switch (word) {
      case 'if':
      case 'with':
      case 'range':
        return branch(word, rest)
      case 'define':
        define(rest)
        return undefined
      case 'block':
        return blockNode(rest)
      case 'template':
        return templateNode(rest)
      case 'break':
      case 'continue':
        if (rest.length > 0 || loops === 0) throw syntax(`unexpected {{${word}}}`)
        return { kind: word }
      default:
        return { kind: 'action', pipe: pipeline(tokens, 'command') }
    }
  }

  function branch(kind: 'if' | 'with' | 'range', tokens: readonly Token[]): Node {
    const known = variables.length
    const pipe = pipeline(tokens, kind)
    if (kind === 'range') loops++
    const { body, ending } = list()
    if (kind === 'range') loops--
    const otherwise = ending.word === 'else' ? alternative(kind, ending.rest) : []
    if (ending.word === '') throw syntax('unexpected EOF')
    variables = variables.slice(0, known)
    return { kind, pipe, body, otherwise }
  }

  /** `{{else if …}}` and `{{else with …}}` share the `{{end}}` of what they belong to. */
  function alternative(kind: string, rest: readonly Token[]): Body {
    const [first] = rest
    if (first !== undefined) {
      const chained = first.kind === 'word' && first.text === kind && kind !== 'range'
      if (!chained) throw syntax('unexpected token in else')
      return [branch(kind as 'if' | 'with', trimmed(rest.slice(1)))]
    }
    const { body, ending } = list()
    if (ending.word !== 'end') throw syntax('expected end')
    return body
  }

  /** The body of a template of its own: nothing of what is around it is known there. */
  function definition(): Body {
    const outer = { variables, loops }
    variables = ['$']
    loops = 0
    const { body, ending } = list()
    if (ending.word !== 'end') throw syntax('expected end')
    variables = outer.variables
    loops = outer.loops
    return body
  }

  function define(tokens: readonly Token[]): void {
    const [name, ...rest] = tokens
    if (name?.kind !== 'string' || rest.length > 0 || depth > 1) throw syntax('unexpected define clause')
    add(unquote(name.text), definition())
  }

  /** Of two definitions one must say nothing. */
  function add(name: string, body: Body): void {
    const known = templates.get(name)
    if (known !== undefined && !isEmpty(known) && !isEmpty(body)) throw syntax(`multiple definition of "${name}"`)
    if (known === undefined || isEmpty(known)) templates.set(name, body)
  }

  function templateNode(tokens: readonly Token[]): Node {
    const [name, ...rest] = tokens
    if (name?.kind !== 'string') throw syntax('unexpected token in template clause')
    const args = trimmed(rest)
    return {
      kind: 'template',
      name: unquote(name.text),
      pipe: args.length === 0 ? undefined : pipeline(args, 'template'),
    }
  }

  function blockNode(tokens: readonly Token[]): Node {
    const [name, ...rest] = tokens
    if (name?.kind !== 'string') throw syntax('unexpected token in block clause')
    const pipe = pipeline(trimmed(rest), 'block')
    add(unquote(name.text), definition())
    return { kind: 'template', name: unquote(name.text), pipe }
  }

  function pipeline(tokens: readonly Token[], context: string): Pipe {
    const declared = declaration(tokens, context)
    if (!declared.assigns) variables = [...variables, ...declared.variables]
    const commands = splitAt(declared.rest, '|').map((part) => command(part, context))
    if (commands.slice(1).some(([first]) => first !== undefined && isConstant(first))) {
      throw syntax('non executable command in pipeline')
    }
    return { variables: declared.variables, assigns: declared.assigns, commands }
  }

  function declaration(tokens: readonly Token[], context: string) {
    const bare = tokens.filter(({ kind }) => kind !== 'space')
    const [first, second, third, fourth] = bare
    const none = { variables: [], assigns: false, rest: tokens }
    if (first?.kind !== 'variable') return none
    const isPair = context === 'range' && second?.text === ',' && third?.kind === 'variable'
    const names = isPair ? [first.text, third.text] : [first.text]
    const sign = isPair ? fourth?.text : second?.text
    if (sign !== ':=' && sign !== '=') return none
    const rest = tokens.slice(tokens.findIndex(({ text }) => text === sign) + 1)
    if (sign === '=' && !names.every((name) => variables.includes(name))) throw syntax('undefined variable')
    return { variables: names, assigns: sign === '=', rest }
  }

  function command(tokens: readonly Token[], context: string): Command {
    const operands: Operand[] = []
    let i = 0
    const all = trimmed(tokens)
    while (i < all.length) {
      const [operand, next] = operandAt(all, i)
      operands.push(operand)
      if (next < all.length && all[next]?.kind !== 'space') throw syntax('unexpected token in operand')
      i = next + 1
    }
    if (operands.length === 0) throw syntax(`missing value for ${context}`)
    return operands
  }

  function operandAt(tokens: readonly Token[], start: number): readonly [Operand, number] {
    const token = tokens[start]
    if (token === undefined) throw syntax('missing operand')
    if (token.text === '(') {
      const close = closing(tokens, start)
      const pipe = pipeline(trimmed(tokens.slice(start + 1, close)), 'parenthesized pipeline')
      const [fields, next] = fieldsAt(tokens, close + 1)
      return [{ kind: 'pipe', pipe, fields }, next]
    }
    const [fields, next] = fieldsAt(tokens, start + 1)
    const operand = simple(token, fields)
    return [operand, next]
  }

  function simple(token: Token, fields: readonly string[]): Operand {
    if (token.kind === 'field') return { kind: 'field', fields: [token.text.slice(1), ...fields] }
    if (token.kind === 'variable') {
      if (!variables.includes(token.text)) throw syntax(`undefined variable "${token.text}"`)
      return { kind: 'variable', name: token.text, fields }
    }
    if (fields.length > 0) throw syntax('unexpected field')
    if (token.text === '.') return { kind: 'dot' }
    if (token.kind === 'number') return { kind: 'number', text: token.text }
    if (token.kind === 'string') return { kind: 'string', text: unquote(token.text) }
    if (token.kind === 'word') return wordOperand(token.text)
    throw syntax(`unexpected ${token.text}`)
  }

  function wordOperand(text: string): Operand {
    if (text === 'true' || text === 'false') return { kind: 'boolean', value: text === 'true' }
    if (text === 'nil') return { kind: 'nil' }
    if (functions.has(text)) return { kind: 'function', text }
    throw syntax(`function "${text}" not defined`)
  }

  return { top }
}

const isEmpty = (body: Body): boolean => body.every((node) => node.kind === 'text' && node.text.trim() === '')

const isConstant = ({ kind }: Operand): boolean => ['boolean', 'dot', 'nil', 'number', 'string'].includes(kind)

function trimmed(tokens: readonly Token[]): readonly Token[] {
  const first = tokens.findIndex(({ kind }) => kind !== 'space')
  const last = tokens.findLastIndex(({ kind }) => kind !== 'space')
  return first === -1 ? [] : tokens.slice(first, last + 1)
}

/** Fields that follow at once: `$x.a.b`, `(…).a`. */
function fieldsAt(tokens: readonly Token[], start: number): readonly [readonly string[], number] {
  const fields: string[] = []
  let i = start
  for (let next = tokens[i]; next?.kind === 'field'; next = tokens[++i]) fields.push(next.text.slice(1))
  return [fields, i]
}

function closing(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let i = open; i < tokens.length; i++) {
    if (tokens[i]?.text === '(') depth++
    if (tokens[i]?.text === ')' && --depth === 0) return i
  }
  throw syntax('unclosed left paren')
}

/** At the outermost level. */
function splitAt(tokens: readonly Token[], mark: string): readonly (readonly Token[])[] {
  const parts: Token[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (token.text === '(') depth++
    if (token.text === ')') depth--
    if (token.kind === 'mark' && token.text === mark && depth === 0) parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts
}

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
}

/** A Go literal: interpreted, raw, or a character. */
export function unquote(literal: string): string {
  if (literal.startsWith('`')) return literal.slice(1, -1)
  return literal
    .slice(1, -1)
    .replace(/\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{3}|.)/gs, (_, code: string) => {
      const simple = simpleEscapes[code]
      if (simple !== undefined) return simple
      if (!/^[xuU0-7]./.test(code)) throw syntax('invalid escape')
      const value = /^[xuU]/.test(code) ? Number.parseInt(code.slice(1), 16) : Number.parseInt(code, 8)
      return String.fromCodePoint(value)
    })
}

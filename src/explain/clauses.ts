/**
 * One Rego file → its rules as clauses: for each, the conditions of its body in the author's words, which of them bind
 * names that others need, and what to show of what they see. Pure.
 */
import type { RegoFile } from '../policy/analysis.ts'
import {
  constantSteps,
  declaredIn,
  isNode,
  isWildcard,
  listOf,
  namesIn,
  nodeOf,
  nodesOf,
  spanOf,
  textOf,
  variablesOf,
  type Json,
  type Node,
} from './tree.ts'

export interface Place {
  readonly file: string
  readonly line: number
}

/** Rules by their path under `data`; a function, too. */
export type RulePath = readonly string[]

export interface Condition extends Place {
  readonly text: string
  /** `binds`: others need the names that it makes. `value`: the head's own value must be there. */
  readonly kind: 'tests' | 'binds' | 'value'
  /** Names declared with `some` that nobody else uses. */
  readonly declares: readonly string[]
  /** Expressions whose values say why it failed. */
  readonly shown: readonly string[]
  /** Paths that it may refer to rules by. */
  readonly refs: readonly RulePath[]
  /** Functions of the policy that it calls with arguments that can be asked for where it stands. */
  readonly calls: readonly Call[]
}

export interface Call {
  readonly function: RulePath
  /** As it is called there. */
  readonly name: string
  readonly args: readonly string[]
}

export interface Clause extends Place {
  readonly id: number
  readonly rule: RulePath
  /** Its head, as written. */
  readonly text: string
  readonly kind: 'rule' | 'default' | 'function'
  /** Clauses of one `else` chain share the first. */
  readonly chain: number
  /** Of a function, as written. */
  readonly params: readonly string[]
  /** The number of its file. */
  readonly module: number
  readonly conditions: readonly Condition[]
  /** Names that several conditions use and `some` declares. */
  readonly declares: readonly string[]
}

export interface ParsedFile {
  readonly file: RegoFile
  readonly package: RulePath
  /** As written, with their aliases. */
  readonly imports: readonly string[]
  readonly aliases: ReadonlySet<string>
  readonly clauses: readonly Clause[]
}

/** What names mean in a file. */
interface Scope {
  readonly file: string
  readonly module: number
  readonly package: RulePath
  readonly aliases: ReadonlyMap<string, RulePath>
  /** First names of the rules of its package, of all files. */
  readonly rules: ReadonlySet<string>
}

export interface ReadOptions {
  readonly file: RegoFile
  readonly tree: unknown
  readonly rules: ReadonlySet<string>
  readonly firstId: number
  readonly index: number
}

export function readClauses({ file, tree, rules, firstId, index }: ReadOptions): ParsedFile {
  const module = nodeOf(tree as Json)
  const path = constantSteps(listOf(nodeOf(module['package'])['path']).slice(1))
  const imports = nodesOf(module['imports'])
  const scope: Scope = { file: file.path, module: index, package: path, aliases: aliasesOf(imports), rules }
  const clauses: Clause[] = []
  const add = (rule: Node, chain: number | undefined, head: Node): void => {
    const id = firstId + clauses.length
    clauses.push(clauseOf({ rule, head, id, chain: chain ?? id, scope }))
    if (isNode(rule['else'])) add(rule['else'], chain ?? id, head)
  }
  for (const rule of nodesOf(module['rules'])) if (!isTest(rule)) add(rule, undefined, nodeOf(rule['head']))
  return { file, package: path, imports: imports.map(importText), aliases: new Set(scope.aliases.keys()), clauses }
}

const ruleName = (rule: Node): string => textOf(nodeOf(listOf(nodeOf(rule['head'])['ref'])[0])['value'])
const isTest = (rule: Node): boolean => /^(?:todo_)?test_/.test(ruleName(rule))

/** The first names of a file's rules. */
export const ruleNames = (tree: unknown): readonly string[] => nodesOf(nodeOf(tree as Json)['rules']).map(ruleName)

function importText(node: Node): string {
  const alias = textOf(node['alias'])
  return `import ${spanOf(nodeOf(node['path'])).text}${alias === '' ? '' : ` as ${alias}`}`
}

function aliasesOf(imports: readonly Node[]): ReadonlyMap<string, RulePath> {
  return new Map(
    imports.map((node) => {
      const path = listOf(nodeOf(node['path'])['value'])
      const root = textOf(nodeOf(path[0])['value'])
      const steps = constantSteps(path.slice(1))
      const alias = textOf(node['alias'])
      const name = alias === '' ? (steps.at(-1) ?? root) : alias
      return [name, root === 'data' ? steps : []] as const
    }),
  )
}

interface NewClause {
  readonly rule: Node
  /** Of the first of its chain: `else` has no name. */
  readonly head: Node
  readonly id: number
  readonly chain: number
  readonly scope: Scope
}

function clauseOf({ rule, head, id, chain, scope }: NewClause): Clause {
  const own = nodeOf(rule['head'])
  const ref = listOf(head['ref'])
  const { text, line } = spanOf(own)
  const params = listOf(head['args'])
  const isFunction = params.length > 0
  return {
    id,
    rule: [...scope.package, textOf(nodeOf(ref[0])['value']), ...constantSteps(ref.slice(1))],
    file: scope.file,
    line,
    text: rule['default'] === true ? `default ${text}` : headText(rule, text),
    kind: isFunction ? 'function' : rule['default'] === true ? 'default' : 'rule',
    chain,
    params: nodesOf(params).map((param) => spanOf(param).text),
    module: scope.module,
    ...(rule['default'] === true
      ? nothing
      : bodyOf({ rule, head: [own['key'], own['value'], ref.slice(1)], params: variablesOf(params), scope })),
  }
}

const nothing = { conditions: [], declares: [] } as const

/** A head alone says little where it only names the rule: then its first line. */
function headText(rule: Node, head: string): string {
  const [first = ''] = spanOf(rule).text.split('\n')
  return first.startsWith(head) ? first.replace(/\s*(?:\bif)?\s*\{\s*$/, '') : (head.split('\n')[0] ?? head)
}

type Body = Pick<Clause, 'conditions' | 'declares'>

interface WrittenBody {
  readonly rule: Node
  /** Key, value, and what follows the name. */
  readonly head: readonly (Json | undefined)[]
  /** Names that the arguments bind. */
  readonly params: readonly string[]
  readonly scope: Scope
}

function bodyOf({ rule, head, params, scope }: WrittenBody): Body {
  const written = nodesOf(rule['body']).filter((expression) => expression['generated'] !== true)
  const declared = new Set([...params, ...written.flatMap(declaredIn)])
  const isLocal = (name: string): boolean =>
    !isWildcard(name) &&
    name !== 'input' &&
    name !== 'data' &&
    (declared.has(name) || (!scope.rules.has(name) && !scope.aliases.has(name)))
  const usedBy = (json: Json | undefined): ReadonlySet<string> => new Set(operandNames(json).filter(isLocal))
  const plain = new Set(written.filter(isPlainSome).flatMap(declaredIn))
  const expressions = inOrder(
    written.filter((expression) => !isPlainSome(expression)),
    usedBy,
    params,
  )
  const inHead = usedBy(head.map((part) => part ?? null))
  const users = (name: string): number => expressions.filter((expression) => usedBy(expression).has(name)).length
  const shared = [...plain].filter((name) => users(name) > 1 || inHead.has(name))
  const bound = new Set<string>(params)
  const conditions = expressions.map((expression): Condition => {
    const used = usedBy(expression)
    const fresh = [...used].filter((name) => !bound.has(name))
    const isNeeded = fresh.some((name) => users(name) > 1 || inHead.has(name))
    const binds = isNeeded && expression['negated'] !== true
    const isKnown = (name: string): boolean => !isLocal(name) || bound.has(name)
    const shown = shownOf(expression, isKnown)
    const calls = callsOf(expression, scope, isKnown)
    if (binds) for (const name of fresh) bound.add(name)
    return {
      file: scope.file,
      ...spanOf(expression),
      kind: binds ? 'binds' : 'tests',
      declares: binds ? [] : fresh.filter((name) => plain.has(name) && !shared.includes(name)),
      shown,
      refs: refsOf(expression, scope, declared),
      calls,
    }
  })
  const [key, value, steps] = head
  const isComplete = key === undefined && listOf(steps).every((step) => nodeOf(step)['type'] !== 'var')
  const values = [key, value].flatMap((part) => (isNode(part) && !isConstant(part) ? [part] : []))
  const ofHead = values.map((part): Condition => ({
    file: scope.file,
    ...spanOf(part),
    kind: 'value',
    declares: [],
    shown: isComplete ? termsOf(part) : [],
    refs: refsOf(part, scope, declared),
    calls: isComplete ? callsOf(part, scope, () => true) : [],
  }))
  const usedSome = shared.filter((name) => bound.has(name))
  return { conditions: [...conditions, ...ofHead], declares: usedSome }
}

const isPlainSome = (expression: Node): boolean => {
  const symbols = nodesOf(nodeOf(expression['terms'])['symbols'])
  return symbols.length > 0 && symbols.every((symbol) => symbol['type'] === 'var')
}

/** In the order in which their names can be bound: where a name is only used, another expression binds it before. */
function inOrder(
  expressions: readonly Node[],
  usedBy: (expression: Node) => ReadonlySet<string>,
  params: readonly string[],
): readonly Node[] {
  const rest = [...expressions]
  const bound = new Set<string>(params)
  const ordered: Node[] = []
  while (rest.length > 0) {
    const isReady = (expression: Node): boolean => {
      const own = new Set(bindable(expression))
      const others = rest.filter((other) => other !== expression).flatMap(bindable)
      return [...usedBy(expression)].every((name) => bound.has(name) || own.has(name) || !others.includes(name))
    }
    const [next] = rest.splice(Math.max(0, rest.findIndex(isReady)), 1)
    if (next === undefined) break
    ordered.push(next)
    for (const name of usedBy(next)) bound.add(name)
  }
  return ordered
}

/** Names that an expression can bind: those of its patterns, and those that go through a collection. */
function bindable(expression: Node): readonly string[] {
  const { terms } = expression
  if (expression['negated'] === true) return []
  const operator = Array.isArray(terms) ? textOf(nodeOf(listOf(nodeOf(terms[0])['value'])[0])['value']) : ''
  const patterns =
    operator === 'eq' && Array.isArray(terms) ? terms.slice(1).flatMap((term: Json) => variablesOf(term)) : []
  return [...declaredIn(expression), ...patterns, ...indexVariables(terms ?? null)]
}

function indexVariables(json: Json): readonly string[] {
  if (Array.isArray(json)) return json.flatMap((item: Json) => indexVariables(item))
  if (!isNode(json)) return []
  const own =
    json['type'] === 'ref'
      ? listOf(json['value'])
          .slice(1)
          .flatMap((part) => plainVariable(part))
      : []
  return [
    ...own,
    ...Object.entries(json).flatMap(([key, value]) => (key === 'location' ? [] : indexVariables(value ?? null))),
  ]
}

const plainVariable = (part: Json): readonly string[] =>
  nodeOf(part)['type'] === 'var' ? [textOf(nodeOf(part)['value'])] : []

/** Names that stand for values: the operators of calls are none. */
function operandNames(json: Json | undefined): readonly string[] {
  return namesIn(withoutOperators(json ?? null)).map(({ head }) => head)
}

function withoutOperators(json: Json): Json {
  if (Array.isArray(json)) return json.map((item: Json) => withoutOperators(item))
  if (!isNode(json)) return json
  const isCall = json['type'] === 'call' && Array.isArray(json['value'])
  return Object.fromEntries(
    Object.entries(json).flatMap(([key, value]): [string, Json][] => {
      if (key === 'location' || value === undefined) return []
      const isTerms = (key === 'terms' || (isCall && key === 'value')) && Array.isArray(value)
      return [[key, withoutOperators(isTerms ? (value as readonly Json[]).slice(1) : value)]]
    }),
  )
}

const isConstant = (node: Node): boolean =>
  ['boolean', 'number', 'string', 'null'].includes(textOf(node['type'])) ||
  (namesIn(node).length === 0 && node['type'] !== 'call')

/** Rules that it may mean, whole paths under `data`. */
function refsOf(
  node: Node,
  { package: own, aliases, rules }: Scope,
  declared: ReadonlySet<string>,
): readonly RulePath[] {
  return namesIn(node).flatMap(({ head, steps }): RulePath[] => {
    if (head === 'data') return [steps]
    if (declared.has(head)) return []
    const alias = aliases.get(head)
    if (alias !== undefined) return alias.length === 0 ? [] : [[...alias, ...steps]]
    return rules.has(head) ? [[...own, head, ...steps]] : []
  })
}

/** Calls outside of comprehensions, each with what its arguments are there. */
function callsOf(node: Node, scope: Scope, isKnown: (name: string) => boolean): readonly Call[] {
  if (Array.isArray(node['with'])) return []
  const found: Call[] = []
  const add = (parts: readonly Json[]): void => {
    const [operator, ...args] = parts.map(nodeOf)
    if (operator === undefined) return
    const isAskable = operandNames(args).every((name) => isWildcard(name) || isKnown(name))
    const texts = args.map((arg) => spanOf(arg).text)
    const names = refsOf(operator, scope, new Set())
    const { text } = spanOf(operator)
    if (isAskable && text !== '' && !texts.includes(''))
      for (const path of names) found.push({ function: path, name: text, args: texts })
  }
  const visit = (item: Json | undefined): void => {
    if (Array.isArray(item)) return item.forEach((one: Json) => visit(one))
    if (!isNode(item) || textOf(item['type']).endsWith('comprehension') || item['domain'] !== undefined) return
    if (item['type'] === 'call') add(listOf(item['value']))
    visit(item['value'])
  }
  const terms = node['terms']
  if (Array.isArray(terms)) add(terms as readonly Json[])
  visit(terms ?? node)
  return found.slice(0, mostShown)
}

const mostShown = 6

/** The operands of an expression that can be asked for where it stands, and the references inside of them. */
function shownOf(expression: Node, isKnown: (name: string) => boolean): readonly string[] {
  if (Array.isArray(expression['with'])) return []
  const terms = expression['terms']
  const operands = Array.isArray(terms)
    ? terms.slice(isAssignment(terms[0] as Json) ? 2 : 1)
    : [
        ...nodesOf(nodeOf(terms)['symbols']).map(collectionOf),
        nodeOf(terms)['domain'] ?? (isTerm(terms) ? terms : null),
      ]
  const known = (term: Node): boolean => operandNames(term).every((name) => isWildcard(name) || isKnown(name))
  return unique(operands.map(nodeOf).flatMap((term) => partsOf(term, known)))
}

const isAssignment = (operator: Json): boolean =>
  textOf(nodeOf(listOf(nodeOf(operator)['value'])[0])['value']) === 'assign'
const isTerm = (json: Json | undefined): boolean => isNode(json) && typeof json['type'] === 'string'
const collectionOf = (symbol: Node): Json => listOf(symbol['value']).at(-1) ?? null
const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)].slice(0, mostShown)

const termsOf = (term: Node): readonly string[] => unique(partsOf(term, () => true))

/** The term itself unless it is a constant, then the references and calls that it is made of. */
function partsOf(term: Node, known: (term: Node) => boolean): readonly string[] {
  if (!isTerm(term) || isConstant(term) || isWildcard(textOf(term['value']))) return []
  const { text } = spanOf(term)
  const self = text === '' || !known(term) ? [] : [text]
  const value = term['value']
  if (term['type'] === 'ref')
    return [
      ...self,
      ...nodesOf(value)
        .slice(1)
        .flatMap((part) => partsOf(part, known)),
    ]
  if (term['type'] === 'call')
    return [
      ...self,
      ...nodesOf(value)
        .slice(1)
        .flatMap((part) => partsOf(part, known)),
    ]
  if (term['type'] === 'array' || term['type'] === 'set') return nodesOf(value).flatMap((part) => partsOf(part, known))
  return self
}

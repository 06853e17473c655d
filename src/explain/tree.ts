/**
 * opa's AST as data: just enough to read a rule's conditions, their text, and the names that they use. Pure; it reads
 * what `opa parse --json-include locations` prints and trusts nothing of its shape.
 */
export type Json = null | boolean | number | string | readonly Json[] | Node
export interface Node {
  readonly [key: string]: Json | undefined
}

export const isNode = (json: Json | undefined): json is Node =>
  typeof json === 'object' && json !== null && !Array.isArray(json)

export const nodeOf = (json: Json | undefined): Node => (isNode(json) ? json : {})
export const listOf = (json: Json | undefined): readonly Json[] =>
  Array.isArray(json) ? (json as readonly Json[]) : []
export const nodesOf = (json: Json | undefined): readonly Node[] => listOf(json).map(nodeOf)
export const textOf = (json: Json | undefined): string => (typeof json === 'string' ? json : '')

export interface Span {
  readonly text: string
  readonly line: number
}

/** What the author wrote there. */
export function spanOf(node: Node): Span {
  const location = nodeOf(node['location'])
  const row = location['row']
  return {
    text: Buffer.from(textOf(location['text']), 'base64').toString(),
    line: typeof row === 'number' ? row : 1,
  }
}

const isType = (json: Json | undefined, type: string): boolean => nodeOf(json)['type'] === type

/** The constant steps that a reference begins with, its head left out. */
export function constantSteps(parts: readonly Json[]): readonly string[] {
  const end = parts.findIndex((part) => !isType(part, 'string'))
  return (end === -1 ? parts : parts.slice(0, end)).map((part) => textOf(nodeOf(part)['value']))
}

export interface Name {
  /** The variable that it begins with. */
  readonly head: string
  readonly steps: readonly string[]
}

/** All variables and references below, calls' operators included; names that a nested body declares are its own. */
export function namesIn(json: Json | undefined): readonly Name[] {
  const found: Name[] = []
  const visit = (item: Json | undefined, own: ReadonlySet<string>): void => {
    if (Array.isArray(item)) return item.forEach((one: Json) => visit(one, own))
    if (!isNode(item)) return
    const inner = nestedBody(item)
    const hidden = inner === undefined ? own : new Set([...own, ...inner])
    if (item['type'] === 'ref') {
      const parts = listOf(item['value'])
      const head = nodeOf(parts[0])
      if (head['type'] === 'var') add(textOf(head['value']), constantSteps(parts.slice(1)), hidden)
      else visit(head, hidden)
      return visit(parts.slice(1), hidden)
    }
    if (item['type'] === 'var') return add(textOf(item['value']), [], hidden)
    for (const [key, value] of Object.entries(item)) if (key !== 'location') visit(value, hidden)
  }
  const add = (head: string, steps: readonly string[], own: ReadonlySet<string>): void => {
    if (!own.has(head)) found.push({ head, steps })
  }
  visit(json, new Set())
  return found
}

/** Of a comprehension or `every`: what its body declares. */
function nestedBody(node: Node): readonly string[] | undefined {
  const body = node['body'] ?? nodeOf(node['value'])['body']
  if (!Array.isArray(body)) return undefined
  return [...nodesOf(body).flatMap(declaredIn), ...variablesOf(node['key']), ...variablesOf(everyValue(node))]
}

const everyValue = (node: Node): Json | undefined => (node['domain'] === undefined ? undefined : node['value'])

/** What one expression declares with `some`, `:=` or `every`. */
export function declaredIn(expression: Node): readonly string[] {
  const terms = expression['terms']
  if (Array.isArray(terms)) {
    const operator = listOf(nodeOf(terms[0])['value'])
    return textOf(nodeOf(operator[0])['value']) === 'assign' ? variablesOf(terms[1]) : []
  }
  return nodesOf(nodeOf(terms)['symbols']).flatMap((symbol) =>
    // `some k, v in xs` is a call whose last argument is the collection.
    isType(symbol, 'call') ? variablesOf(listOf(symbol['value']).slice(1, -1)) : variablesOf(symbol),
  )
}

/** The variables of a pattern. */
export function variablesOf(json: Json | undefined): readonly string[] {
  return namesIn(json)
    .filter(({ steps }) => steps.length === 0)
    .map(({ head }) => head)
    .filter((name) => !isWildcard(name))
}

export const isWildcard = (name: string): boolean => name.startsWith('$')

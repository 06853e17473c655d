/** Expressions of a body in the order in which their names can be bound. Pure. */
import { declaredIn, isNode, listOf, nodeOf, textOf, variablesOf, type Json, type Node } from './tree.ts'

/** In the order in which their names can be bound: where a name is only used, another expression binds it before. */
export function inOrder(
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

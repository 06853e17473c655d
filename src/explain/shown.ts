/** What to show of an expression: the operands and references whose values say why it failed. Pure. */
import { isConstant, operandNames } from './operands.ts'
import { isNode, isWildcard, listOf, nodeOf, nodesOf, spanOf, textOf, type Json, type Node } from './tree.ts'

const mostShown = 6

/** The operands of an expression that can be asked for where it stands, and the references inside of them. */
export function shownOf(expression: Node, isKnown: (name: string) => boolean): readonly string[] {
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

export const termsOf = (term: Node): readonly string[] => unique(partsOf(term, () => true))

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

/** The names that a part of a rule uses as values. Pure. */
import { isNode, namesIn, textOf, type Json, type Node } from './tree.ts'

/** Names that stand for values: the operators of calls are none. */
export function operandNames(json: Json | undefined): readonly string[] {
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

export const isConstant = (node: Node): boolean =>
  ['boolean', 'number', 'string', 'null'].includes(textOf(node['type'])) ||
  (namesIn(node).length === 0 && node['type'] !== 'call')

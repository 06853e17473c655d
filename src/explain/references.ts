/** The rules that a condition may mean, and the functions that it calls. Pure. */
import type { Call, RulePath, Scope } from './clause.ts'
import { operandNames } from './operands.ts'
import { isNode, isWildcard, listOf, namesIn, nodeOf, spanOf, textOf, type Json, type Node } from './tree.ts'

/** Rules that it may mean, whole paths under `data`. */
export function refsOf(
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
export function callsOf(node: Node, scope: Scope, isKnown: (name: string) => boolean): readonly Call[] {
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
  return found.slice(0, mostCalls)
}

const mostCalls = 6

/** The body of a rule → its conditions, in an order in which their names can be bound. Pure. */
import { inOrder } from './binding-order.ts'
import type { Clause, Condition, Scope } from './clause.ts'
import { isConstant, operandNames } from './operands.ts'
import { callsOf, refsOf } from './references.ts'
import { shownOf, termsOf } from './shown.ts'
import { declaredIn, isNode, isWildcard, listOf, nodeOf, nodesOf, spanOf, type Json, type Node } from './tree.ts'

type Body = Pick<Clause, 'conditions' | 'declares'>

interface WrittenBody {
  readonly rule: Node
  /** Key, value, and what follows the name. */
  readonly head: readonly (Json | undefined)[]
  /** Names that the arguments bind. */
  readonly params: readonly string[]
  readonly scope: Scope
}

export function bodyOf(rule: WrittenBody): Body {
  const names = namesOf(rule)
  const bound = new Set<string>(rule.params)
  const conditions = names.expressions.map((expression) => conditionOf(expression, bound, { ...names, ...rule }))
  return {
    conditions: [...conditions, ...headConditions(rule, names.declared)],
    declares: names.shared.filter((name) => bound.has(name)),
  }
}

/** What a body's names are, and its expressions in the order in which they can be bound. */
interface Names {
  readonly declared: ReadonlySet<string>
  readonly isLocal: (name: string) => boolean
  /** Names of its own that a part uses. */
  readonly usedBy: (json: Json | undefined) => ReadonlySet<string>
  readonly expressions: readonly Node[]
  /** Declared with `some` alone. */
  readonly plain: ReadonlySet<string>
  /** Of those, what several parts use. */
  readonly shared: readonly string[]
  /** Whether anything else than one expression uses it. */
  readonly isNeeded: (name: string) => boolean
}

function namesOf({ rule, head, params, scope }: WrittenBody): Names {
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
  const isNeeded = (name: string): boolean => users(name) > 1 || inHead.has(name)
  return { declared, isLocal, usedBy, expressions, plain, shared: [...plain].filter(isNeeded), isNeeded }
}

/** Adds to `bound` the names that it binds. */
function conditionOf(
  expression: Node,
  bound: Set<string>,
  { declared, isLocal, usedBy, plain, shared, isNeeded, scope }: Names & WrittenBody,
): Condition {
  const fresh = [...usedBy(expression)].filter((name) => !bound.has(name))
  const binds = fresh.some(isNeeded) && expression['negated'] !== true
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
}

/** That the head's own key and value are there. */
function headConditions({ head, scope }: WrittenBody, declared: ReadonlySet<string>): readonly Condition[] {
  const [key, value, steps] = head
  const isComplete = key === undefined && listOf(steps).every((step) => nodeOf(step)['type'] !== 'var')
  const values = [key, value].flatMap((part) => (isNode(part) && !isConstant(part) ? [part] : []))
  return values.map((part) => ({
    file: scope.file,
    ...spanOf(part),
    kind: 'value',
    declares: [],
    shown: isComplete ? termsOf(part) : [],
    refs: refsOf(part, scope, declared),
    calls: isComplete ? callsOf(part, scope, () => true) : [],
  }))
}

const isPlainSome = (expression: Node): boolean => {
  const symbols = nodesOf(nodeOf(expression['terms'])['symbols'])
  return symbols.length > 0 && symbols.every((symbol) => symbol['type'] === 'var')
}

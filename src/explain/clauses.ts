/**
 * One Rego file → its rules as clauses: for each, the conditions of its body in the author's words, which of them bind
 * names that others need, and what to show of what they see. Pure.
 */
import type { RegoFile } from '../policy/analysis.ts'
import { bodyOf } from './body.ts'
import type { Clause, ParsedFile, RulePath, Scope } from './clause.ts'
import {
  constantSteps,
  isNode,
  listOf,
  nodeOf,
  nodesOf,
  spanOf,
  textOf,
  variablesOf,
  type Json,
  type Node,
} from './tree.ts'

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

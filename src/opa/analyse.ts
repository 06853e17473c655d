/**
 * From opa's AST (`opa parse --format json --json-include locations`) to the little that Edict needs of it: the
 * package, the rule heads, and every reference into `data`, imports resolved. Reads structure, decides nothing.
 */
import type { ModuleAnalysis, RegoVersion, RuleSummary } from '../policy/schema.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }
type JsonObject = { readonly [key: string]: Json | undefined }

export interface Analysed {
  readonly analysis: ModuleAnalysis
  /** It calls builtins that only Rego v0 still allows, and has no rule of that name. */
  readonly usesV0Builtins: boolean
}

export function analyse(ast: unknown, regoVersion: RegoVersion): Analysed {
  const module = object(ast as Json)
  const packageNode = object(module['package'])
  const path = list(packageNode['path'])
  const rules = list(module['rules']).map((rule) => summary(object(rule)))
  const found = references(module)
  const own = new Set(rules.map((rule) => rule.path[0]))
  return {
    analysis: {
      regoVersion,
      package: constantPrefix(path.slice(1)),
      packageLine: line(packageNode),
      rules,
      refs: found.refs,
    },
    usesV0Builtins: found.calls.some((name) => v0Builtins.has(name) && !own.has(name)),
  }
}

const v0Builtins = new Set([
  ...['all', 'any', 'cast_array', 'cast_boolean', 'cast_null', 'cast_object', 'cast_set', 'cast_string'],
  ...['net.cidr_overlap', 're_match', 'set_diff'],
])

function summary(rule: JsonObject): RuleSummary {
  const head = object(rule['head'])
  const ref = list(head['ref'])
  const path = [text(object(ref[0])['value']), ...constantPrefix(ref.slice(1))]
  const name = path[0] ?? ''
  return {
    path,
    isFunction: list(head['args']).length > 0,
    isTest: name.startsWith('test_') || name.startsWith('todo_test_'),
    line: line(rule),
  }
}

interface Found {
  readonly refs: readonly (readonly string[])[]
  readonly calls: readonly string[]
}

/** Walks everything below the rules; an import counts where it is used, and once by itself when it never is. */
function references(module: JsonObject): Found {
  const aliases = importAliases(module)
  const unused = new Map(aliases)
  const refs = new Map<string, readonly string[]>()
  const calls = new Set<string>()
  const add = (path: readonly string[]): void => void refs.set(JSON.stringify(path), path)
  const useAlias = (name: string, rest: readonly string[]): void => {
    const target = aliases.get(name)
    if (target === undefined) return
    unused.delete(name)
    add([...target, ...rest])
  }
  const pending: Json[] = [...list(module['rules'])]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (Array.isArray(node)) for (const item of node) pending.push(item)
    if (!isObject(node)) continue
    if (node['type'] === 'ref' && Array.isArray(node['value'])) {
      const [head, ...rest] = list(node['value'])
      const name = object(head)['type'] === 'var' ? text(object(head)['value']) : undefined
      if (name === 'data') add(constantPrefix(rest))
      else if (name !== undefined) useAlias(name, constantPrefix(rest))
      else pending.push(head ?? null)
      if (name !== undefined) calls.add([name, ...constantPrefix(rest)].join('.'))
      pending.push(...rest)
    } else if (node['type'] === 'var') {
      if (node['value'] === 'data') add([])
      else useAlias(text(node['value']), [])
    } else pending.push(...Object.keys(node).flatMap((key) => (key === 'location' ? [] : [node[key] ?? null])))
  }
  for (const target of unused.values()) add(target)
  return { refs: [...refs.values()], calls: [...calls] }
}

/** `import data.a.b as c` → c: ["a", "b"]. */
function importAliases(module: JsonObject): ReadonlyMap<string, readonly string[]> {
  const entries = list(module['imports']).flatMap((node): [string, readonly string[]][] => {
    const path = list(object(object(node)['path'])['value'])
    if (text(object(path[0])['value']) !== 'data' || path.length < 2) return []
    const target = constantPrefix(path.slice(1))
    const alias = object(node)['alias']
    return [[typeof alias === 'string' ? alias : (target.at(-1) ?? ''), target]]
  })
  return new Map(entries)
}

function constantPrefix(terms: readonly Json[]): readonly string[] {
  const end = terms.findIndex((term) => object(term)['type'] !== 'string')
  return (end === -1 ? terms : terms.slice(0, end)).map((term) => text(object(term)['value']))
}

function line(node: JsonObject): number {
  const row = object(node['location'])['row']
  return typeof row === 'number' ? row : 1
}

function isObject(node: Json | undefined): node is JsonObject {
  return typeof node === 'object' && node !== null && !Array.isArray(node)
}

function object(node: Json | undefined): JsonObject {
  return isObject(node) ? node : {}
}

function list(node: Json | undefined): readonly Json[] {
  return Array.isArray(node) ? (node as readonly Json[]) : []
}

function text(node: Json | undefined): string {
  return typeof node === 'string' ? node : ''
}

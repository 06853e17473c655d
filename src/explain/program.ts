/**
 * A policy's modules → one artifact that decides as the served one does and can be asked why. What opa refuses of the
 * questions is left out, and the decision stands all the same.
 */
import { EdictError } from '../errors.ts'
import type { CallOptions, Opa } from '../opa/run.ts'
import { entryPath } from '../policy/entry.ts'
import type { RegoError, RegoFile } from '../policy/analysis.ts'
import { pathKey } from '../policy/paths.ts'
import type { Clause, ParsedFile, RulePath } from './clause.ts'
import { readClauses, ruleNames } from './clauses.ts'
import { explainEntry, explainEntrypoint, probeModule, type Functions, type ProbeModule } from './probe.ts'
import { constantSteps, listOf, nodeOf, type Json } from './tree.ts'

export interface Program {
  readonly wasm: Uint8Array
  readonly clauses: readonly Clause[]
  /** The same by `pathKey` of their rules. */
  readonly byRule: ReadonlyMap<string, readonly Clause[]>
  /** Rules that have a value, by their place in the entry's list. */
  readonly rules: readonly RulePath[]
  readonly functions: Functions
  /** Clauses that cannot be asked. */
  readonly without: ReadonlySet<number>
}

export type ProgramOpa = Pick<Opa, 'tree' | 'build'>

/** `files`: the policy's, the modules it reaches, the entry. Throws `tool_unavailable`, `policy_invalid`. */
export async function buildProgram(files: readonly RegoFile[], opa: ProgramOpa, call: CallOptions): Promise<Program> {
  const modules = files.filter(({ path }) => path !== entryPath)
  const { parsed, names } = await parseAll(modules, opa, call)
  const clauses = parsed.flatMap((file) => file.clauses)
  const byRule = clausesByRule(clauses)
  const rules = valueRules(clauses)
  const without = new Set<number>()
  let told = rules
  for (let attempt = 0; ; attempt++) {
    const functions = functionsOf(clauses, without)
    const probes = parsed
      .map((file, index) =>
        probeModule({ parsed: file, index, rules: names.get(pathKey(file.package)) ?? new Set(), without, functions }),
      )
      .filter(({ lines }) => lines.length > 0)
    const all = [...files, ...probes.map(({ file }) => file), explainEntry(probes, told)]
    // oxlint-disable-next-line no-await-in-loop
    const built = await opa.build(all, explainEntrypoint, call)
    if (built.ok) return { wasm: built.wasm, clauses, byRule, rules: told, functions, without }
    const culprits = attempt < mostAttempts ? culpritsOf(built.errors, probes) : []
    if (told.length === 0 && without.size === clauses.length) throw refused(built.errors)
    if (culprits.length === 0) told = []
    for (const id of culprits.length > 0 ? culprits : clauses.map((clause) => clause.id)) without.add(id)
  }
}

const mostAttempts = 3

async function parseAll(modules: readonly RegoFile[], opa: ProgramOpa, call: CallOptions) {
  const trees = await Promise.all(modules.map((file) => opa.tree(file.text, file.regoVersion, call)))
  const names = new Map<string, Set<string>>()
  for (const tree of trees) {
    const key = pathKey(packageOf(tree))
    names.set(key, new Set([...(names.get(key) ?? []), ...ruleNames(tree)]))
  }
  const parsed: ParsedFile[] = []
  for (const [index, file] of modules.entries()) {
    const tree = trees[index]
    const firstId = parsed.reduce((sum, { clauses }) => sum + clauses.length, 0)
    parsed.push(readClauses({ file, tree, rules: names.get(pathKey(packageOf(tree))) ?? new Set(), firstId, index }))
  }
  return { parsed, names }
}

const packageOf = (tree: unknown): RulePath =>
  constantSteps(listOf(nodeOf(nodeOf(tree as Json)['package'])['path']).slice(1))

/** One that lacks a clause is not asked at all. */
function functionsOf(clauses: readonly Clause[], without: ReadonlySet<number>): Functions {
  const found = new Map<string, { readonly number: number; readonly clauses: Clause[] }>()
  for (const clause of clauses.filter(({ kind }) => kind === 'function')) {
    const key = pathKey(clause.rule)
    const known = found.get(key)
    if (known === undefined) found.set(key, { number: found.size, clauses: [clause] })
    else known.clauses.push(clause)
  }
  return new Map([...found].filter(([, { clauses: all }]) => !all.some(({ id }) => without.has(id))))
}

function clausesByRule(clauses: readonly Clause[]): ReadonlyMap<string, readonly Clause[]> {
  const found = new Map<string, Clause[]>()
  for (const clause of clauses) {
    const key = pathKey(clause.rule)
    const known = found.get(key)
    if (known === undefined) found.set(key, [clause])
    else known.push(clause)
  }
  return found
}

function valueRules(clauses: readonly Clause[]): readonly RulePath[] {
  const functions = new Set(clauses.filter(({ kind }) => kind === 'function').map(({ rule }) => pathKey(rule)))
  const rules = new Map(clauses.map(({ rule }) => [pathKey(rule), rule]))
  return [...rules].filter(([key]) => !functions.has(key)).map(([, rule]) => rule)
}

function culpritsOf(errors: readonly RegoError[], probes: readonly ProbeModule[]): readonly number[] {
  return errors.flatMap(({ file, row = 0 }) =>
    probes
      .filter((probe) => probe.file.path === file)
      .flatMap(({ lines }) => lines.filter(({ from, to }) => from <= row && row <= to).map(({ clause }) => clause)),
  )
}

const refused = (errors: readonly RegoError[]): EdictError =>
  new EdictError(
    errors.some(({ fault }) => fault === 'ours') ? 'tool_unavailable' : 'policy_invalid',
    'the policy cannot be compiled to be explained',
    {
      errors: errors
        .slice(0, 10)
        .map(({ code, message, file, row }) => ({ code, message: `${file}:${row} ${message}` })),
    },
  )

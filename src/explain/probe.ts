/**
 * Clauses → Rego that evaluates them condition by condition and tells the host what failed, in a package of its own
 * beside the policy: what the policy itself decides is not touched. A condition that only tests is asked for by itself,
 * so that one that fails hides no other; one that binds names is left as it is.
 */
import type { RegoFile } from '../policy/analysis.ts'
import { pathKey, showPath } from '../policy/paths.ts'
import type { Call, Clause, Condition, ParsedFile, RulePath } from './clause.ts'

/**
 * `at(clause, [stage, arguments], conditions so far, what the next binding sees)`; with a negative number what the function
 * with that number answers.
 */
export const atBuiltin = 'edict.explain.at'
/** `on(clause)`: whether the host wants to hear of it; `-1`: of any; `everyCall`: of calls by conditions that hold, too. */
export const onBuiltin = 'edict.explain.on'

/** Below the numbers of rules. */
export const everyCall = -1_000_000_000

export const explainEntrypoint = 'edict/explain/doc'
export const explainPackage: RulePath = ['edict', 'explain']

/** With the lines of each clause, to find one that does not compile. */
export interface ProbeModule {
  readonly file: RegoFile
  /** The rules that ask. */
  readonly asks: readonly RulePath[]
  readonly lines: readonly { readonly clause: number; readonly from: number; readonly to: number }[]
}

export interface ProbeOptions {
  readonly parsed: ParsedFile
  readonly index: number
  /** First names of the rules of the file's package. */
  readonly rules: ReadonlySet<string>
  /** Clauses that are left out. */
  readonly without: ReadonlySet<number>
  readonly functions: Functions
}

/** By `pathKey`: the clauses that can be asked. */
export type Functions = ReadonlyMap<string, AskableFunction>

export interface AskableFunction {
  readonly number: number
  readonly clauses: readonly Clause[]
}

export function probeModule({ parsed, index, rules, without, functions }: ProbeOptions): ProbeModule {
  const { file, imports } = parsed
  const name = moduleName(index)
  const path = [...explainPackage, name]
  const own = [...rules]
    .filter((rule) => !rule.startsWith('$') && !parsed.aliases.has(rule))
    .map((rule) => `import ${showPath([...parsed.package, rule])}`)
  const out = [`package ${path.join('.')}`, '', ...new Set([...imports, ...own]), '']
  const lines: { clause: number; from: number; to: number }[] = []
  for (const clause of parsed.clauses) {
    if (clause.kind === 'default' || without.has(clause.id)) continue
    const text = probeClause(clause, functions, file.regoVersion === 0).split('\n')
    lines.push({ clause: clause.id, from: out.length + 1, to: out.length + text.length })
    out.push(...text)
  }
  return {
    file: { path: `edict/explain/${name}.rego`, text: `${out.join('\n')}\n`, regoVersion: file.regoVersion },
    asks: parsed.clauses
      .filter(({ id, kind }) => kind === 'rule' && !without.has(id))
      .map(({ id }) => [...path, `edict_p${id}`]),
    lines,
  }
}

const moduleName = (index: number): string => `m${index}`

function probeClause(clause: Clause, functions: Functions, isV0: boolean): string {
  const { id, kind, conditions, declares } = clause
  const sees = (condition: Condition): string =>
    `[${values(condition.shown)}, [${condition.calls.map((call) => called(call, functions)).join(', ')}]]`
  const frame = kind === 'function' ? 'edict_args' : '[]'
  let stage = 0
  const steps = conditions.flatMap((condition, index) => {
    if (condition.kind !== 'binds')
      return [asked(condition, index, sees(condition)), ...held(condition, index, functions)]
    const at = `${atBuiltin}(${id}, [${stage++}, ${frame}], ${seen(conditions, index)}, ${sees(condition)})`
    return [at, condition.text]
  })
  const last = `${atBuiltin}(${id}, [${stage}, ${frame}], ${seen(conditions, conditions.length)}, [])`
  const begin = kind === 'function' ? [] : [`${onBuiltin}(${id})`]
  return [headOf(clause, isV0), ...begin, ...some(declares), ...steps, last, '}', ''].join('\n')
}

function headOf({ id, kind, params }: Clause, isV0: boolean): string {
  if (kind !== 'function') return isV0 ? `edict_p${id}[1] {` : `edict_p${id} contains 1 if {`
  const head = `edict_f${id}(${['edict_args', ...params].join(', ')})`
  return isV0 ? `${head} = 1 {` : `${head} := 1 if {`
}

/** The arguments, once the function was asked with them: its value, and each of its clauses. */
function called({ function: path, name, args }: Call, functions: Functions): string {
  const found = functions.get(pathKey(path))
  if (found === undefined) return '[]'
  const names = args.map((_, index) => `edict_y${index}`)
  const frame = `[${names.join(', ')}]`
  const clauses = found.clauses.map(
    ({ id, module }) =>
      `[1 | ${showPath([...explainPackage, moduleName(module), `edict_f${id}`])}(${[frame, ...names].join(', ')})]`,
  )
  const steps = [
    ...args.map((arg, index) => `edict_y${index} := ${arg}`),
    `edict_r := [edict_q | edict_q := ${name}(${names.join(', ')})]`,
    `${atBuiltin}(${-1 - found.number}, [0, ${frame}], edict_r, [])`,
    `edict_f := [${clauses.join(', ')}]`,
    `edict_z := ${frame}`,
  ]
  return `[edict_z | ${steps.join('\n')}\n]`
}

/** `[]` when it holds, else what it sees; of a value that, whether it is there or not. */
function asked({ kind, text, declares }: Condition, index: number, sees: string): string {
  const isThere = `edict_c${index} := [1 | ${kind === 'value' ? `edict_v := ${text}` : [...some(declares), text].join('\n')}\n]`
  if (kind === 'value') return `${isThere}\nedict_w${index} := [count(edict_c${index}), ${sees}]`
  return `${isThere}\nedict_w${index} := [edict_v | count(edict_c${index}) == 0; edict_v := ${sees}]`
}

/** The calls of a condition that holds: what they reach counts as well. */
function held({ kind, calls }: Condition, index: number, functions: Functions): readonly string[] {
  const known = calls.filter(({ function: path }) => functions.has(pathKey(path)))
  if (kind !== 'tests' || known.length === 0) return []
  const asks = known.map((call) => called(call, functions)).join(', ')
  return [`edict_k${index} := [edict_v | count(edict_c${index}) > 0; ${onBuiltin}(${everyCall}); edict_v := [${asks}]]`]
}

const some = (names: readonly string[]): readonly string[] => (names.length === 0 ? [] : [`some ${names.join(', ')}`])

const seen = (conditions: readonly Condition[], before: number): string =>
  `[${conditions
    .slice(0, before)
    .map(({ kind }, index) => (kind === 'binds' ? 'null' : `edict_w${index}`))
    .join(', ')}]`

const values = (expressions: readonly string[]): string =>
  `[${expressions.map((text) => `[edict_x | edict_x := ${text}\n]`).join(', ')}]`

/** The one entry: the decision by itself, and the rest when the host wants it. */
export function explainEntry(modules: readonly ProbeModule[], rules: readonly RulePath[]): RegoFile {
  const probes = modules.flatMap(({ asks }) => asks.map((path) => `count(${showPath(path)}) >= 0`))
  const told = rules.map(
    (path, index) =>
      `values contains [${index}, value] if {\n\t${onBuiltin}(${-2 - index})\n\tvalue := ${showPath(path)}\n}\n`,
  )
  const text = [
    'package edict.explain',
    '',
    'doc := {"decision": [d | d := data.edict.entry.doc], "values": told, "probed": probed}',
    '',
    `told := {v | ${onBuiltin}(-1); some v in values}`,
    '',
    `probed := [1 | ${[`${onBuiltin}(-1)`, ...probes].join('; ')}]`,
    '',
    'values contains v if {',
    '\tfalse',
    '\tv := null',
    '}',
    '',
    ...told,
  ].join('\n')
  return { path: 'edict/explain/entry.rego', text, regoVersion: 1 }
}

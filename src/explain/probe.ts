/**
 * Clauses → Rego that evaluates them condition by condition and tells the host what failed, in a package of its own
 * beside the policy: what the policy itself decides is not touched. A condition that only tests is asked for by itself,
 * so that one that fails hides no other; one that binds names is left as it is.
 */
import type { RegoFile } from '../policy/analysis.ts'
import { showPath } from '../policy/paths.ts'
import type { Clause, Condition, ParsedFile, RulePath } from './clauses.ts'

/** `at(clause, stage, conditions so far, what the next binding sees)`. */
export const atBuiltin = 'edict.explain.at'
/** `on(clause)`: whether the host wants to hear of it; `-1`: of any. */
export const onBuiltin = 'edict.explain.on'

export const explainEntrypoint = 'edict/explain/doc'
export const explainPackage: RulePath = ['edict', 'explain']

/** With the lines of each clause, to find one that does not compile. */
export interface ProbeModule {
  readonly file: RegoFile
  readonly package: RulePath
  readonly lines: readonly { readonly clause: number; readonly from: number; readonly to: number }[]
}

export interface ProbeOptions {
  readonly parsed: ParsedFile
  readonly index: number
  /** First names of the rules of the file's package. */
  readonly rules: ReadonlySet<string>
  /** Clauses that are left out. */
  readonly without: ReadonlySet<number>
}

export function probeModule({ parsed, index, rules, without }: ProbeOptions): ProbeModule {
  const { file, imports } = parsed
  const name = `m${index}`
  const path = [...explainPackage, name]
  const own = [...rules]
    .filter((rule) => !rule.startsWith('$') && !parsed.aliases.has(rule))
    .map((rule) => `import ${showPath([...parsed.package, rule])}`)
  const out = [`package ${path.join('.')}`, '', ...new Set([...imports, ...own]), '']
  const lines: { clause: number; from: number; to: number }[] = []
  for (const clause of parsed.clauses) {
    if (clause.kind !== 'rule' || without.has(clause.id)) continue
    const text = probeRule(clause, file.regoVersion === 0).split('\n')
    lines.push({ clause: clause.id, from: out.length + 1, to: out.length + text.length })
    out.push(...text)
  }
  return {
    file: { path: `edict/explain/${name}.rego`, text: `${out.join('\n')}\n`, regoVersion: file.regoVersion },
    package: path,
    lines,
  }
}

function probeRule({ id, conditions, declares }: Clause, isV0: boolean): string {
  const head = isV0 ? `edict_p${id}[1] {` : `edict_p${id} contains 1 if {`
  const some = declares.length === 0 ? [] : [`some ${declares.join(', ')}`]
  let stage = 0
  const steps = conditions.flatMap((condition, index) => {
    if (condition.kind !== 'binds') return [asked(condition, index)]
    const at = `${atBuiltin}(${id}, ${stage++}, ${seen(conditions, index)}, ${values(condition.shown)})`
    return [at, condition.text]
  })
  const last = `${atBuiltin}(${id}, ${stage}, ${seen(conditions, conditions.length)}, [])`
  return [head, `${onBuiltin}(${id})`, ...some, ...steps, last, '}', ''].join('\n')
}

/** `[]` when it holds, else what it sees; of a value that, whether it is there or not. */
function asked({ kind, text, declares, shown }: Condition, index: number): string {
  const isThere = `edict_c${index} := [1 | ${kind === 'value' ? `edict_v := ${text}` : `${some(declares)}${text}`}\n]`
  if (kind === 'value') return `${isThere}\nedict_w${index} := [count(edict_c${index}), ${values(shown)}]`
  return `${isThere}\nedict_w${index} := [edict_v | count(edict_c${index}) == 0; edict_v := ${values(shown)}]`
}

const some = (names: readonly string[]): string => (names.length === 0 ? '' : `some ${names.join(', ')}\n`)

const seen = (conditions: readonly Condition[], before: number): string =>
  `[${conditions
    .slice(0, before)
    .flatMap(({ kind }, index) => (kind === 'binds' ? ['null'] : [`edict_w${index}`]))
    .join(', ')}]`

const values = (expressions: readonly string[]): string =>
  `[${expressions.map((text) => `[edict_x | edict_x := ${text}\n]`).join(', ')}]`

/** The one entry: the decision by itself, and the rest when the host wants it. */
export function explainEntry(modules: readonly ProbeModule[], rules: readonly RulePath[]): RegoFile {
  const probes = modules.map(({ package: path }) => `count(${showPath(path)}) >= 0`)
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

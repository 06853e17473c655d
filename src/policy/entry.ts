/**
 * The generated module that an artifact is entered through. A package as entrypoint fails in opa as soon as one of its
 * functions calls another, so a rule that refers to the package is the entrypoint.
 */
import type { EntryKind, ModuleAnalysis } from './schema.ts'
import type { RegoFile } from './analysis.ts'

export const entrypoint = 'edict/entry/doc'
export const entryPackage: readonly string[] = ['edict', 'entry']
export const entryPath = 'edict/entry.rego'

export interface Entry {
  readonly kind: EntryKind
  /** The wildcard rule's name (`$0`) when the answer is its value. */
  readonly rule: string | null
}

/** `value` when the only rule that is neither a function nor a test is `_`. */
export function entryOf(modules: readonly ModuleAnalysis[]): Entry {
  const rules = modules.flatMap(({ rules: all }) => all.filter((rule) => !rule.isFunction && !rule.isTest))
  const names = new Set(rules.map(({ path }) => path[0] ?? ''))
  const [only] = names
  const isValue = names.size === 1 && only?.startsWith('$') === true && rules.every(({ path }) => path.length === 1)
  return isValue ? { kind: 'value', rule: only } : { kind: 'package', rule: null }
}

export function entryModule(packagePath: readonly string[], entry: Entry): RegoFile {
  const steps = entry.rule === null ? packagePath : [...packagePath, entry.rule]
  const reference = `data${steps.map((step) => `[${JSON.stringify(step)}]`).join('')}`
  return { path: entryPath, regoVersion: 1, text: `package edict.entry\n\ndoc := ${reference}\n` }
}

/** `authz.yaml` → rules, or everything that is wrong with it, each with its line and column. Pure. */
import { LineCounter, parseDocument, type Document } from 'yaml'
import type { Finding } from '../policy/schema.ts'
import { lockOut } from './lock-out.ts'
import { rulesSchema, type Rules } from './rules.ts'

export type ParsedRules = { readonly rules: Rules } | { readonly findings: readonly Finding[] }

export const parseRulesFile = (text: string, file: string): ParsedRules => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const finding = (message: string, offset: number): Finding => ({
    ...{ code: 'authz_invalid', severity: 'error', message, source: 'authorization', file },
    ...at(offset),
  })
  if (document.errors.length > 0)
    return { findings: document.errors.map(({ message, pos }) => finding(message.split('\n')[0] ?? message, pos[0])) }
  const parsed = rulesSchema.safeParse(document.toJS() ?? {})
  if (!parsed.success)
    return {
      findings: parsed.error.issues.map(({ path, message }) =>
        finding(`${path.join('.') || 'the file'}: ${message}`, offsetOf(document, path)),
      ),
    }
  const problem = lockOut(parsed.data)
  return problem === undefined
    ? { rules: parsed.data }
    : { findings: [finding(problem, offsetOf(document, ['rules']))] }
}

/** The line that each rule begins in. */
export const ruleLines = (text: string): readonly number[] => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const rules: unknown = document.toJS()?.rules
  return (Array.isArray(rules) ? rules : []).map((_, index) => lines.linePos(offsetOf(document, ['rules', index])).line)
}

/** Of the deepest part of the path that stands in the file. */
const offsetOf = (document: Document, path: readonly PropertyKey[]): number => {
  for (let depth = path.length; depth >= 0; depth--) {
    const node: unknown = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true)
    const range: unknown = typeof node === 'object' && node !== null ? Reflect.get(node, 'range') : undefined
    if (Array.isArray(range) && typeof range[0] === 'number') return range[0]
  }
  return 0
}

/** Rules in files: CSV with a header, or JSON; as they are imported and exported. Pure. */
import { z } from 'zod'
import { csvText, parseCsv } from './csv.ts'
import { scanJson } from './json-text.ts'
import { ruleKeySchema, type Rule } from './rules.ts'

export const ruleInputSchema = ruleKeySchema.extend({ is_active: z.boolean().default(true) })
export type RuleInput = z.output<typeof ruleInputSchema>

export interface RuleProblem {
  /** `line 3`, `rules.2`. */
  readonly place: string
  readonly message: string
}

export type RuleList =
  | { readonly ok: true; readonly rules: readonly RuleInput[] }
  | { readonly ok: false; readonly problems: readonly RuleProblem[] }

export const ruleColumns = ['service_name', 'resource_type', 'role', 'action', 'is_active'] as const

/** More problems than this are not told. */
const mostProblems = 100

export function parseRules(text: string, format: 'csv' | 'json'): RuleList {
  return format === 'csv' ? fromCsv(text) : fromJson(text)
}

function fromJson(text: string): RuleList {
  const scanned = scanJson(text)
  if (!scanned.ok) {
    const { line, column, message } = scanned.problem
    return { ok: false, problems: [{ place: `line ${line}, column ${column}`, message }] }
  }
  const value: unknown = JSON.parse(text)
  const list: unknown = Array.isArray(value)
    ? value
    : z.object({ rules: z.array(z.unknown()) }).safeParse(value).data?.rules
  if (!Array.isArray(list)) return { ok: false, problems: [{ place: 'rules', message: 'is not a list' }] }
  return checked(list.map((rule: unknown, index) => ({ place: `rules.${index}`, rule })))
}

function fromCsv(text: string): RuleList {
  const parsed = parseCsv(text)
  if (!parsed.ok) return { ok: false, problems: [{ place: `line ${parsed.line}`, message: parsed.message }] }
  const [head, ...rows] = parsed.rows
  const columns = (head?.cells ?? []).map((name) => name.trim())
  const missing = ruleColumns.filter((name) => name !== 'is_active' && !columns.includes(name))
  if (missing.length > 0)
    return { ok: false, problems: [{ place: 'line 1', message: `the header has no ${missing.join(', no ')}` }] }
  return checked(
    rows.map(({ line, cells }) => {
      const named = new Map(columns.map((name, index) => [name, cells[index] ?? '']))
      const active = activeOf(named.get('is_active') ?? '')
      const fields = ruleColumns.slice(0, 4).map((name) => [name, named.get(name)])
      return { place: `line ${line}`, rule: { ...Object.fromEntries(fields), ...active } }
    }),
  )
}

function activeOf(text: string): { readonly is_active?: boolean | string } {
  const word = text.trim().toLowerCase()
  if (word === '') return {}
  if (['true', '1', 'yes'].includes(word)) return { is_active: true }
  return { is_active: ['false', '0', 'no'].includes(word) ? false : text }
}

function checked(rules: readonly { readonly place: string; readonly rule: unknown }[]): RuleList {
  const good: RuleInput[] = []
  const problems: RuleProblem[] = []
  for (const { place, rule } of rules) {
    const parsed = ruleInputSchema.safeParse(rule)
    if (parsed.success) good.push(parsed.data)
    else if (problems.length < mostProblems)
      problems.push(
        ...parsed.error.issues.map(({ path, message }) => ({ place, message: `${path.join('.')}: ${message}` })),
      )
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, rules: good }
}

export function showRules(rules: readonly Rule[], format: 'csv' | 'json'): string {
  const rows = rules.map(({ service_name, resource_type, role, action, is_active }) => {
    return { service_name, resource_type, role, action, is_active }
  })
  if (format === 'json') return `${JSON.stringify(rows, null, 2)}\n`
  return csvText([ruleColumns, ...rows.map((row) => ruleColumns.map((column) => String(row[column])))])
}

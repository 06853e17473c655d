/** `authz.yaml` → rules, or everything that is wrong with it, each with its line and column. Pure. */
import type { Finding } from '../policy/schema.ts'
import { lockOut } from './lock-out.ts'
import { rulesSchema, type Rules } from './rules.ts'
import { type PlaceOf, readFile } from './yaml-file.ts'

export type ParsedRules =
  | { readonly rules: Rules; readonly placeOf: PlaceOf }
  | { readonly findings: readonly Finding[] }

export const parseRulesFile = (text: string, file: string): ParsedRules => {
  const read = readFile({ text, file, schema: rulesSchema, code: 'authz_invalid' })
  if ('findings' in read) return read
  const { value: rules, placeOf, finding } = read
  const problem = lockOut(rules)
  return problem === undefined ? { rules, placeOf } : { findings: [finding(problem, ['rules'])] }
}

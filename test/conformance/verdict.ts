/**
 * Whether an answer is the one that OPA's suite wants, decided as OPA's own end-to-end test of its WASM host does:
 * result sets without order, sets as sorted arrays, numbers by their exact value.
 */
import { compareValues, isArray } from '../../extensions/compare.ts'
import { RegoObject, type RegoValue } from '../../extensions/extension.ts'
import { printJson } from '../../extensions/print-json.ts'
import type { Outcome } from '../../src/engine/outcome.ts'
import { parseValue } from '../../src/engine/value-text.ts'
import type { Case } from './cases.ts'

/** Why the answer is wrong; undefined when it is right. The text is the same in each run. */
export function problem(test: Case, outcome: Outcome): string | undefined {
  const { wantDefined, wantResult, wantErrorCode, wantError } = test
  if (wantDefined !== undefined) return definedProblem(wantDefined, outcome)
  if (wantResult !== undefined) return resultProblem(test, wantResult, outcome)
  if (wantErrorCode === undefined && wantError === undefined) return undefined
  // WASM has no strict mode: an error that only that mode shows is an empty result.
  return test.strictError ? resultProblem(test, '[]', outcome) : errorProblem(wantErrorCode, outcome)
}

function definedProblem(want: boolean, outcome: Outcome): string | undefined {
  const rows = resultSet(outcome)
  if (rows === undefined) return describe(outcome)
  return rows.length > 0 === want ? undefined : `is ${want ? 'undefined' : 'defined'}`
}

function resultProblem({ sortBindings }: Case, wantText: string, outcome: Outcome): string | undefined {
  const rows = resultSet(outcome)
  if (rows === undefined) return describe(outcome)
  const want = inOrder(arrayOf(parseValue(Buffer.from(wantText))))
  const got = inOrder(sortBindings ? rows.map(withSortedBindings) : rows)
  return compareValues(want, got) === 0 ? undefined : `wants ${short(want)}, is ${short(got)}`
}

function errorProblem(wantCode: string | undefined, outcome: Outcome): string | undefined {
  if (outcome.kind !== 'error') return `wants an error, is ${short(resultSet(outcome) ?? [])}`
  if (wantCode === 'eval_conflict_error' && outcome.message.startsWith(wantCode)) return undefined
  return `wants ${wantCode ?? 'an error without code'}, is an error: ${outcome.message}`
}

/** The rows of bindings; undefined when there was an error. */
function resultSet(outcome: Outcome): readonly RegoValue[] | undefined {
  if (outcome.kind === 'undefined') return []
  if (outcome.kind !== 'value') return undefined
  return arrayOf(parseValue(Buffer.from(outcome.json)))
}

const describe = (outcome: Outcome): string => ('message' in outcome ? `error: ${outcome.message}` : outcome.kind)

const arrayOf = (value: RegoValue): readonly RegoValue[] => (isArray(value) ? value : [value])

const inOrder = (rows: readonly RegoValue[]): readonly RegoValue[] =>
  rows.toSorted(compareValues).filter((row, i, all) => i === 0 || compareValues(row, all[i - 1] ?? null) !== 0)

function withSortedBindings(row: RegoValue): RegoValue {
  if (!(row instanceof RegoObject)) return row
  return new RegoObject(
    row.entries.map(([name, value]) => [name, isArray(value) ? value.toSorted(compareValues) : value]),
  )
}

function short(rows: readonly RegoValue[]): string {
  const text = printJson(rows)
  return text.length > 160 ? `${text.slice(0, 160)}…` : text
}

/** Test reports as a plan keeps them: counts, the first failures, and the cases whose cost changes. */
import type { CostChange, PlannedTests } from '../policy/plan-document.ts'
import { countTests, type TestReport, type TestResult } from './test-result.ts'

const mostFailures = 100
const mostCosts = 100

export function plannedTests(reports: readonly TestReport[]): PlannedTests | null {
  if (reports.length === 0) return null
  const failures = reports.flatMap(({ key, results }) =>
    results.flatMap(({ status, name, file, line, message }) =>
      status === 'failed' ? [{ policy: key, test: name, file, line, message }] : [],
    ),
  )
  return { ...countTests(reports), failures: failures.slice(0, mostFailures) }
}

export function costChanges(reports: readonly TestReport[]): CostChange[] | null {
  const measured = reports.filter(({ before }) => before !== undefined)
  if (measured.length === 0) return null
  const changes = measured.flatMap(({ key, results, before }) => changesOf(key, results, before ?? []))
  const ratio = ({ before, after }: CostChange): number => Math.abs(Math.log(after / before))
  return changes.toSorted((a, b) => ratio(b) - ratio(a)).slice(0, mostCosts)
}

function changesOf(policy: string, results: readonly TestResult[], earlier: readonly TestResult[]): CostChange[] {
  const before = new Map(earlier.map(({ name, cost }) => [name, cost]))
  return results.flatMap(({ name, cost }) => {
    const was = before.get(name) ?? null
    return was === null || cost === null || was === cost ? [] : [{ policy, test: name, before: was, after: cost }]
  })
}

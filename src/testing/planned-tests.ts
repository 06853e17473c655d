/** Test reports as plans and policies keep them: counts, the first failures or cases, and whose cost changes. */
import type { CostChange, PlannedTests } from '../policy/plan-document.ts'
import type { PolicyTests } from '../policy/schema.ts'
import { countTests, type TestReport, type TestResult } from './test-result.ts'

const mostFailures = 100
const mostCosts = 100
const mostPolicies = 1_000
const mostCases = 200
const mostMessage = 500

export function plannedTests(reports: readonly TestReport[]): PlannedTests | null {
  if (reports.length === 0) return null
  const failures = reports.flatMap(({ key, results }) =>
    results.flatMap(({ status, name, file, line, message }) =>
      status === 'failed' ? [{ policy: key, test: name, file, line, message }] : [],
    ),
  )
  const policies = reports.slice(0, mostPolicies).map((report) => ({ policy: report.key, ...countTests([report]) }))
  return { ...countTests(reports), policies, failures: failures.slice(0, mostFailures) }
}

export function policyTests(report: Pick<TestReport, 'results'> | null, at: Date): PolicyTests | null {
  if (report === null) return null
  const cases = report.results.slice(0, mostCases).map(({ name, file, line, status, message, cost }) => {
    return { name, file, line, status, message: message.slice(0, mostMessage), cost }
  })
  return { at, ...countTests([report]), cases }
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

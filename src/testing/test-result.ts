/** What a test came to. */
import type { Mismatch } from './mismatch.ts'

export interface TestResult {
  /** A case's name, or `data.shop.discount_test.test_large_order`. */
  readonly name: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly status: 'passed' | 'failed' | 'skipped'
  /** Why it failed or was skipped, in one line; '' otherwise. */
  readonly message: string
  readonly mismatches: readonly Mismatch[]
  /** Units of work; null when nothing was evaluated. */
  readonly cost: number | null
  /** What `print` wrote. */
  readonly printed: readonly string[]
}

/** Of a rule that is named as one that is not written yet. */
export const todoText = 'it is still to do'

export interface TestReport {
  /** `group/name/version`, or `module:<id>`. */
  readonly key: string
  readonly source: string
  readonly results: readonly TestResult[]
  /** What its cases came to on the artifact that stands in the store; absent where they were not run on it. */
  readonly before?: readonly TestResult[]
}

export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export function countTests(reports: Iterable<Pick<TestReport, 'results'>>): TestCounts {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const { results } of reports) for (const { status } of results) counts[status]++
  return counts
}

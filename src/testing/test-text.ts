/** Test results for people: a line for each policy, and what is wrong with each test that failed. */
import { mismatchText } from './mismatch.ts'
import { countTests, type TestCounts, type TestReport, type TestResult } from './test-result.ts'

export type ShownPath = (file: string) => string

export function reportText(reports: readonly TestReport[], shownPath: ShownPath): string {
  const width = Math.max(0, ...reports.map(({ key }) => shownKey(key).length))
  return reports.map((report) => policyText(report, width, shownPath)).join('\n')
}

export function countsText(counts: TestCounts): string {
  const { passed, failed, skipped } = counts
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`
}

function policyText({ key, results }: TestReport, width: number, shownPath: ShownPath): string {
  const told = results.filter(({ status }) => status !== 'passed').flatMap((result) => resultText(result, shownPath))
  return [`${shownKey(key).padEnd(width)}  ${countsText(countTests([{ results }]))}`, ...told].join('\n')
}

const shownKey = (key: string): string => key.replace(/^module:/, '')
const mostMismatches = 20

function resultText(result: TestResult, shownPath: ShownPath): readonly string[] {
  const { status, name, file, line, column, message, mismatches, printed } = result
  const place = `${shownPath(file)}:${line}:${column}`
  const differences = mismatches.slice(0, mostMismatches).map(mismatchText)
  const more = mismatches.length - differences.length
  const reasons = differences.includes(message) ? differences : [message, ...differences]
  return [
    `  ${status === 'failed' ? 'FAILED ' : 'skipped'} ${name} (${place})`,
    ...reasons.map((reason) => `    ${reason}`),
    ...(more > 0 ? [`    and ${more} more`] : []),
    ...printed.slice(0, 20).map((text) => `    print: ${text}`),
  ]
}

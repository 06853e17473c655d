/** Test results as JUnit XML: a suite for each policy. */
import { mismatchText } from './mismatch.ts'
import { countTests, type TestReport, type TestResult } from './test-result.ts'
import type { ShownPath } from './test-text.ts'

export function junit(reports: readonly TestReport[], shownPath: ShownPath): string {
  const { passed, failed, skipped } = countTests(reports)
  const suites = reports.map((report) => suite(report, shownPath)).join('')
  const all = `tests="${passed + failed + skipped}" failures="${failed}" skipped="${skipped}"`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${all}>\n${suites}</testsuites>\n`
}

function suite({ key, results }: TestReport, shownPath: ShownPath): string {
  const { failed, skipped } = countTests([{ results }])
  const counts = `tests="${results.length}" failures="${failed}" skipped="${skipped}"`
  const cases = results.map((result) => testCase(key, result, shownPath)).join('')
  return `  <testsuite name="${escape(key)}" ${counts}>\n${cases}  </testsuite>\n`
}

function testCase(key: string, result: TestResult, shownPath: ShownPath): string {
  const { name, file, line, status, message, mismatches } = result
  const head = `    <testcase classname="${escape(key)}" name="${escape(name)}" file="${escape(shownPath(file))}" line="${line}"`
  if (status === 'passed') return `${head}/>\n`
  const text = mismatches.map(mismatchText).join('\n')
  const inside =
    status === 'failed'
      ? `<failure message="${escape(message)}">${escape(text)}</failure>`
      : `<skipped message="${escape(message)}"/>`
  return `${head}>${inside}</testcase>\n`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** What XML cannot hold at all becomes U+FFFD. */
function escape(text: string): string {
  // oxlint-disable-next-line no-control-regex
  const allowed = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
  return allowed.replace(/[&<>"']/g, (character) => entities[character] ?? '').replace(/\n/g, '&#10;')
}

/** A case against what came of it. */
import { mismatches, mismatchText, type Mismatch } from './mismatch.ts'
import type { Evaluated } from './runner.ts'
import type { Expectation, TestCase } from './test-case.ts'
import type { TestResult } from './test-result.ts'
import { valueAt } from './value-path.ts'

export function judge(test: TestCase, evaluated: Evaluated, file: string): TestResult {
  const { outcome, printed } = evaluated
  const cost = 'cost' in outcome ? outcome.cost : null
  const found = test.expect.flatMap((expected) => against(expected, evaluated))
  const [trouble] = evaluated.troubles
  const dear = test.maxCost !== undefined && cost !== null && cost > test.maxCost
  const message =
    trouble ??
    (found[0] === undefined ? undefined : mismatchText(found[0])) ??
    (dear ? `it costs ${cost} units, more than ${test.maxCost}` : '')
  const { name, line, column } = test
  const status = message === '' ? 'passed' : 'failed'
  return { name, file, line, column, status, message, mismatches: found, cost, printed }
}

function against(expected: Expectation, { outcome, answer }: Evaluated): readonly Mismatch[] {
  const failure = 'code' in outcome ? `${outcome.code}: ${outcome.message}` : null
  if (expected.kind === 'error') {
    const wanted = `${expected.code}${expected.message === null ? '' : `: ${expected.message}`}`
    const holds =
      'code' in outcome &&
      outcome.code === expected.code &&
      (expected.message === null || outcome.message.includes(expected.message))
    return holds ? [] : [{ path: '', expected: wanted, actual: failure ?? 'an answer' }]
  }
  if (answer === undefined) return [{ path: '', expected: 'an answer', actual: failure }]
  if (expected.kind === 'paths')
    return expected.paths.flatMap(({ path, value }) =>
      mismatches({ expected: value, actual: valueAt(answer, path), path, partial: false }),
    )
  return mismatches({ expected: expected.value, actual: answer, partial: expected.kind === 'partial' })
}

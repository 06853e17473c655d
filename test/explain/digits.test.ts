import { expect, it } from 'vitest'
import { printExact, readExact } from '../../src/explain/exact-json.ts'
import { explanationText } from '../../src/explain/text.ts'
import { explanationSchema } from '../../src/explain/view.ts'
import { openExplainer } from './explainer-for-tests.ts'

const files = {
  'bank/limit/1.0/policy.rego': `package bank.limit

default allow := false

allow if within(input.amount)

within(amount) if amount < data.most

amount := input.amount
`,
}

it('numbers keep every digit: in the decision, in what conditions saw, in the calls of functions', async () => {
  const { explain, subjectOf } = await openExplainer()
  const subject = await subjectOf(files, '{"most": 12345678901234567890.25}')
  const input = Buffer.from('{"amount": 12345678901234567890.26, "pin": 12345678901234567891}')
  const answer = await explain(subject, { input, headers: {}, rule: undefined })
  const json = printExact(answer)
  expect(json).toContain('"decision":{"value":{"allow":false,"amount":12345678901234567890.26}}')
  expect(json).toContain('{"expression":"amount","values":[12345678901234567890.26]}')
  expect(json).toContain('{"expression":"data.most","values":[12345678901234567890.25]}')
  expect(explanationText(answer)).toContain('within(12345678901234567890.26) is undefined')
  // As a client reads it.
  expect(printExact(explanationSchema.parse(readExact(json)))).toBe(json)
  expect(explanationText(explanationSchema.parse(readExact(json)))).toBe(explanationText(answer))
})

it('a number under the name of a secret is masked, however long', async () => {
  const { explain, subjectOf } = await openExplainer()
  const subject = await subjectOf({ 'a/b/1/policy.rego': 'package a.b\n\nasked := input\n' })
  const input = Buffer.from('{"pin": 12345678901234567891}')
  expect(printExact(await explain(subject, { input, headers: {}, rule: undefined }))).not.toContain('123456')
})

it('is indented as JSON.stringify does it', () => {
  const value = { a: [1, { b: 'x', c: undefined }, [], {}, null], d: undefined, e: 'é"\n' }
  expect(printExact(value, 2)).toBe(JSON.stringify(value, null, 2))
  expect(printExact(value)).toBe(JSON.stringify(value))
})

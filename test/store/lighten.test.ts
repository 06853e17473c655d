import { expect, it } from 'vitest'
import { lighten } from '../../src/store/lighten.ts'
import { plan, policy } from './harness.ts'

const cases = (count: number) =>
  Array.from({ length: count }, (_, at) => {
    return { name: `case ${at}`, file: 'f', line: at + 1, status: 'passed' as const, message: '', cost: 1 }
  })
const tested = (key: `${string}/${string}/${string}`, count: number) =>
  policy(key, { tests: { at: new Date(0), passed: count, failed: 0, skipped: 0, cases: cases(count) } })
const blobs = { put: async () => ({ written: 0 }) }

it('of very many results of tests the counts stay, and the first cases of each policy', async () => {
  const many = Array.from({ length: 100 }, (_, at) => tested(`a/p${at}/1`, 200))
  const { create } = await lighten({ ...plan({}), create: [...many, policy('a/untested/1')] }, blobs)
  const kept = create.flatMap(({ tests }) => (tests === null ? [] : [tests]))
  expect(kept.map(({ passed, cases: { length } }) => [passed, length])).toEqual(many.map(() => [200, 100]))
  expect(create.at(-1)?.tests).toBe(null)
})

it('of some nothing is left out', async () => {
  const { replace } = await lighten({ ...plan({}), replace: [tested('a/b/1', 200)] }, blobs)
  expect(replace[0]?.tests?.cases).toHaveLength(200)
})

import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../src/engine/outcome.ts'
import type { Case } from './cases.ts'
import { problem } from './verdict.ts'

const test: Case = {
  suite: 'v1',
  category: 'c',
  file: 'c/c.yaml',
  note: 'c/n',
  query: 'data.c.p = x',
  modules: [],
  sortBindings: false,
  strictError: false,
  wasm: '',
}
const value = (json: string): Outcome => ({ kind: 'value', json: Buffer.from(json), cost: 0 })
const error = (message: string): Outcome => ({ kind: 'error', code: 'evaluation_error', message, cost: 0 })
const nothing: Outcome = { kind: 'undefined', cost: 0 }

describe('a verdict', () => {
  it.each([
    ['rows in another order', '[{"x":1},{"x":2}]', '[{"x":2},{"x":1}]'],
    ['a row twice', '[{"x":1}]', '[{"x":1},{"x":1}]'],
    ['another spelling of a number', '[{"x":100}]', '[{"x":1e2}]'],
    ['another order of keys', '[{"x":{"a":1,"b":2}}]', '[{"x":{"b":2,"a":1}}]'],
    ['a result without bindings', '[{}]', '[{}]'],
  ])('takes %s', (_, wantResult, got) => {
    expect(problem({ ...test, wantResult }, value(got))).toBeUndefined()
  })

  it.each([
    ['another row', '[{"x":1}]', value('[{"x":2}]')],
    ['a row too many', '[{"x":1}]', value('[{"x":1},{"x":2}]')],
    ['no row', '[{"x":1}]', nothing],
    ['a row instead of none', '[]', value('[{"x":1}]')],
    ['text instead of a number', '[{"x":1}]', value('[{"x":"1"}]')],
    ['a digit lost', '[{"x":9007199254740993}]', value('[{"x":9007199254740992}]')],
    ['items in another order', '[{"x":[1,2]}]', value('[{"x":[2,1]}]')],
    ['an error', '[{"x":1}]', error('the evaluation nests too deeply')],
  ])('refuses %s', (_, wantResult, got) => {
    expect(problem({ ...test, wantResult }, got)).toBeTypeOf('string')
  })

  it('sorts what is bound only where the case says so', () => {
    const wanting = { ...test, wantResult: '[{"x":[1,2]}]', sortBindings: true }
    expect(problem(wanting, value('[{"x":[2,1]}]'))).toBeUndefined()
    expect(problem({ ...wanting, wantResult: '[{"x":[[1,2]]}]' }, value('[{"x":[[2,1]]}]'))).toBeTypeOf('string')
  })

  it('wants a conflict to be an error, and no other', () => {
    const wanting = { ...test, wantErrorCode: 'eval_conflict_error' }
    expect(problem(wanting, error('eval_conflict_error: object keys must be unique'))).toBeUndefined()
    expect(problem(wanting, error('the evaluation nests too deeply'))).toBeTypeOf('string')
    expect(problem(wanting, nothing)).toBeTypeOf('string')
  })

  it('wants an empty result where only strict mode has an error', () => {
    const wanting = { ...test, wantErrorCode: 'eval_type_error', strictError: true }
    expect(problem(wanting, nothing)).toBeUndefined()
    expect(problem(wanting, value('[{"x":1}]'))).toBeTypeOf('string')
    expect(problem(wanting, error('eval_conflict_error: object keys must be unique'))).toBeTypeOf('string')
  })
})

/**
 * The text of a tests file with what it expects replaced by what came, everything else left byte for byte as it is. A
 * partial expectation keeps to the members that it names.
 */
import { isArray } from '../../extensions/compare.ts'
import { RegoObject, type RegoValue } from '../../extensions/extension.ts'
import { keyText, printJson } from '../../extensions/print-json.ts'
import { judge } from './judge.ts'
import type { Evaluated } from './runner.ts'
import type { Expectation, TestCase, TextRange } from './test-case.ts'
import { member, valueAt } from './value-path.ts'
import { absent } from './yaml-file.ts'

export interface UpdatedCase {
  readonly test: TestCase
  readonly evaluated: Evaluated
}

interface Edit {
  readonly range: TextRange
  readonly text: string
}

/** Cases that hold are left alone, and so are those whose calls are not mocked. */
export function updatedTests(text: string, cases: readonly UpdatedCase[]): string {
  const edits = cases.flatMap(({ test, evaluated }) => {
    const { mismatches } = judge(test, evaluated, '')
    return mismatches.length === 0 || evaluated.troubles.length > 0 ? [] : editsOf(test, evaluated)
  })
  return edits
    .toSorted((a, b) => b.range[0] - a.range[0])
    .reduce((all, { range: [start, end], text: put }) => `${all.slice(0, start)}${put}${kept(all, start, end)}`, text)
}

/** What follows the replaced text, with the line break that a block ends with. */
function kept(text: string, start: number, end: number): string {
  const trailing = /\s*$/.exec(text.slice(start, end))?.[0] ?? ''
  return `${trailing}${text.slice(end)}`
}

function editsOf(test: TestCase, { answer, outcome }: Evaluated): readonly Edit[] {
  const { expect, expectRange } = test
  if (answer === undefined) {
    const code = 'code' in outcome ? outcome.code : 'evaluation_error'
    return expectRange === null ? [] : [{ range: expectRange, text: `{ error: ${code} }` }]
  }
  if (expect.some(({ kind }) => kind === 'error'))
    return expectRange === null ? [] : [{ range: expectRange, text: `{ exact: ${written(answer)} }` }]
  return expect.flatMap((expected) => edits(expected, answer))
}

function edits(expected: Expectation, answer: RegoValue): readonly Edit[] {
  if (expected.kind === 'exact') return [{ range: expected.range, text: written(answer) }]
  if (expected.kind === 'partial')
    return [{ range: expected.range, text: written(narrowed(expected.value, answer) ?? answer) }]
  if (expected.kind !== 'paths') return []
  return expected.paths.map(({ path, range }) => ({ range, text: written(valueAt(answer, path)) }))
}

/** Flow style is JSON, which YAML holds. */
function written(value: RegoValue | undefined): string {
  return value === undefined || value === absent ? '!undefined' : spaced(value)
}

function spaced(value: RegoValue): string {
  if (isArray(value)) return `[${value.map(spaced).join(', ')}]`
  if (!(value instanceof RegoObject)) return value === absent ? '!undefined' : printJson(value)
  const members = value.entries.map(([key, item]) => `${writtenKey(keyText(key))}: ${spaced(item)}`)
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`
}

const plainKey = /^[A-Za-z_][\w-]*$/
const words = new Set(['true', 'false', 'null', 'yes', 'no', 'on', 'off'])

const writtenKey = (key: string): string =>
  plainKey.test(key) && !words.has(key.toLowerCase()) ? key : JSON.stringify(key)

/** The members that are expected, with what they are. */
function narrowed(expected: RegoValue, actual: RegoValue): RegoValue | undefined {
  if (!(expected instanceof RegoObject) || !(actual instanceof RegoObject)) return actual
  return new RegoObject(
    expected.entries.map(([key, value]) => {
      const found = member(actual, keyText(key))
      return [key, found === undefined ? absent : (narrowed(value, found) ?? found)]
    }),
  )
}

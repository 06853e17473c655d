/** What is expected against what came, as a list of places that differ. Numbers are compared exactly, by value. */
import { compareValues, isArray } from '../../extensions/compare.ts'
import { RegoObject, type RegoValue } from '../../extensions/extension.ts'
import { keyText, printJson } from '../../extensions/print-json.ts'
import { showPath, type ValuePath } from './value-path.ts'
import { absent } from './yaml-file.ts'

/** null: nothing is there. */
export interface Mismatch {
  readonly path: string
  readonly expected: string | null
  readonly actual: string | null
}

export interface Comparison {
  readonly expected: RegoValue
  readonly actual: RegoValue | undefined
  readonly path?: ValuePath
  /** Members that are not expected may be there. */
  readonly partial: boolean
}

export function mismatches({ expected, actual, path = [], partial }: Comparison): readonly Mismatch[] {
  if (expected === absent) return actual === undefined ? [] : [at(path, undefined, actual)]
  if (actual === undefined) return [at(path, expected, undefined)]
  if (expected instanceof RegoObject && actual instanceof RegoObject)
    return inMembers(expected, actual, { path, partial })
  if (isArray(expected) && isArray(actual)) return inItems(expected, actual, { path, partial })
  return compareValues(expected, actual) === 0 ? [] : [at(path, expected, actual)]
}

/** One line for people. */
export function mismatchText({ path, expected, actual }: Mismatch): string {
  const where = path === '' ? '' : `at ${path}: `
  if (expected === null) return `${where}${actual ?? ''} is not expected`
  return `${where}expected ${expected}, got ${actual ?? 'nothing'}`
}

interface Inside {
  readonly path: ValuePath
  readonly partial: boolean
}

function inMembers(expected: RegoObject, actual: RegoObject, { path, partial }: Inside): readonly Mismatch[] {
  const there = new Map(actual.entries.map(([key, value]) => [keyText(key), value]))
  const wanted = expected.entries.map(([key, value]) => [keyText(key), value] as const)
  const known = new Set(wanted.map(([key]) => key))
  const extra = partial ? [] : [...there].filter(([key]) => !known.has(key))
  return [
    ...wanted.flatMap(([key, value]) =>
      mismatches({ expected: value, actual: there.get(key), path: [...path, key], partial }),
    ),
    ...extra.map(([key, value]) => at([...path, key], undefined, value)),
  ]
}

function inItems(
  expected: readonly RegoValue[],
  actual: readonly RegoValue[],
  { path, partial }: Inside,
): readonly Mismatch[] {
  return [
    ...expected.flatMap((value, index) =>
      mismatches({ expected: value, actual: actual[index], path: [...path, index], partial }),
    ),
    ...actual.slice(expected.length).map((value, index) => at([...path, expected.length + index], undefined, value)),
  ]
}

function at(path: ValuePath, expected: RegoValue | undefined, actual: RegoValue | undefined): Mismatch {
  return { path: showPath(path), expected: shown(expected), actual: shown(actual) }
}

const mostShown = 300

function shown(value: RegoValue | undefined): string | null {
  if (value === undefined) return null
  const text = printJson(value)
  return text.length > mostShown ? `${text.slice(0, mostShown)}…` : text
}

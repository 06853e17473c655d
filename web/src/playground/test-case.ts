/** A draft and what it answered as a case of `policy.tests.yaml`. JSON is YAML: values are written as JSON, digits kept. */
import { readJson } from '../api/raw-json.ts'
import type { DryRun } from '../api/types.ts'
import { headersOf, type Draft } from './draft.ts'

export interface CaseOptions {
  readonly draft: Draft
  readonly run: Pick<DryRun, 'ok' | 'defined' | 'result' | 'error'>
  /** The data beside the policy, which a case need not repeat; null: nothing is stored yet. */
  readonly data: string | null
  /** Builtins of the outside that were called: undefined in a dry run, and in the case. */
  readonly unavailable: readonly string[]
  /** Names are unique in a file. */
  readonly name: string
}

export const testCase = ({ draft, run, data, unavailable, name }: CaseOptions): string => {
  const { input, headers } = draft
  const given = headersOf(headers)
  const { changed, removed } = changedData(data ?? '{}', draft.data)
  const lines = [
    `- name: ${JSON.stringify(name)}`,
    ...(input.trim() === '' ? [] : member('input', readJson(input))),
    ...(Object.keys(given).length === 0 ? [] : member('headers', given)),
    ...removed.map((key) => `  # without ${key} here; a case can replace data and not take it away`),
    ...(Object.keys(changed).length === 0 ? [] : member('data', changed)),
    ...(unavailable.length === 0 ? [] : ['  mocks:']),
    ...unavailable.map((builtin) => `    ${builtin}: [{ result: !undefined }]`),
    '  expect:',
    ...(run.error === null
      ? member('exact', run.defined ? run.result : {})
      : [`  error: ${JSON.stringify(run.error.code)}`]
    ).map((line) => `  ${line}`),
  ]
  return lines.map((line) => `  ${line}\n`).join('')
}

const widest = 100

/** On one line where it is short. */
const member = (key: string, value: unknown): readonly string[] => {
  const short = JSON.stringify(value)
  if (short.length <= widest) return [`  ${key}: ${short}`]
  const [first = '', ...rest] = JSON.stringify(value, null, 2).split('\n')
  return [`  ${key}: ${first}`, ...rest.map((line) => `    ${line}`)]
}

/** By its first names, as paths of a tests file. */
const changedData = (stored: string, edited: string) => {
  const [before, now] = [membersOf(stored), membersOf(edited)]
  const changed = [...now].filter(([key, value]) => before.get(key) !== value)
  return {
    changed: Object.fromEntries(changed.map(([key, value]) => [pathOf(key), readJson(value)])),
    removed: [...before.keys()].filter((key) => !now.has(key)).map(pathOf),
  }
}

const membersOf = (text: string): ReadonlyMap<string, string> => {
  const value = text.trim() === '' ? {} : readJson(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map()
  return new Map(Object.entries(value).map(([key, member_]) => [key, JSON.stringify(member_)]))
}

const pathOf = (key: string): string => (/^[A-Za-z_$][\w$-]*$/.test(key) ? key : `[${JSON.stringify(key)}]`)

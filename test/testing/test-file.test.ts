import { describe, expect, it } from 'vitest'
import { printJson } from '../../extensions/print-json.ts'
import type { TestCase } from '../../src/testing/test-case.ts'
import { parseTests } from '../../src/testing/test-file.ts'

const mockable = (name: string): boolean => name !== 'lower'

const casesOf = (text: string): readonly TestCase[] => {
  const parsed = parseTests(text, { mockable })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.cases
}

const problemsOf = (text: string): readonly string[] => {
  const parsed = parseTests(text, { mockable })
  return parsed.ok ? [] : parsed.problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
}

describe('a tests file', () => {
  it('is a list of cases, each with its place, input and expectation', () => {
    const [first] = casesOf(`cases:
  - name: an editor
    input: { roles: [editor], big: 12345678901234567890.10 }
    headers: { X-Tenant: a }
    now: 2030-01-31T12:00:00.5Z
    maxCost: 900
    expect: { exact: { allow: true } }
`)
    expect(first).toMatchObject({ name: 'an editor', line: 2, column: 5, maxCost: 900, strict: false })
    expect(printJson(first?.input ?? null)).toBe('{"big":12345678901234567890.10,"roles":["editor"]}')
    expect(first?.headers).toEqual(new Map([['x-tenant', 'a']]))
    expect(first?.now).toBe(1896091200500000000n)
  })

  it('gives its own headers, data, mocks and time to all cases, which may replace them', () => {
    const [first, second] = casesOf(`
headers: { A: '1', B: '2' }
now: 5
cases:
  - { name: one, headers: { b: '3' }, expect: { exact: {} } }
  - { name: two, now: 6, expect: { exact: {} } }
`)
    expect([...(first?.headers ?? [])]).toEqual([
      ['a', '1'],
      ['b', '3'],
    ])
    expect([first?.now, second?.now]).toEqual([5n, 6n])
  })

  it('a matrix is a case for each input, and every cell must be filled', () => {
    const text = (cells: string): string => `cases:
  - name: who
    matrix:
      inputs: { reader: { role: reader }, editor: { role: editor } }
      expect:
        allow: ${cells}
`
    expect(casesOf(text('{ reader: false, editor: true }')).map(({ name }) => name)).toEqual([
      'who › reader',
      'who › editor',
    ])
    expect(problemsOf(text('{ reader: false }'))).toEqual(['6:9 allow says nothing of "editor"'])
    expect(problemsOf(text('{ reader: false, editor: true, boss: true }'))[0]).toMatch(
      /^6:\d+ "boss" is not known here/,
    )
  })

  it('anchors and aliases are values', () => {
    const [, second] = casesOf(`cases:
  - { name: a, input: &who { id: 1 }, expect: { exact: {} } }
  - { name: b, input: { user: *who }, expect: { exact: {} } }
`)
    expect(printJson(second?.input ?? null)).toBe('{"user":{"id":1}}')
  })
})

describe('what is wrong with a tests file is told with line and column, all of it', () => {
  it.each([
    ['cases: [', /^1:\d+ /],
    ['a: 1', /^1:1 "a" is not known here; a tests file has cases/],
    ['cases: 1', /^1:8 cases must be a list/],
    ['cases:\n  - input: 1\n    expect: { exact: 1 }', /^2:5 the case has no name/],
    ['cases:\n  - name: x', /^2:5 the case expects nothing/],
    ['cases:\n  - name: x\n    expect: { error: a, exact: 1 }', /^3:13 an error has no answer/],
    ['cases:\n  - name: x\n    expect: { path: { "a..b": 1 } }', /^3:23 "a\.\.b" is no path/],
    ['cases:\n  - name: x\n    now: soon\n    expect: { exact: 1 }', /^3:10 now must be a time/],
    ['cases:\n  - name: x\n    mocks: { lower: [] }\n    expect: { exact: 1 }', /^3:14 lower cannot be mocked/],
    ['cases:\n  - name: x\n    mocks: { f: [{}] }\n    expect: { exact: 1 }', /^3:18 an answer has either/],
    ['cases:\n  - name: x\n    input: .inf\n    expect: { exact: 1 }', /^3:12 \.inf is no JSON value/],
    ['cases:\n  - &a { name: x, expect: { exact: 1 } }\n  - *a', /^3:5 the name "x" stands twice/],
    ['', /a tests file must be a map/],
  ])('%j', (text, problem) => {
    expect(problemsOf(text)[0]).toMatch(problem)
  })

  it('several problems are told at once', () => {
    expect(problemsOf('cases:\n  - name: 1\n    sauce: 2\n    expect: {}')).toHaveLength(3)
  })
})

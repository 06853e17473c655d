import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { holdsPath, joinData, jsonNode } from '../../src/policy/json-tree.ts'
import { scanJson } from '../../src/policy/json-text.ts'
import { compareVersions, newest } from '../../src/policy/version-order.ts'

describe('JSON text', () => {
  it.each([
    ['', 1, 1],
    ['{"a":1,}', 1, 8],
    ['[1,]', 1, 4],
    ['01', 1, 2],
    ['1.', 1, 3],
    ['-', 1, 2],
    ['1e+', 1, 4],
    ['.5', 1, 1],
    ['+1', 1, 1],
    ['NaN', 1, 1],
    ["{'a':1}", 1, 2],
    ['{"a":\n  1 2}', 2, 5],
    ['"a\nb"', 1, 3],
    ['"\\x"', 1, 2],
    ['"\\u12g4"', 1, 2],
    ['"open', 1, 1],
    ['["a"]x', 1, 6],
    ['{"a":[}', 1, 7],
    ['[[]', 1, 4],
    ['{"a"}', 1, 5],
    ['// no\n{}', 1, 1],
    ['\uFEFF{}', 1, 1],
    ['tru', 1, 1],
  ])('refuses %j at line %i, column %i', (text, line, column) => {
    expect(scanJson(text)).toMatchObject({ ok: false, problem: { code: 'invalid_json', line, column } })
  })

  it('refuses a key that stands twice, also when written differently', () => {
    const twice = { ok: false, problem: { code: 'duplicate_key' } }
    expect(scanJson('{"a":1,"a":2}')).toMatchObject(twice)
    expect(scanJson('[{"x":{"ab":1,"c":2,"a\\u0062":2}}]')).toMatchObject(twice)
    const many = Array.from({ length: 40 }, (_, index) => `"k${index}":1`)
    expect(scanJson(`{${many.join(',')},"k7":1}`)).toMatchObject(twice)
    expect(scanJson(`[{${many.join(',')}},{${many.join(',')}}]`)).toMatchObject({ ok: true })
  })

  it('refuses what is nested too deep without running out of stack', () => {
    expect(scanJson('['.repeat(1_000_000))).toMatchObject({
      ok: false,
      problem: { code: 'json_too_deep', column: 501 },
    })
    expect(scanJson('['.repeat(500) + ']'.repeat(500)).ok).toBe(true)
  })

  it('agrees with JSON.parse on every document and finds its members', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(0, 1, 2), (text, indent) => {
        const value: unknown = JSON.parse(text)
        const pretty = JSON.stringify(value, null, indent)
        const scan = scanJson(pretty)
        if (!scan.ok) throw new Error(scan.problem.message)
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
        const members = scan.members.map(({ key, start, end }) => [
          key,
          JSON.parse(pretty.slice(start, end)) as unknown,
        ])
        expect(members).toEqual(isObject ? Object.entries(value) : [])
      }),
    )
  })

  it('agrees with JSON.parse on what is not JSON', () => {
    const mutated = fc.tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom('', ',', '"', '{', ']', '0', '\\', ' ', '.', 'e', ':'),
    )
    fc.assert(
      fc.property(mutated, ([text, at, insert]) => {
        const broken = text.slice(0, at % (text.length + 1)) + insert + text.slice((at % (text.length + 1)) + 1)
        const scan = scanJson(broken)
        if (!scan.ok && scan.problem.code === 'duplicate_key') return
        let valid = true
        try {
          JSON.parse(broken)
        } catch {
          valid = false
        }
        expect(scan.ok).toBe(valid)
      }),
      { numRuns: 500 },
    )
  })

  it('scans 20 MB in linear time', () => {
    const rows = Array.from({ length: 250_000 }, (_, id) => ({
      id,
      name: `user ${id}`,
      roles: ['a', 'b'],
      note: 'some text',
    }))
    const text = JSON.stringify({ rows })
    const started = performance.now()
    expect(scanJson(text).ok).toBe(true)
    expect(performance.now() - started).toBeLessThan(3000)
  })

  it('looks into a document without losing the way', () => {
    const node = jsonNode('{"a":{"b":{"c":1}},"s":"x"}')
    expect(holdsPath(node, ['a', 'b'])).toBe(true)
    expect(holdsPath(node, ['a', 'x'])).toBe(false)
    expect(holdsPath(node, ['s', 'below'])).toBe(true)
    expect(node.keys()).toEqual(['a', 's'])
  })
})

describe('joined data', () => {
  it('keeps every digit and nests shared data at its path', () => {
    const joined = joinData([
      { at: ['rbac', 'roles'], text: '{"admin": 12345678901234567890.000}' },
      { at: ['rbac', 'my-teams'], text: '{}' },
      { at: [], text: '{ "name" : 1e400, "x":[1.10] }' },
    ])
    expect(joined).toEqual({
      ok: true,
      text: '{"name" : 1e400,"x":[1.10],"rbac":{"my-teams":{},"roles":{"admin": 12345678901234567890.000}}}',
    })
  })

  it('leaves a single document as it was written, and makes an empty one of nothing', () => {
    expect(joinData([{ at: [], text: ' {"a":1}\n' }])).toEqual({ ok: true, text: ' {"a":1}\n' })
    expect(joinData([])).toEqual({ ok: true, text: '{}' })
  })

  it.each([
    [[], '{"a":1}', [], '{"a":2}', ['a']],
    [['a'], '{"b":1}', [], '{"a":{}}', ['a']],
    [['a'], '{"b":1}', ['a', 'b'], '{}', ['a', 'b']],
    [['a', 'b'], '{}', ['a'], '{"b":1}', ['a', 'b']],
  ])('refuses %j %s beside %j %s', (firstAt, first, secondAt, second, path) => {
    const parts = [
      { at: firstAt, text: first },
      { at: secondAt, text: second },
    ]
    expect(joinData(parts)).toEqual({ ok: false, part: 1, path })
  })
})

describe('versions', () => {
  it('are ordered by number, then as text', () => {
    const versions = ['1.10', '1.9', '1.9.1', '2', '1.10-rc1', '10', '1.a', 'v2']
    expect(versions.toSorted(compareVersions)).toEqual(['1.9', '1.9.1', '1.10', '1.10-rc1', '1.a', '2', '10', 'v2'])
    expect(newest(['1.2', '1.10', '1.9'])).toBe('1.10')
    expect(newest([])).toBeUndefined()
  })
})

import fc from 'fast-check'
import { applyPatch } from 'diff'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/policy/digest.ts'
import { diffDocuments, type FileText, unified } from '../../src/policy/diff.ts'
import { jsonDiff, type JsonOperation } from '../../src/policy/json-diff.ts'
import { jsonValue } from '../../src/policy/json-value.ts'

/** A JSON Patch, applied by the rules of RFC 6902. */
const patched = (document: unknown, operations: readonly JsonOperation[]): unknown => {
  const root = { '': JSON.parse(JSON.stringify(document)) }
  for (const operation of operations) {
    const keys = ['', ...operation.path.split('/').slice(1)].map((key) =>
      key.replaceAll('~1', '/').replaceAll('~0', '~'),
    )
    const last = keys.pop() ?? ''
    const parent = keys.reduce<unknown>((node, key) => Reflect.get(Object(node), key), root)
    const value: unknown = operation.op === 'remove' ? undefined : JSON.parse(operation.value)
    if (!Array.isArray(parent)) {
      if (operation.op === 'remove') Reflect.deleteProperty(Object(parent), last)
      else Object.defineProperty(parent, last, { value, writable: true, enumerable: true, configurable: true })
    } else if (operation.op === 'add') parent.splice(Number(last), 0, value)
    else if (operation.op === 'replace') parent[Number(last)] = value
    else parent.splice(Number(last), 1)
  }
  return root['']
}

describe('the difference of two JSON texts', () => {
  it('leads from one to the other when its operations are applied in order', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 4 }), (before, after) => {
        const operations = jsonDiff(JSON.stringify(before, null, 2), JSON.stringify(after))
        expect(patched(before, operations)).toEqual(JSON.parse(JSON.stringify(after)))
      }),
      { numRuns: 500 },
    )
  })

  it('of arrays that have items in common leads there, too', () => {
    const items = fc.array(fc.constantFrom(1, 2, 3, { a: 1 }, { a: 2 }), { maxLength: 8 })
    fc.assert(
      fc.property(items, items, (before, after) => {
        expect(patched(before, jsonDiff(JSON.stringify(before), JSON.stringify(after)))).toEqual(after)
      }),
    )
  })

  it('is empty whatever the white space, the order of members and the escapes', () => {
    expect(jsonDiff('{"a": [1, 2], "b": "A"}', '{"b":"\\u0041",\n"a":[1,2]}')).toEqual([])
  })

  it('keeps every digit, and escapes pointers', () => {
    expect(jsonDiff('{"a/b":{"~":1}}', '{"a/b":{"~":123456789012345678901.10}}')).toEqual([
      { op: 'replace', path: '/a~1b/~0', value: '123456789012345678901.10' },
    ])
    expect(jsonDiff('{"list":[1,2,3,4],"gone":1}', '{"list":[1,3,4,5],"new":{"x":[]}}')).toEqual([
      { op: 'remove', path: '/gone' },
      { op: 'replace', path: '/list/1', value: '3' },
      { op: 'replace', path: '/list/2', value: '4' },
      { op: 'replace', path: '/list/3', value: '5' },
      { op: 'add', path: '/new', value: '{"x":[]}' },
    ])
    expect(jsonDiff('{"list":[1,2,3]}', '{"list":[1,3]}')).toEqual([{ op: 'remove', path: '/list/1' }])
  })

  it('reads every value as JSON.parse does', () => {
    const back = (value: ReturnType<typeof jsonValue>): unknown => {
      if (value.kind === 'object') return Object.fromEntries([...value.members].map(([key, item]) => [key, back(item)]))
      return value.kind === 'array' ? value.items.map(back) : JSON.parse(value.text)
    }
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space)
        expect(back(jsonValue(text))).toEqual(JSON.parse(text))
      }),
    )
  })
})

const file = (text: string | null, bytes = text?.length ?? 0): FileText => ({
  digest: sha256(text ?? String(bytes)),
  bytes,
  text,
})
const files = (texts: Readonly<Record<string, FileText>>) => new Map(Object.entries(texts))

describe('the difference of documents', () => {
  it('is a unified diff of Rego that patch understands', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 }).map((lines) => lines.join('\n'))
    fc.assert(
      fc.property(text, text, (before, after) => {
        expect(applyPatch(before, unified('p.rego', before, after) ?? '')).toBe(after)
      }),
    )
    expect(unified('g/p/1.0/policy.rego', null, 'package g.p\n')).toBe(
      '--- /dev/null\n+++ b/g/p/1.0/policy.rego\n@@ -0,0 +1,1 @@\n+package g.p\n',
    )
  })

  it('shows data by its structure, a new file by its text, and leaves out what did not change', () => {
    const [diff] = diffDocuments([
      {
        key: 'g/p/1.0',
        before: files({ 'policy.rego': file('package g.p\n'), 'data.json': file('{"a":1}') }),
        after: files({
          'policy.rego': file('package g.p\n'),
          'data.json': file('{"a":2}'),
          'x.rego': file('package x\n'),
        }),
      },
    ])
    expect(diff).toMatchObject({
      key: 'g/p/1.0',
      change: 'replace',
      files: [
        { kind: 'json', file: 'data.json', operations: [{ op: 'replace', path: '/a', value: '2' }] },
        { kind: 'text', file: 'x.rego', diff: expect.stringContaining('+package x') },
      ],
    })
  })

  it('is bounded: what is too large, too different or one too many is told by digest and size', () => {
    const large = file(null, 5_000_000)
    const long = file('x\n'.repeat(1000))
    const pair = (key: string, after: FileText) => ({ key, before: null, after: files({ 'a.rego': after }) })
    const kinds = (bounds: { perFile: number; total: number }, ...pairs: ReturnType<typeof pair>[]) =>
      diffDocuments(pairs, bounds).map((diff) => diff.files[0]?.kind)
    expect(diffDocuments([pair('a', large)])[0]?.files[0]).toEqual({
      kind: 'omitted',
      file: 'a.rego',
      before: null,
      after: { digest: large.digest, bytes: 5_000_000 },
    })
    expect(kinds({ perFile: 100, total: 10_000 }, pair('a', long), pair('b', file('y\n')))).toEqual(['omitted', 'text'])
    expect(kinds({ perFile: 9_000, total: 4_000 }, pair('a', long), pair('b', long))).toEqual(['text', 'omitted'])
  })
})

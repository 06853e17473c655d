import { expect, it } from 'vitest'
import { objects } from '../../../extensions/opa/objects.ts'
import { type Call, disagreements } from './oracle.ts'

const document = '{"a": {"b": [1, 2, {"c": null}], "": 0, "x/y": "s", "m~n": "t"}, "s": {"p", "q"}, "l": [[1], [2]]}'

const pointers = [
  '""',
  '"/"',
  '"a"',
  '"/a"',
  '"/a/b"',
  '"/a/b/0"',
  '"/a/b/2/c"',
  '"/a/b/-"',
  '"/a/b/9"',
  '"/a/b/-1"',
  '"/a/b/01"',
  '"/a/x~1y"',
  '"/a/m~0n"',
  '"/a/"',
  '"/none/x"',
  '"/s/p"',
  '"/s"',
  '["a", "b", 0]',
  '["a", "b", "0"]',
  '["s", "p"]',
  '[]',
  '"/l/0/0"',
  '1',
]
const patches = [
  ...pointers.flatMap((path) => [
    `[{"op": "add", "path": ${path}, "value": "new"}]`,
    // Without anything left, `opa eval` ends in a panic.
    ...(path === '""' || path === '[]' ? [] : [`[{"op": "remove", "path": ${path}}]`]),
    `[{"op": "replace", "path": ${path}, "value": {"n": 1}}]`,
    `[{"op": "test", "path": ${path}, "value": 1}]`,
    `[{"op": "copy", "from": ${path}, "path": "/copied"}]`,
    `[{"op": "move", "from": ${path}, "path": "/moved"}]`,
  ]),
  '[]',
  '[{"op": "unknown", "path": "/a"}]',
  '[{"op": "add", "path": "/z"}]',
  '[{"op": "add", "value": 1}]',
  '[{"path": "/a"}]',
  '[{"op": "move", "from": "/a", "path": "/a/b"}]',
  '[{"op": "move", "path": "/a"}]',
  '[{"op": "add", "path": "/l/-", "value": 3}, {"op": "remove", "path": "/l/0"}, {"op": "test", "path": "/l/1", "value": 3}]',
  '[{"op": "test", "path": "/a/b/0", "value": 1.0}]',
  '[{"op": "test", "path": "/a/b/0", "value": 2}, {"op": "remove", "path": "/a"}]',
]
const values = [
  '{}',
  '{"a": 1}',
  '{"a": 1, "b": {"c": [1, 2]}}',
  '{"b": {"c": [1]}}',
  '{"b": {}}',
  '[]',
  '[1]',
  '[1, 2, 3]',
  '[2, 3]',
  '[1, 3]',
  'set()',
  '{1}',
  '{1, 2}',
  '{1.0}',
]

const calls: readonly Call[] = [
  ...patches.map((patch): Call => ['json.patch', document, patch]),
  ...['[1, 2]', '"text"', '{"p"}'].flatMap((target): Call[] => [
    ['json.patch', target, '[{"op": "add", "path": "/0", "value": 9}]'],
    ['json.patch', target, '[{"op": "replace", "path": "", "value": 9}]'],
    ['json.patch', target, '[{"op": "remove", "path": "/p"}]'],
  ]),
  ...values.flatMap((all) => values.map((part): Call => ['object.subset', all, part])),
]

it('objects are patched and compared as OPA does', { timeout: 30_000 }, async () => {
  expect(await disagreements(objects, calls)).toEqual([])
})

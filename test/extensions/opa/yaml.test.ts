import { expect, it } from 'vitest'
import { yaml } from '../../../extensions/opa/yaml.ts'
import { type Call, disagreements } from './oracle.ts'

const documents = [
  '',
  '# nothing',
  'a: 1\nb: [x, "y", \'z\']\n',
  '- ~\n- null\n- Null\n- true\n- TRUE\n- yes\n- on\n- n',
  'x: 0x1F\ny: 0o17\nz: 017\nb: 0b101\nu: 1_000\nf: 1.50\ne: 1e3\nm: -0.0\nd: .5\np: +7',
  'i: .inf',
  'n: .nan',
  'd: 2001-12-14\nt: 2001-12-14T21:59:43.10-05:00',
  'a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 2',
  'a: *unknown',
  'a: 1\na: 2',
  '1: one\ntrue: yes\n1.5: f\n',
  '? [1]\n: x',
  '{"json": [1, 2.0, 12345678901234567890]}',
  '12345678901234567890123456789',
  'a: |\n  one\n   two\n\nb: >-\n  folded\n  text\n',
  'a: |+\n  kept\n\n',
  '--- 1\n--- 2\n',
  '---\na: 1\n...\ntrailing',
  'a: 1\n...\n---\nb: 2\n...\n# end',
  'a: 1\n...\n%YAML 1.2\n---\nb',
  'a: 1\n...\n...\n',
  '%YAML 1.1\n---\na: yes\nb: 010',
  '%YAML 1.2\n---\na: yes',
  'a:\n\tb: 1',
  'a: b: c',
  '[1, 2',
  '"\\u00e9\\n\\x41"',
  'a: !!str 1\nb: !!int "2"\nc: !!binary aGk=\nd: !own 3',
  'a: !!int x',
  'a: \u0007',
  'é: ü',
]

const values = [
  'null',
  '"text"',
  '""',
  '" spaced "',
  '"yes"',
  '"1.0"',
  '"0x1f"',
  '"2001-12-14"',
  '"12:30:45"',
  '"a: b"',
  '"# no comment"',
  '"it\'s"',
  '"-"',
  '"line\\nline\\n"',
  '"  deep\\n"',
  '"ends in space \\nx"',
  '"tab\\there"',
  '"emoji 😀"',
  '[]',
  '{}',
  '[1, [2, [3]], {"a": []}]',
  '{"b": 1, "a": {"d": [1, {"x": "y"}], "c": null}, "a10": 1, "a9": 2}',
  '{1: "number", true: "boolean", null: "null", [1]: "array"}',
  '{3, 1, 2}',
  '1e21',
  '1.0',
  '12345678901234567890',
  '{"long key that goes on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on and on": 1}',
  '{"multi\\nline": 1}',
]

const calls: readonly Call[] = [
  ...documents.flatMap((text): Call[] => [
    ['yaml.unmarshal', JSON.stringify(text)],
    ['yaml.is_valid', JSON.stringify(text)],
  ]),
  ...values.map((value): Call => ['yaml.marshal', value]),
]

it('YAML is read and written as OPA does', { timeout: 20_000 }, async () => {
  expect(await disagreements(yaml, calls)).toEqual([])
})

import { loadPolicy } from '@open-policy-agent/opa-wasm'
import { describe, expect, it } from 'vitest'
import { answer, compile, entrypoint, load, opaEval } from './compile.ts'

/** Each case is compared with `opa eval`, text by text, and where the npm SDK is right with that, too. */
interface Case {
  readonly name: string
  readonly rego: string
  readonly inputs?: readonly (string | undefined)[]
  readonly data?: string
  readonly document?: string
  readonly headers?: Record<string, string>
  readonly file?: string
  /** Why the SDK's answer differs. */
  readonly sdkDiffers?: string
}

const everyKind = [undefined, 'null', 'false', 'true', '0', '-0', '""', '"x"', '[]', '{}', '[0]', '{"a":null}']
const digits = ['1e400', '12345678901234567890.10', '-0.0', '1E+2', '100000000000000000000000000000001', '0.1', '1e-7']
const rounding = 'it reads numbers as doubles'
const falsy = 'it drops falsy inputs'
const order = 'it leaves sets in the order of the hash table'

const cases: readonly Case[] = [
  { name: 'inputs of every kind', rego: 'kind := type_name(input)', inputs: everyKind, sdkDiffers: falsy },
  { name: 'an input handed back', rego: 'back := input', inputs: [...everyKind, ...digits], sdkDiffers: falsy },
  {
    name: 'a whole input as the document',
    rego: '',
    document: 'input',
    inputs: [...everyKind, ...digits],
    sdkDiffers: falsy,
  },
  {
    name: 'big numbers in arithmetic',
    rego: 'sum := input + 1',
    inputs: ['9007199254740993', '1e20'],
    sdkDiffers: rounding,
  },
  {
    name: 'big numbers in data',
    rego: 'n := data.n\nm := data.m',
    data: '{"n":12345678901234567890.10,"m":[1e400,-1E-400]}',
    sdkDiffers: rounding,
  },
  { name: 'an empty package', rego: 'never if input.no' },
  { name: 'an undefined document', rego: 'never if input.no', document: 'data.a.b.never' },
  { name: 'the rule _', rego: '_ := input.x', document: 'data.a.b["$0"]', inputs: ['{"x":[1]}', '{}', '{"x":false}'] },
  { name: 'functions', rego: 'f(x) := g(x) + 1\ng(x) := x * 2\nnamed(x) if x\ny := f(3)' },
  {
    name: 'sets',
    rego: 's := {3, 1, 2, "b", "a", true, false, null, [2], [1, 2], {"x": 1}, {"a": 2}, {5}, {4, 9}, 1.5, -2, 1e3}\ne := set()',
    sdkDiffers: order,
  },
  {
    name: 'sets of strings',
    rego: 's := {x | some x in input}',
    inputs: ['["zz","é","ﬀ","😀","","a b","a\\u0000"]'],
    sdkDiffers: order,
  },
  {
    name: 'sets of numbers',
    rego: 's := {x | some x in input}',
    inputs: ['[10,9,-1,1e3,0.5,5e-1,100,1e400,-1e400,2.50]'],
    sdkDiffers: rounding,
  },
  {
    name: 'nested sets',
    rego: 's := {{1, {3, 2}}, {{"b", "a"}}, {[{2, 1}]}}\nt := {"k": {2, 1}, "j": [{"y", "x"}]}',
    sdkDiffers: order,
  },
  {
    name: 'partial sets and objects',
    rego: 'deny contains m if some m in input\nby[m] := i if some i, m in input',
    inputs: ['["z","a","m"]'],
    sdkDiffers: order,
  },
  {
    name: 'keys of any kind',
    rego: 'o := {1: "n", true: "t", null: "z", [1, "<&>"]: "a", {"k": 1}: "o", {2, 1}: "s", "s": "s"}',
    sdkDiffers: order,
  },
  {
    name: 'many keys',
    rego: 'o := {k: v | some v, k in input}',
    inputs: ['["q","w","e","r","t","y","u","i","o","p","é","😀","ﬀ","A","\\"","\\\\","\\n","\\u0001"]'],
  },
  {
    name: 'escapes',
    rego: 's := "\\t\\n\\r\\"\\\\\\u0007<>&/é😀\\u2028"\nback := input',
    inputs: ['"\\u00e9\\ud83d\\ude00\\b\\f\\/\\u0000\\u007f"'],
  },
  {
    name: 'lone surrogates',
    rego: 'back := input',
    inputs: ['"\\ud800"', '["a\\udc00b", "\\ud800\\u0041", "\\\\ud800", "\\ud83d\\ude00\\ud83d"]'],
    sdkDiffers: 'JavaScript keeps them',
  },
  { name: 'a key twice', rego: 'back := input', inputs: ['{"a":1,"b":2,"a":3}'] },
  {
    name: 'data',
    rego: 'x := data.roles[input.user]',
    data: '{"roles":{"alice":["a","b"],"bob":[]}}',
    inputs: ['{"user":"alice"}', '{"user":"eve"}'],
  },
  {
    name: 'comprehensions and every',
    rego: 'a := [y | some x in input; x > 1; y := x * 2]\neach if every x in input { x > 0 }',
    inputs: ['[1,2,3]', '[0]'],
  },
  {
    name: 'native builtins',
    rego: 's := split(upper(concat("-", ["a", "b"])), "-")\nm := regex.match(`^a+$`, "aaa")\nw := [p | walk(input, [p, _])]\nj := json.marshal([1, "x"])',
    inputs: ['[[1],2]'],
  },
  {
    name: 'headers',
    rego: 'auth := get_header("Authorization")\nother := external.http.header(concat("-", ["X", "Name"]))\nnone := get_header("X-None")\nlow := get_header("authorization")',
    headers: { Authorization: 'Bearer "x"', 'X-Name': 'a\\b' },
  },
  {
    name: 'Rego v0',
    file: 'p.v0.rego',
    rego: 'default allow = false\nallow { input.message == "hello world" }\nname = data.name',
    data: '{"name":"some name"}',
    inputs: ['{"message":"hello world"}', undefined],
  },
]

describe('the engine answers as `opa eval` does', () => {
  it.each(cases)('on $name', { timeout: 20_000 }, async (one) => {
    const { rego, inputs = [undefined], data = '{}', headers = {}, file = 'p.rego' } = one
    const sources = { files: { [file]: `package a.b\n\n${rego}\n` }, document: one.document ?? 'data.a.b' }
    const wasm = await compile(sources)
    const policy = await load({ wasm, data })
    const sdk = await loadPolicy(wasm, undefined, sdkBuiltins(headers))
    sdk.setData(JSON.parse(data) as object)
    for (const input of inputs) {
      const ours = answer(policy, input, headers)
      expect.soft(respell(ours), `input ${input}`).toBe(await opaEval(sources, { input, data, headers }))
      if (one.sdkDiffers !== undefined) continue
      const [theirs] = sdk.evaluate(input === undefined ? undefined : JSON.parse(input), entrypoint) as {
        result: unknown
      }[]
      expect.soft(ours === 'undefined' ? undefined : JSON.parse(ours), `input ${input}`).toEqual(theirs?.result)
    }
  })
})

function sdkBuiltins(headers: Record<string, string>) {
  const get = (name: string): string => headers[name] ?? ''
  return { get_header: get, 'external.http.header': get }
}

/** JSON may spell one character in several ways (`\\b`, `\\u0008`): the comparison uses one. */
const respell = (json: string): string =>
  json.replace(/"(?:\\.|[^"\\])*"/g, (token) => JSON.stringify(JSON.parse(token)))

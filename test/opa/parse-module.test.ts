import { beforeAll, describe, expect, it } from 'vitest'
import { extensionsWith } from '../../extensions/index.ts'
import { createParseModule } from '../../extensions/opa/parse-module.ts'
import { createModuleParser, type ModuleParserOptions } from '../../src/opa/parse-module.ts'
import { compile, contextOf, load, opaEval, outcomeText, type Sources } from '../engine/compile.ts'
import { opaPath } from '../setup/opa.ts'

const parser = (options: Partial<ModuleParserOptions> = {}) =>
  createModuleParser({ findOpa: () => Promise.resolve(opaPath()), ...options })

const sources: Sources = {
  files: { 'a.rego': 'package a\n\nt[i] := rego.parse_module(m.filename, m.module) if some i, m in input\n' },
  document: 'data.a',
  also: [createParseModule(parser())],
}

let wasm: Uint8Array
beforeAll(async () => {
  wasm = await compile(sources)
}, 30_000)

async function evaluate(input: unknown, options: Partial<ModuleParserOptions> = {}, strict = false): Promise<string> {
  const engine = { extensions: extensionsWith({ parseModule: parser(options) }) }
  const policy = await load({ wasm, engine, settings: { strict } })
  return outcomeText(await policy.evaluate(Buffer.from(JSON.stringify(input)), contextOf()))
}

const modules = [
  'package a',
  '',
  'package a.',
  'package a\n\np if { true',
  'package a\n\np { true }\n',
  'package a.b["c d"]\n\nimport rego.v1\nimport data.x as y\n\n# hello\ndefault q := 1.50\n\np if { some x in [1e3, 12345678901234567890.10]; not x == 3 }',
  'package a\n\nf(x) := y if { y := x with input as {"a": {1, "b"}} } else := null\n\ns contains x if every x in [1] { x > 0 }',
  '# METADATA\n# title: x\n# custom: {a: 1}\npackage a\n\nt := $"<{input.x}> & é 😀"',
  '# METADATA\n# title: [\npackage a\n',
]

describe('rego.parse_module', () => {
  it("answers with the syntax tree of opa's own parser, or is undefined", async () => {
    const input = modules.map((module, i) => ({ filename: `dir/${i} "é".rego`, module }))
    const ours = await evaluate(input)
    expect(JSON.parse(ours)).toEqual(JSON.parse(await opaEval(sources, { input: JSON.stringify(input) })))
    expect(ours).toContain('12345678901234567890.10')
    expect(Object.keys((JSON.parse(ours) as { t: object }).t)).toEqual(['0', '5', '6', '7', '8'])
  })

  it('tells in strict mode what is wrong with the module', async () => {
    const answer = await evaluate([{ filename: 'x.rego', module: 'package foo.' }], {}, true)
    expect(answer).toMatch(
      /^error: eval_builtin_error: rego\.parse_module: 1 error occurred: x\.rego:1: rego_parse_error/,
    )
  })

  it('ends the evaluation where opa cannot answer: undefined would say that the module is wrong', async () => {
    const input = [{ filename: 'x', module: `package a\n${'#'.repeat(2000)}` }]
    expect(await evaluate(input, { maxModule: 1000 })).toBe(
      'error: rego.parse_module: the module has more than 1000 bytes',
    )
    expect(await evaluate(input, { timeoutMs: 0 })).toMatch(
      /^error: rego\.parse_module: opa was stopped: it ran longer/,
    )
    expect(await evaluate(input, { maxOutput: 10 })).toMatch(
      /^error: rego\.parse_module: opa was stopped: it wrote more/,
    )
    const findOpa = () => Promise.reject(new Error('no network'))
    expect(await evaluate(input, { findOpa })).toBe('error: rego.parse_module: the opa command cannot be started')
  })

  it('asks once for the same module, and looks for opa again after it was not found', async () => {
    let found = 0
    const findOpa = () => (++found === 1 ? Promise.reject(new Error('not yet')) : Promise.resolve(opaPath()))
    const parse = parser({ findOpa })
    const text = { filename: 'x', module: 'package a' }
    const { signal } = new AbortController()
    await expect(parse(text, { signal })).rejects.toThrow('cannot be started')
    const ast = await parse(text, { signal })
    expect(await parse(text, { signal })).toBe(ast)
    expect(await parse({ ...text, filename: 'y' }, { signal })).toBe(ast)
    expect(found).toBe(2)
  })
})

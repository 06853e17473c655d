/** `regex.match`, whether the host answers or the module: the same answers as `opa eval`, for the same cost each time. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { LoadedPolicy } from '../../src/engine/policy.ts'
import { answer, compile, evaluateNow, load, opaEval } from './compile.ts'

const patterns = [
  ...[
    '^user[0-9]+$',
    'b',
    '',
    '^$',
    '.',
    '^.{2}$',
    'a|b|',
    '(a|ab)(c|bcd)$',
    '[^a-z]',
    '\\d+\\s*\\w',
    '\\bx\\b',
    '\\B',
  ],
  ...[
    '(?i)straße',
    '(?s)a.b',
    '(?m)^b$',
    'é+',
    '^\\p{Lu}',
    '[[:alpha:]]{2,3}$',
    '\\Qa.b\\E',
    '\\x{1F600}',
    '(?P<n>a)$',
  ],
  ...['a{2,}', 'a{1001}', 'a{200}', '(a{3}){3}', '(', '*', '\\1', '(?=a)', '[z-a]', '\\z', 'x*', 'a++'],
]
/** What C++ and Go read differently: the module decides alone, once or often. */
const foreign = ['(?<n>a)', '\\C', '\\p{Kawi}']
const texts = [
  ...['', 'a', 'b', 'user103', 'user', 'abcd', 'STRASSE', 'Straße', 'é', 'Éa', 'a.b', 'a\nb', 'a b', 'x', ' x ', '😀'],
  ...['aaaaaaaaa', 'a'.repeat(200), 'ab'.repeat(600), '7 up', '\u0000b', 'Ǆ', '\ufeff', '\u2028'],
]

const rules = patterns.map((pattern, i) => {
  return `m${i} := {j: y | some j, x in input; y := regex.match(${JSON.stringify(pattern)}, x)}`
})
const sources = { files: { 'p.rego': `package t\n\n${rules.join('\n')}\n` }, document: 'data.t' }

const document = (json: string) => JSON.parse(json) as Readonly<Record<string, Readonly<Record<string, boolean>>>>

describe('regex.match', () => {
  let policy: LoadedPolicy
  let theirs: ReturnType<typeof document>
  beforeAll(async () => {
    policy = await load({ wasm: await compile(sources) })
    theirs = document(await opaEval(sources, { input: JSON.stringify(texts) }))
  })

  it('answers as `opa eval` does when one text is asked about, and when many are', () => {
    const many = document(answer(policy, JSON.stringify(texts)))
    const different = texts.flatMap((text, j) => {
      const one = document(answer(policy, JSON.stringify([text])))
      return patterns.flatMap((pattern, i) => {
        const wanted = theirs[`m${i}`]?.[j]
        const isSame = one[`m${i}`]?.[0] === wanted && many[`m${i}`]?.[j] === wanted
        return isSame ? [] : [{ pattern, text: text.slice(0, 20) }]
      })
    })
    expect(different).toEqual([])
  })

  it('costs the same whatever was evaluated before', async () => {
    const wasm = await compile(sources)
    const costs = async (inputs: readonly string[]) => {
      const fresh = await load({ wasm })
      return new Map(inputs.map((input) => [input, evaluateNow(fresh, Buffer.from(input))]))
    }
    const inputs = [JSON.stringify(texts.slice(0, 2)), '["abc"]', JSON.stringify(texts), '[]', '["a","b","c","d","e"]']
    expect(await costs(inputs)).toEqual(await costs([...inputs, ...inputs].toReversed()))
  })

  it('answers as the module does, once or often, where its regular expressions are others than those of Go', async () => {
    const all = foreign.map(
      (pattern, i) => `m${i} := [y | some x in input; y := regex.match(${JSON.stringify(pattern)}, x)]`,
    )
    const own = await load({
      wasm: await compile({ files: { 'p.rego': `package t\n\n${all.join('\n')}\n` }, document: 'data.t' }),
    })
    const lengths = (input: readonly string[]) =>
      Object.values(JSON.parse(answer(own, JSON.stringify(input))) as Record<string, unknown[]>).map(
        ({ length }) => length / input.length,
      )
    expect(lengths(['a'])).toEqual(lengths(['a', 'b', 'a', 'b', 'a', 'b', 'a']))
  })

  it('takes patterns from data, from the input and from other builtins', async () => {
    const rego = `package t

own := [p | some p in data.patterns; regex.match(p, input.text)]
given := [p | some p in input.patterns; regex.match(p, input.text)]
made := regex.match(concat("", ["^", input.text, "$"]), input.text)
globs := [g | some g in ["a*", "*c", "b", "?bc"]; glob.match(g, [], input.text)]
none := regex.match(input.patterns, input.text)
`
    const files = { files: { 'p.rego': rego }, document: 'data.t' }
    const data = JSON.stringify({ patterns: Array.from({ length: 80 }, (_, i) => `^a.{${i % 7}}${i % 2 ? '$' : 'c'}`) })
    const mixed = await load({ wasm: await compile(files), data })
    for (const text of ['abc', 'abbc', 'c', 'abc']) {
      const input = JSON.stringify({ text, patterns: ['^a', 'b{2}', '(', '^abc$', 'c$'] })
      expect(JSON.parse(answer(mixed, input))).toEqual(JSON.parse(await opaEval(files, { input, data })))
    }
  })
})

/**
 * The engine against `opa eval` on generated inputs: each policy in `policies/` answers a few hundred of them, text by
 * text alike. `SEED=n` tries others. What is known to differ stands in `known-differences.json`.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RegoObject, type RegoValue } from '../../extensions/extension.ts'
import { printJson } from '../../extensions/print-json.ts'
import { parseValue } from '../../src/engine/value-text.ts'
import { answer, compile, load, opaEval } from '../engine/compile.ts'
import { data, inputs } from './generated-inputs.ts'
import { knownDifferences } from './known-differences.ts'

const seed = Number(process.env['SEED'] ?? 1)
const numRuns = 300

const policyText = (name: string): string => readFileSync(join(import.meta.dirname, 'policies', `${name}.rego`), 'utf8')

describe('on generated inputs, the engine answers as `opa eval` does', () => {
  it.each(Object.entries(inputs))('for the policy %s', { timeout: 60_000 }, async (name, generated) => {
    const files = { 'policy.rego': policyText(name) }
    const texts = fc.sample(generated, { seed, numRuns }).map((input) => JSON.stringify(input))
    const policy = await load({
      wasm: await compile({ files, document: 'data.generated' }),
      data: JSON.stringify(data),
    })
    const theirs = await opaAnswers(files, texts)
    const different = texts.flatMap((input, index) => differences(input, answer(policy, input), theirs.get(index)))
    expect(firstOfEachRule(different)).toEqual([])
  })
})

describe('what is known to differ from `opa eval`', () => {
  const tested = knownDifferences.filter((one) => one.tested)
  it.each(tested)(
    'does so as documented: $what ($input)',
    { timeout: 20_000 },
    async ({ rego, input, go, wasm, state }) => {
      const sources = { files: { 'policy.rego': `package generated\n\n${rego}\n` }, document: 'data.generated.x' }
      expect(await opaEval(sources, { input }).catch(() => 'error')).toBe(go)
      expect(answer(await load({ wasm: await compile(sources) }), input)).toBe(state === 'mended' ? go : wasm)
    },
  )
})

interface Difference {
  readonly rule: string
  readonly input: string
  readonly ours: string | undefined
  readonly opa: string | undefined
}

/** Rule by rule, or as a whole where there is no document to look into. */
function differences(input: string, ours: string, wanted: RegoValue | undefined): readonly Difference[] {
  if (!ours.startsWith('{') || wanted === undefined) {
    const opa = wanted === undefined ? 'undefined' : printJson(wanted)
    return ours === opa ? [] : [{ rule: '*', input, ours, opa }]
  }
  const [own, theirs] = [membersOf(parseValue(Buffer.from(ours))), membersOf(wanted)]
  const rules = [...new Set([...own.keys(), ...theirs.keys()])]
  return rules
    .map((rule) => ({ rule, input, ours: own.get(rule), opa: theirs.get(rule) }))
    .filter((one) => one.ours !== one.opa)
}

const membersOf = (value: RegoValue): ReadonlyMap<string, string> =>
  new Map(value instanceof RegoObject ? value.entries.map(([key, member]) => [printJson(key), printJson(member)]) : [])

/** The shortest input of each tells most. */
function firstOfEachRule(all: readonly Difference[]): readonly Difference[] {
  const first = new Map<string, Difference>()
  for (const one of all.toSorted((a, b) => a.input.length - b.input.length)) {
    if (!first.has(one.rule)) first.set(one.rule, one)
  }
  return [...first.values()]
}

/** By index; all inputs in one process. */
async function opaAnswers(
  files: Readonly<Record<string, string>>,
  texts: readonly string[],
): Promise<ReadonlyMap<number, RegoValue>> {
  const document = '{i: x | some i, _ in data.inputs; x := data.generated with input as data.inputs[i]}'
  const all = `${JSON.stringify(data).slice(0, -1)},"inputs":[${texts.join(',')}]}`
  const answers = parseValue(Buffer.from(await opaEval({ files, document }, { data: all })))
  if (!(answers instanceof RegoObject)) throw new Error('opa eval has no answers')
  return new Map(answers.entries.map(([index, value]) => [Number(index), value]))
}

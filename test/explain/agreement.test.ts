/** What is explained is what is served: the example policies, inputs of their kind, the real engine on either side. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createMask } from '../../src/explain/mask.ts'
import { entryModule, entryOf } from '../../src/policy/entry.ts'
import type { LoadedPolicy } from '../../src/engine/policy.ts'
import { compile, contextOf, evaluateNow, load } from '../engine/compile.ts'
import { cachedOpa } from '../opa/opa-for-tests.ts'
import { asked, openExplainer, type TestExplainer } from './explainer-for-tests.ts'

const root = join(import.meta.dirname, '../../policies-example')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const word = (...words: readonly string[]) => fc.constantFrom(...words, '', 'other')
const some = <T extends Record<string, fc.Arbitrary<unknown>>>(shape: T) =>
  fc.oneof({ weight: 9, arbitrary: fc.record(shape, { requiredKeys: [] }) }, { weight: 1, arbitrary: fc.jsonValue() })

const inputs: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  'access/attributes/1.0': some({
    user: some({ clearance: word('public', 'internal', 'secret'), department: word('research', 'audit') }),
    record: some({ level: word('public', 'internal', 'secret'), department: word('research', 'sales') }),
    site: word('harbour'),
    minute: fc.integer({ min: 0, max: 1440 }),
  }),
  'access/roles/1.0': some({
    user: some({ roles: fc.array(word('admin', 'editor', 'reader')) }),
    action: word('read', 'update', 'delete'),
    resource: some({ type: word('article') }),
  }),
  'gaiax/didresolve/1.0': some({ did: word('did:web:example.org', 'did:web:example.org:users:alice', 'did:key:z') }),
  'gaiax/example/1.0': some({ message: word('hello world') }),
  'example/example/1.0': fc.jsonValue(),
  'shop/discount/1.0': some({ total: fc.integer({ max: 500 }), customer: word('gold', 'silver') }),
  'shop/discount/2.0': some({ total: fc.integer({ max: 500 }), customer: word('gold', 'silver') }),
}

const policies = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('/policy.rego'))
  .map((path) => path.slice(0, -'/policy.rego'.length))
  .toSorted()

it('every example policy is compared', () => {
  expect(policies).toEqual(Object.keys(inputs).toSorted())
})

describe.each(policies)('%s', (policy) => {
  const headers = { Authorization: 'Bearer abcdef' }
  let explainer: TestExplainer
  let served: LoadedPolicy
  let subject: Awaited<ReturnType<TestExplainer['subjectOf']>>

  beforeAll(async () => {
    const path = `${policy}/policy.rego`
    const text = read(path)
    const files = {
      [path]: text,
      ...(text.includes('lib.time_window') && { 'lib/time_window.rego': read('lib/time_window.rego') }),
    }
    const data = readdirSync(join(root, policy)).includes('data.json') ? read(`${policy}/data.json`) : '{}'
    explainer = await openExplainer()
    subject = await explainer.subjectOf(files, data)
    const parsed = await (await cachedOpa()).parse(text)
    if (!parsed.ok) throw new Error('it does not parse')
    const entry = entryModule(parsed.analysis.package, entryOf([parsed.analysis]))
    const isV0 = parsed.analysis.regoVersion === 0
    const named = Object.entries(files).map(([name, rego]) => [isV0 ? name.replace('.rego', '.v0.rego') : name, rego])
    const document = /doc := (.*)/.exec(entry.text)?.[1] ?? ''
    served = await load({ wasm: await compile({ files: Object.fromEntries(named), document }), data })
  })

  it('is explained as it is served', async () => {
    const mask = createMask({ input: undefined, headers })
    await fc.assert(
      fc.asyncProperty(fc.option(inputs[policy] ?? fc.jsonValue(), { nil: undefined }), async (input) => {
        const question = asked({ headers, ...(input === undefined ? {} : { input }) })
        const outcome = evaluateNow(served, question.input, contextOf(headers))
        const { decision, error, rules, notes } = await explainer.explain(subject, question)
        expect(notes).toEqual([])
        if (outcome.kind !== 'value')
          return expect(error?.code ?? 'undefined').toBe(outcome.kind === 'error' ? outcome.code : 'undefined')
        const value = JSON.parse(Buffer.from(outcome.json).toString()) as Record<string, unknown>
        expect(decision).toEqual({ value: mask.value(value) })
        for (const { rule, by, missing, ...rest } of rules.filter(({ rule }) => rule in value)) {
          expect(JSON.stringify('value' in rest ? rest.value : null)).toBe(JSON.stringify(mask.value(value[rule])))
          const isEmpty = typeof value[rule] === 'object' && Object.keys(value[rule] ?? {}).length === 0
          expect(isEmpty || by.length > 0, `${rule} was made by something`).toBe(true)
          for (const attempt of missing) expect(attempt.conditions.length).toBeGreaterThan(0)
        }
        return undefined
      }),
      { numRuns: 60 },
    )
  })
})

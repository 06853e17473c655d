import { beforeAll, describe, expect, it } from 'vitest'
import { evaluate } from './edict.ts'
import { rego, serveRepo, showSource, type ServedRepo } from './served-repo.ts'

const importing = (name: string) => `package shop.${name}\n\nimport data.lib.money\n\nwith_tax := money.taxed(100)\n`
const money = (rate: number) => `package lib.money\n\nimport data.lib.base\n\ntaxed(x) := base.add(x, ${rate})\n`

let served: ServedRepo

/** Which policies answer, and from which revision. */
const answers = async () => {
  const names = ['price', 'total', 'alone']
  const replies = await Promise.all(names.map((name) => evaluate(served.edict, `shop/${name}/1.0`)))
  return replies.map(({ text, headers }) => `${text} r${headers.get('x-policy-revision')}`)
}

beforeAll(async () => {
  served = await serveRepo({
    files: {
      'lib/base.rego': 'package lib.base\n\nadd(a, b) := a + b\n',
      'lib/money.rego': money(19),
      'shop/price/1.0/policy.rego': importing('price'),
      'shop/total/1.0/policy.rego': importing('total'),
      'shop/alone/1.0/policy.rego': rego('shop', 'alone', 'x := 1'),
    },
  })
})

describe('a shared module', () => {
  it('that changes rebuilds the policies that import it, directly or not, in one revision, and no others', async () => {
    const { release } = served
    expect(await answers()).toEqual(['{"with_tax":119} r1', '{"with_tax":119} r1', '{"x":1} r1'])
    expect((await release({ 'lib/money.rego': money(7) })).outcome).toMatchObject({ ok: true, revision: 2 })
    expect(await answers()).toEqual(['{"with_tax":107} r2', '{"with_tax":107} r2', '{"x":1} r1'])
    await release({ 'lib/base.rego': 'package lib.base\n\nadd(a, b) := (a + b) * 2\n' })
    expect(await answers()).toEqual(['{"with_tax":214} r3', '{"with_tax":214} r3', '{"x":1} r1'])
  })

  it('that is broken keeps its last good content: its importers go on, and follow changes of their own', async () => {
    const { edict, release } = served
    const { commit, outcome } = await release({ 'lib/money.rego': 'package lib.money\n\ntaxed(x) := }\n' })
    const finding = { code: 'rego_parse_error', file: 'lib/money.rego', line: 3, commit }
    expect(outcome.findings).toMatchObject([finding])
    expect((await showSource(edict)).json).toMatchObject({ reason: 'ValidationFailed', findings: [finding] })
    await release({ 'shop/price/1.0/policy.rego': importing('price').replace('100', '200') })
    expect(await answers()).toEqual(['{"with_tax":414} r4', '{"with_tax":214} r3', '{"x":1} r1'])
    await release({ 'lib/money.rego': money(0) })
    expect(await answers()).toEqual(['{"with_tax":400} r5', '{"with_tax":200} r5', '{"x":1} r1'])
    expect((await showSource(edict)).json).toMatchObject({ phase: 'Ready', findings: [] })
  })

  it('is what a policy may import, not another policy', async () => {
    const { release } = served
    const { outcome } = await release({
      'shop/alone/1.0/policy.rego': 'package shop.alone\n\nimport data.shop.price\n\nx := price.with_tax\n',
    })
    expect(outcome.findings).toMatchObject([{ code: 'imports_policy', file: 'shop/alone/1.0/policy.rego' }])
    expect((await answers())[2]).toBe('{"x":1} r1')
    await release({ 'shop/alone/1.0/policy.rego': rego('shop', 'alone', 'x := 1') })
  })
})

describe('a repository of Rego v0', () => {
  it('works, beside v1 too, and says so with a warning', async () => {
    const { edict, sync } = await serveRepo({
      files: {
        'gaiax/example/1.0/policy.rego':
          'package gaiax.example\n\ndefault allow = false\n\nallow {\n\tinput.message == "hello world"\n\thelper.ok[_] == 1\n}\n\nhelper = {"ok": [1]}\n',
        'gaiax/example/1.0/policy_test.rego':
          'package gaiax.example\n\ntest_allow { allow with input as {"message": "hello world"} }\n',
        'gaiax/modern/1.0/policy.rego':
          'package gaiax.modern\n\nimport data.old\n\nx contains y if some y in old.set\n',
        'old.rego': 'package old\n\nset[x] { x := [1, 2][_] }\n',
      },
    })
    expect((await evaluate(edict, 'gaiax/example/1.0', { message: 'hello world' })).json).toMatchObject({ allow: true })
    expect((await evaluate(edict, 'gaiax/modern/1.0')).text).toBe('{"x":[1,2]}')
    const { ok, findings } = await sync()
    expect(ok).toBe(true)
    expect(findings.map(({ code, severity, file }) => `${severity} ${code} ${file}`)).toEqual([
      'warning rego_v0 gaiax/example/1.0/policy.rego',
      'warning rego_v0 gaiax/example/1.0/policy_test.rego',
      'warning rego_v0 old.rego',
    ])
    expect((await showSource(edict)).json).toMatchObject({ phase: 'Ready', reason: 'Succeeded' })
  })
})

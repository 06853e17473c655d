import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { policyResource, scopedActions, targetActions } from '../../src/auth/actions.ts'
import type { Actor } from '../../src/auth/actor.ts'
import { createAuthz } from '../../src/auth/authz.ts'
import { defaultRules } from '../../src/auth/default-rules.ts'
import { rulesSchema } from '../../src/auth/rules.ts'
import { readFile } from '../../src/auth/yaml-file.ts'
import { explainAuthorization } from '../../src/explain/authorization.ts'
import { explanationText } from '../../src/explain/text.ts'
import { parse } from 'yaml'

const file = `groups:
  payments: [ann]
rules:
  - id: everybody-reads
    roles: [viewer]
    actions: [read]
    scope: any
  - { id: own-unprotected, groups: [payments], actions: [change, lock], scope: { is: unprotected, own_groups: true } }
  - id: operators-apply
    roles: [operator]
    actions: [apply]
    target_scope: { patterns: ["payments/**"] }
  - { id: heads, roles: [head], actions: [unlock], scope: any }
four_eyes:
  - "shop/**"
  - "payments/**"
`
const protectedKeys = ['payments/core/**']
const person = (id: string, roles: readonly string[] = [], groups: readonly string[] = []): Actor => ({
  id,
  kind: 'token',
  roles,
  groups,
})

const lineOf = (path: readonly PropertyKey[]): number => {
  const read = readFile({ text: file, file: 'authz.yaml', schema: rulesSchema, code: 'authz_invalid' })
  return 'value' in read ? read.placeOf(path).line : 0
}

const explain = (actor: Actor, action: (typeof scopedActions)[number] | 'apply', key: string, by?: readonly string[]) =>
  explainAuthorization({
    rules: rulesSchema.parse(parse(file)),
    protectedKeys,
    question: { actor, action, resources: [policyResource(key, by)] },
    placeOf: (path) => ({ file: 'authz.yaml', line: lineOf(path) }),
  })

describe('why an actor may or may not', () => {
  it('names the rule that allows it, with its line', async () => {
    const answer = await explain(person('ann'), 'change', 'payments/fees/1.0')
    expect(explanationText(answer)).toBe(`ann may change payments/fees/1.0 is true
  by authz.yaml:8  rule own-unprotected`)
  })

  it('names of each rule what is missing, the one that lacks least first', async () => {
    const answer = await explain(person('ann', ['viewer']), 'change', 'payments/core/1.0')
    expect(explanationText(answer)).toBe(`ann may change payments/core/1.0 is false
  by edict.authz:1  rule edict:default
  not by authz.yaml:4  rule everybody-reads  (1 condition failed)
    authz.yaml:4  actions: read
      action is "change"
  not by authz.yaml:8  rule own-unprotected  (1 condition failed)
    authz.yaml:8  scope: {"is":"unprotected","own_groups":true}
      key is "payments/core/1.0"
      group is "payments"
      protected is ["payments/core/**"]
  not by authz.yaml:9  rule operators-apply  (2 conditions failed)
    authz.yaml:9  actions: apply
      action is "change"
    authz.yaml:9  roles: operator
      actor is "ann"
      roles is ["viewer"]
      groups is ["payments"]
  not by authz.yaml:13  rule heads  (2 conditions failed)
    authz.yaml:13  actions: unlock
      action is "change"
    authz.yaml:13  roles: head
      actor is "ann"
      roles is ["viewer"]
      groups is ["payments"]`)
  })

  describe('where four eyes are asked for', () => {
    const unlock = (by?: readonly string[]) => explain(person('pia', ['head']), 'unlock', 'payments/fees/1.0', by)

    it('says that who locked does not unlock, with the line that asks for it', async () => {
      const answer = await unlock(['pia'])
      expect(explanationText(answer)).toContain(`pia may unlock payments/fees/1.0 is false
  by authz.yaml:16  four_eyes: payments/**
    actor is "pia"
    who locked payments/fees/1.0 is "pia"
  not by authz.yaml:13  rule heads  (1 condition failed)
    authz.yaml:16  four_eyes: payments/**
      actor is "pia"
      who locked payments/fees/1.0 is "pia"
  not by`)
      expect(answer).toMatchObject({ decision: { value: false }, notes: [] })
    })

    it('knows people by their addresses', async () => {
      const answer = await explain(
        { ...person('pia', ['head']), emails: ['pia@x.org'] },
        'unlock',
        'payments/fees/1.0',
        ['PIA@x.org'],
      )
      expect(explanationText(answer)).toContain(`by authz.yaml:16  four_eyes: payments/**
    actor is "pia"
    emails is ["pia@x.org"]
    who locked payments/fees/1.0 is "PIA@x.org"`)
    })

    it('says nothing of it when another one did', async () => {
      expect(explanationText(await unlock(['ann']))).toBe(
        'pia may unlock payments/fees/1.0 is true\n  by authz.yaml:13  rule heads',
      )
    })

    it('states the condition when it is not known who did', async () => {
      expect(explanationText(await unlock())).toBe(`pia may unlock payments/fees/1.0 is true
  by authz.yaml:13  rule heads
note: who locked it does not unlock it: four_eyes, payments/** (authz.yaml:16); who that is was not said`)
    })

    it('has nothing to do with other actions', async () => {
      expect(explanationText(await explain(person('ann'), 'lock', 'payments/fees/1.0', ['ann']))).toBe(
        'ann may lock payments/fees/1.0 is true\n  by authz.yaml:8  rule own-unprotected',
      )
    })
  })

  it('says what the gate says, whoever asks for whatever', async () => {
    const word = (...words: readonly string[]) => fc.constantFrom(...words)
    const names = (...words: readonly string[]) => fc.uniqueArray(word(...words))
    const asked = fc.record({
      id: word('ann', 'bob'),
      roles: names('viewer', 'author', 'operator', 'superuser'),
      groups: names('payments', 'core'),
      action: fc.constantFrom(...scopedActions, ...targetActions, 'admin' as const),
      key: word('payments/fees/1.0', 'payments/core/1.0', 'core/x/2'),
    })
    const authz = await createAuthz({ rules: defaultRules, protectedKeys })
    await fc.assert(
      fc.asyncProperty(asked, async ({ id, roles, groups, action, key }) => {
        const question = { actor: person(id, roles, groups), action, resources: [policyResource(key)] }
        const placeOf = ([, line]: readonly [unknown, number]) => ({ file: 'rules', line })
        const { decision, rules } = await explainAuthorization({
          rules: defaultRules,
          protectedKeys,
          question,
          placeOf,
        })
        expect(decision).toEqual({ value: authz.decide(question).allow })
        const missing = rules.flatMap((rule) => rule.missing)
        expect(missing.length).toBe(decision?.value === true ? 0 : defaultRules.rules.length)
      }),
      { numRuns: 15 },
    )
  })
})

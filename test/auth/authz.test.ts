import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { patternExpression } from '../../src/auth/authz-data.ts'
import { authzWasm } from '../../src/auth/authz-wasm.ts'
import { authzEntrypoint, createAuthz } from '../../src/auth/authz.ts'
import { auditResource, authzResource, policyResource, sourceResource } from '../../src/auth/actions.ts'
import { defaultRules } from '../../src/auth/default-rules.ts'
import { createGate } from '../../src/auth/gate.ts'
import { parseRulesFile } from '../../src/auth/rules-file.ts'
import { rulesSchema } from '../../src/auth/rules.ts'
import { coversId } from '../../src/policy/scope.ts'
import { realOpa } from '../opa/opa-for-tests.ts'
import { person as actor } from '../setup/actors.ts'

const author = actor('ann', { roles: ['author'], groups: ['payments'] })
const operator = actor('olaf', { roles: ['operator'] })

const gateOf = async (written: unknown, protectedKeys: readonly string[] = []) => {
  const authz = await createAuthz({ rules: rulesSchema.parse(written), protectedKeys })
  return createGate({ authz: async () => authz, mode: () => 'required' })
}

it('the shipped module is what opa builds of the shipped policy: npm run authz', async () => {
  const text = readFileSync('src/auth/authz.rego', 'utf8')
  const built = await realOpa().build([{ path: 'authz.rego', text, regoVersion: 1 }], authzEntrypoint)
  if (!built.ok) throw new Error(built.errors[0]?.message)
  expect(gunzipSync(Buffer.from(authzWasm, 'base64')).equals(built.wasm)).toBe(true)
})

it('a pattern means the same as in the scope of a source', () => {
  const step = fc.constantFrom('a', 'b', 'a.b', '*', 'a*', '**', 'x+y')
  const path = fc.array(fc.constantFrom('a', 'b', 'ab', 'a.b', 'axb', 'x+y', 'xxy'), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 4 }), path, (steps, key) => {
      const pattern = steps.join('/')
      expect([pattern, key, new RegExp(patternExpression(pattern)).test(key.join('/'))]).toEqual([
        pattern,
        key,
        coversId([pattern], key.join('/')),
      ])
    }),
    { numRuns: 3000 },
  )
})

describe('without a rules file', () => {
  const opened = createAuthz({ rules: defaultRules, protectedKeys: ['rbac/**', 'payments/core/**'] })
  const decide = async (who: ReturnType<typeof actor>, action: Parameters<typeof ask>[1], key: string) =>
    ask(who, action, key)
  const ask = async (
    who: ReturnType<typeof actor>,
    action: 'read' | 'change' | 'lock' | 'unlock' | 'apply' | 'token' | 'admin',
    key: string,
  ) => {
    const { allow, rules } = (await opened).decide({ actor: who, action, resources: [policyResource(key)] })
    return [allow, rules]
  }

  it('an author may change and lock what is of the own groups, and not what is protected', async () => {
    expect(await decide(author, 'change', 'payments/limit/1.0')).toEqual([true, ['author']])
    expect(await decide(author, 'lock', 'payments/limit/1.0')).toEqual([true, ['author']])
    expect(await decide(author, 'lock', 'payments/core/1.0')).toEqual([false, ['edict:default']])
    expect(await decide(author, 'change', 'shop/discount/1.0')).toEqual([false, ['edict:default']])
    expect(await decide(author, 'read', 'shop/discount/1.0')).toEqual([true, ['viewer']])
  })

  it('an operator may lock and apply anything, and give nobody a token', async () => {
    expect(await decide(operator, 'lock', 'payments/core/1.0')).toEqual([true, ['operator']])
    expect(await decide(operator, 'apply', 'rbac/core/1.0')).toEqual([true, ['operator-sync']])
    expect(await decide(operator, 'token', 'someone')).toEqual([false, ['edict:default']])
    expect(await decide(operator, 'admin', 'audit')).toEqual([false, ['edict:default']])
  })

  it('an actor without a role may do nothing', async () => {
    expect(await decide(actor('nobody'), 'read', 'shop/discount/1.0')).toEqual([false, ['edict:default']])
  })
})

describe('the gate', () => {
  const rules = {
    groups: { platform: ['alice'], payments: ['bob'] },
    rules: [
      { id: 'platform', groups: ['platform'], actions: ['lock', 'unlock', 'token'], scope: 'any' },
      { id: 'payments', groups: ['payments'], actions: ['lock', 'unlock'], scope: { patterns: ['payments/**'] } },
      {
        id: 'payments-tokens',
        groups: ['payments'],
        actions: ['token'],
        scope: { patterns: ['ci-*'] },
      },
      { id: 'payments-apply', groups: ['payments'], actions: ['apply', 'approve'], target_scope: 'unprotected' },
    ],
    four_eyes: ['payments/**'],
  }

  it('names the rule that decided', async () => {
    const enforce = await gateOf(rules, ['rbac/**'])
    const lock = policyResource('shop/discount/1.0')
    expect(await enforce(actor('alice'), 'lock', lock)).toMatchObject({ id: 'alice' })
    await expect(enforce(actor('bob'), 'lock', lock)).rejects.toMatchObject({
      code: 'forbidden',
      message: 'bob may not lock shop/discount/1.0: outside the scope of payments (edict:default)',
    })
    await expect(enforce(actor('carol'), 'lock', lock)).rejects.toMatchObject({
      message: 'carol may not lock shop/discount/1.0: no rule gives this actor that action (edict:default)',
    })
  })

  it('denies when nobody says who acts', async () => {
    const enforce = await gateOf(rules)
    await expect(enforce(null, 'lock', policyResource('a/b/1'))).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  it('allows nothing of a change when one part of it is not allowed', async () => {
    const enforce = await gateOf(rules, ['rbac/**'])
    const both = [policyResource('payments/pay/1'), policyResource('rbac/core/1')]
    await expect(enforce(actor('bob'), 'apply', both)).rejects.toMatchObject({
      message: 'bob may not apply rbac/core/1: outside the scope of payments-apply (edict:default)',
    })
    await expect(enforce(actor('bob'), 'apply', [])).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('who made a change does not approve it, and who locked does not unlock, where four eyes are asked for', async () => {
    const enforce = await gateOf(rules)
    const own = policyResource('payments/pay/1', ['bob'])
    await expect(enforce(actor('bob'), 'approve', own)).rejects.toMatchObject({
      message: 'bob may not approve payments/pay/1: who made it must not be who lets it through (edict:four-eyes)',
    })
    await expect(enforce(actor('bob'), 'unlock', own)).rejects.toMatchObject({ code: 'forbidden' })
    await enforce(actor('alice'), 'unlock', own)
    await enforce(actor('bob'), 'approve', policyResource('payments/pay/1', ['alice']))
    await enforce(actor('alice'), 'unlock', policyResource('shop/discount/1', ['alice']))
  })

  it('whoever is known by the address of a commit does not approve it, in any case of its letters', async () => {
    const enforce = await gateOf({ ...rules, emails: { alice: ['Alice@Example.org'] } })
    const plan = policyResource('payments/pay/1', ['ALICE@example.org', 'carol@example.org', 'bob@example.org'])
    const refused = { message: expect.stringContaining('(edict:four-eyes)') }
    await expect(enforce(actor('alice'), 'approve', plan)).rejects.toMatchObject(refused)
    const carol = actor('login-carol', { groups: ['payments'], kind: 'oidc', emails: ['Carol@example.org'] })
    await expect(enforce(carol, 'approve', plan)).rejects.toMatchObject(refused)
    const bob = actor('BOB@example.org', { groups: ['payments'] })
    await expect(enforce(bob, 'approve', plan)).rejects.toMatchObject(refused)
    await enforce(actor('bob'), 'approve', plan)
    await enforce(carol, 'approve', policyResource('payments/pay/1', ['alice@example.org']))
    await enforce(carol, 'approve', policyResource('shop/discount/1', ['carol@example.org']))
  })

  it('who may make some tokens only gives away no role that he has not', async () => {
    const enforce = await gateOf(rules)
    const token = (roles: readonly string[], groups: readonly string[] = []) =>
      ({ kind: 'token', key: 'ci-pay', roles, groups }) as const
    const bob = actor('bob', { roles: ['author'] })
    await enforce(bob, 'token', token(['author'], ['payments']))
    await expect(enforce(bob, 'token', token(['superuser']))).rejects.toMatchObject({ code: 'forbidden' })
    await expect(enforce(bob, 'token', token([], ['platform']))).rejects.toMatchObject({ code: 'forbidden' })
    await enforce(actor('alice'), 'token', token(['superuser'], ['platform']))
  })

  it('Edict itself may apply, a forge wake its own source alone, whatever the rules say', async () => {
    const enforce = await gateOf(rules)
    await enforce(actor('system:sync', { kind: 'system' }), 'apply', policyResource('shop/x/1'))
    const forge = actor('webhook:shop', { kind: 'webhook' })
    await enforce(forge, 'source', sourceResource('shop'))
    await expect(enforce(forge, 'source', sourceResource('platform'))).rejects.toMatchObject({ code: 'forbidden' })
    await expect(enforce(forge, 'apply', sourceResource('shop'))).rejects.toMatchObject({ code: 'forbidden' })
    const file = actor('system:authz', { kind: 'system' })
    await enforce(file, 'admin', authzResource)
    await expect(enforce(file, 'admin', auditResource)).rejects.toMatchObject({ code: 'forbidden' })
    // The name alone is nothing.
    await expect(enforce(actor('system:authz'), 'admin', authzResource)).rejects.toMatchObject({ code: 'forbidden' })
    await expect(enforce(actor('system:sync'), 'apply', policyResource('rbac/core/1'))).rejects.toMatchObject({
      code: 'forbidden',
    })
  })
})

describe('a rule that does not say what it is about is refused', () => {
  const problem = (rule: object): string | undefined =>
    rulesSchema.safeParse({ rules: [{ id: 'one', roles: ['x'], ...rule }] }).error?.issues[0]?.message

  it.each([
    [{ actions: ['lock'] }, 'lock needs a scope'],
    [{ actions: ['apply'] }, 'apply needs a target_scope'],
    [{ actions: ['lock'], target_scope: 'any' }, 'lock takes a scope, not a target_scope'],
    [{ actions: ['apply'], scope: 'any' }, 'apply takes a target_scope, not a scope'],
    [{ actions: ['lock'], scope: 'any', target_scope: 'any' }, 'has both scope and target_scope'],
    [{ actions: ['admin'], scope: 'any' }, 'admin takes no scope'],
    [
      { actions: ['lock', 'apply'], scope: 'any' },
      'has actions of different kinds, which need rules of their own: lock (scope); apply (target_scope)',
    ],
    [{ actions: ['lock'], scope: 'any', roles: [] }, 'names nobody: give actors, roles or groups'],
  ])('%j', (rule, message) => {
    expect(problem(rule)).toBe(message)
  })
})

it('the example in the documentation is valid', () => {
  const page = readFileSync('docs/authorization.md', 'utf8')
  const example = /```yaml\n(# authz\.yaml\n[^]*?)```/.exec(page)?.[1] ?? ''
  const { findings, rules } = { findings: [], rules: undefined, ...parseRulesFile(example, 'authz.yaml') }
  expect(findings).toEqual([])
  expect(rules?.rules.map(({ id }) => id)).toContain('payments-deploys')
})

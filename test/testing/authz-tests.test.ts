import { describe, expect, it } from 'vitest'
import { createAuthz } from '../../src/auth/authz.ts'
import { rulesSchema } from '../../src/auth/rules.ts'
import { parseAuthzTests } from '../../src/auth/tests-file.ts'
import { runAuthzTests } from '../../src/testing/authz-tests.ts'

const rules = rulesSchema.parse({
  groups: { pay: ['ann'] },
  rules: [
    { id: 'own', groups: ['pay'], actions: ['lock', 'unlock'], scope: { is: 'unprotected', own_groups: true } },
    { id: 'rbac', actors: ['ann'], actions: ['change'], scope: { patterns: ['rbac/**', 'lib/**'] } },
    { id: 'tokens', groups: ['pay'], actions: ['token'], scope: { patterns: ['ci-*'] } },
    { id: 'read', roles: ['viewer'], actions: ['read', 'evaluate'], scope: 'any' },
    { id: 'plans', roles: ['viewer'], actions: ['approve', 'source'], target_scope: 'any' },
    { id: 'admin', roles: ['boss'], actions: ['admin'] },
  ],
  four_eyes: ['shop/**'],
})

const run = async (written: string): Promise<readonly string[]> => {
  const authz = await createAuthz({ rules, protectedKeys: ['pay/core/**'] })
  const parsed = parseAuthzTests(`cases:\n  - { name: it, ${written} }\n`, 'authz.tests.yaml')
  if ('findings' in parsed) throw new Error(parsed.findings[0]?.message)
  const places: Readonly<Record<string, string>> = { own: 'authz.yaml:4:5', read: 'authz.yaml:9:5' }
  const placeOf = (rule: string) => places[rule]
  const [result] = runAuthzTests({ authz, cases: parsed.cases, file: 'authz.tests.yaml', placeOf })
  const lines = result?.mismatches.map(({ path, expected, actual }) => `${path}: ${expected}, not ${actual}`)
  return [result?.status ?? '', ...(lines ?? [])]
}

describe('a case of an authorization file', () => {
  it.each([
    'actor: ann, action: lock, resource: { policy: pay/fees/1.0 }, expect: allow',
    'actor: ann, action: lock, resource: { policy: pay/fees/1.0 }, expect: { decision: allow, rule: own }',
    'actor: ann, action: lock, resource: { policy: pay/core/1.0 }, expect: { decision: deny, rule: edict:default }',
    'actor: { id: eve, groups: [pay] }, action: lock, resource: { policy: pay/fees/1.0 }, expect: allow',
    'actor: { id: eve, roles: [viewer] }, action: read, resource: { policy: "*" }, expect: { decision: allow, rule: read }',
    'actor: { id: eve, roles: [viewer] }, action: evaluate, resource: { group: pay }, expect: allow',
    'actor: { id: eve, roles: [viewer] }, action: source, resource: { source: platform }, expect: allow',
    'actor: { id: eve, roles: [viewer] }, action: approve, resource: { plan: p1, by: [bob] }, expect: allow',
    'actor: { id: eve, roles: [viewer] }, action: approve, resource: { policy: shop/x/1, by: [eve] }, expect: { decision: deny, rule: edict:four-eyes }',
    'actor: { id: eve, roles: [viewer], emails: [Eve@x.org] }, action: approve, resource: { policy: shop/x/1, by: [eve@X.org] }, expect: { decision: deny, rule: edict:four-eyes }',
    'actor: { id: eve, roles: [boss] }, action: admin, resource: { audit: true }, expect: { decision: allow, rule: admin }',
    'actor: ann, action: change, resource: { rule: shop }, expect: { decision: allow, rule: rbac }',
    'actor: ann, action: change, resource: { module: lib/time }, expect: { decision: allow, rule: rbac }',
    'actor: ann, action: change, resources: [{ module: lib/time }, { module: core/x }], expect: deny',
    'actor: ann, action: token, resource: { token: ci-pay, groups: [pay] }, expect: { decision: allow, rule: tokens }',
    'actor: ann, action: token, resource: { token: ci-pay, roles: [boss] }, expect: deny',
    'actor: ann, action: lock, expect: allow',
    'actor: system:sync, action: source, resource: { source: platform }, expect: deny',
  ])('%s', async (written) => {
    expect(await run(written)).toEqual(['passed'])
  })

  it('that is decided otherwise tells the rule and where it stands', async () => {
    expect(await run('actor: ann, action: lock, resource: { policy: pay/fees/1.0 }, expect: deny')).toEqual([
      'failed',
      'decision: deny, not allow by own (authz.yaml:4:5)',
    ])
    expect(await run('actor: ann, action: lock, resource: { policy: shop/fees/1.0 }, expect: allow')).toEqual([
      'failed',
      'decision: allow, not deny by edict:default: outside the scope of own (authz.yaml:4:5)',
    ])
  })

  it('that is decided by another rule tells both', async () => {
    const asked = 'actor: { id: ann, roles: [viewer] }, action: read, resource: { policy: pay/fees/1.0 }'
    expect(await run(`${asked}, expect: { decision: allow, rule: own }`)).toEqual([
      'failed',
      'rule: own (authz.yaml:4:5), not read (authz.yaml:9:5)',
    ])
    expect(await run(`${asked}, expect: { decision: deny, rule: reads }`)).toEqual([
      'failed',
      'decision: deny, not allow by read (authz.yaml:9:5)',
      'rule: reads (there is no such rule), not read (authz.yaml:9:5)',
    ])
  })
})

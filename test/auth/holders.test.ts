import { expect, it } from 'vitest'
import { policyResource } from '../../src/auth/actions.ts'
import { createAuthz } from '../../src/auth/authz.ts'
import { defaultRules } from '../../src/auth/default-rules.ts'
import { makersOf } from '../../src/auth/holders.ts'
import { rulesSchema } from '../../src/auth/rules.ts'

const rules = rulesSchema.parse({
  groups: { payments: ['bob'] },
  rules: [
    { id: 'all', roles: ['operator'], actions: ['approve', 'apply'], target_scope: 'any' },
    { id: 'ours', groups: ['payments'], actions: ['approve'], target_scope: { patterns: ['payments/**'] } },
    { id: 'own', roles: ['lead'], actions: ['approve'], target_scope: { is: 'unprotected', own_groups: true } },
    { id: 'one', actors: ['eve'], actions: ['approve'], target_scope: 'protected' },
    { id: 'readers', roles: ['viewer'], actions: ['read'], scope: 'any' },
  ],
  four_eyes: ['payments/**'],
})
const opened = createAuthz({ rules, protectedKeys: ['payments/core/**'] })
const touched = [policyResource('payments/core/1.0', ['ann']), policyResource('shop/price/1.0', ['ann'])]

it('names every rule that gives an action, and what of the things asked about each does not cover', async () => {
  const holders = (await opened).holders('approve', touched)
  expect(holders).toEqual([
    { rule: 'all', actors: [], roles: ['operator'], groups: [], ownGroups: null, uncovered: [] },
    { rule: 'ours', actors: [], roles: [], groups: ['payments'], ownGroups: null, uncovered: ['shop/price/1.0'] },
    {
      rule: 'own',
      actors: [],
      roles: ['lead'],
      groups: [],
      ownGroups: ['payments', 'shop'],
      uncovered: ['payments/core/1.0'],
    },
    { rule: 'one', actors: ['eve'], roles: [], groups: [], ownGroups: null, uncovered: ['shop/price/1.0'] },
  ])
})

it('names who made it only where four eyes are asked for', async () => {
  const { decide } = await opened
  expect(makersOf(touched, decide)).toEqual(['ann'])
  expect(makersOf([policyResource('shop/price/1.0', ['ann'])], decide)).toEqual([])
  const shipped = await createAuthz({ rules: defaultRules, protectedKeys: [] })
  expect(makersOf(touched, shipped.decide)).toEqual([])
})

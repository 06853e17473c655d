/** Tests beside shared modules in a cycle's build: on real opa and the real engine. */
import { beforeAll, describe, expect, it } from 'vitest'
import { extensions } from '../../extensions/index.ts'
import type { CachedOpa } from '../../src/opa/cached.ts'
import { createTester, type Tester } from '../../src/testing/tester.ts'
import { cachedOpa } from '../opa/opa-for-tests.ts'
import { createWorld, fragment, shown, type Files, type World } from './build/built-world.ts'

let opa: CachedOpa

beforeAll(async () => {
  opa = await cachedOpa()
})

const worldWith = (tester: Tester = createTester({ extensions })) => createWorld(opa, { tester })
const limits = (most: number): Files => ({ 'lib/limits.rego': `package lib.limits\n\nmost := ${most}\n` })
const expecting = (most: number): Files => ({
  'lib/limits_test.rego': `package lib.limits_test\n\nimport data.lib.limits\n\ntest_most if limits.most == ${most}\n`,
})
const price: Files = { 'shop/price/1.0/policy.rego': 'package shop.price\n\na := data.lib.limits.most\n' }
const main = (...files: readonly Files[]) => fragment('main', Object.assign({}, ...files) as Files)
const textOf = ({ modules }: World, id: string) => modules.get(`main:${id}.rego`)?.text
const phaseOf = ({ modules }: World, id: string) => modules.get(`main:${id}.rego`)?.status.phase

describe('a shared module is published when its tests pass', () => {
  it('one whose test fails keeps its last good content, and so does what uses it', async () => {
    const world = worldWith()
    await world.apply([main(limits(5), expecting(5), price)])
    const good = world.policies.get('shop/price/1.0')?.digest
    const built = await world.apply([main(limits(6), expecting(5), price)])
    expect(built.findings.get('main')).toMatchObject([
      {
        code: 'test_failed',
        file: 'lib/limits_test.rego',
        line: 5,
        message: 'data.lib.limits_test.test_most: it is not true',
      },
    ])
    expect([textOf(world, 'lib/limits'), phaseOf(world, 'lib/limits')]).toEqual([
      limits(5)['lib/limits.rego'],
      'Quarantined',
    ])
    expect(world.policies.get('shop/price/1.0')).toMatchObject({ digest: good, status: { phase: 'Ready' } })
    expect(built.tests.flatMap(({ key, results }) => results.map(({ status }) => `${key} ${status}`))).toEqual([
      'module:lib/limits_test failed',
    ])
  })

  it('is published once they pass again', async () => {
    const world = worldWith()
    await world.apply([main(limits(5), expecting(5))])
    await world.apply([main(limits(6), expecting(5))])
    const built = await world.apply([main(limits(6), expecting(6))])
    expect([shown(built), textOf(world, 'lib/limits'), phaseOf(world, 'lib/limits')]).toEqual([
      [],
      limits(6)['lib/limits.rego'],
      'Ready',
    ])
  })

  it('a test that changes alone and fails changes nothing that is in force', async () => {
    const world = worldWith()
    await world.apply([main(limits(5), expecting(5), price)])
    const built = await world.apply([main(limits(5), expecting(6), price)])
    expect([shown(built), built.changesForce, phaseOf(world, 'lib/limits')]).toEqual([
      ['test_failed lib/limits_test.rego:5'],
      false,
      'Quarantined',
    ])
  })

  it('one that never was good is not published, and everything else is', async () => {
    const world = worldWith()
    const other: Files = { 'shop/tax/1.0/policy.rego': 'package shop.tax\n\na := 1\n' }
    const built = await world.apply([main(limits(5), expecting(6), other)])
    expect([shown(built), textOf(world, 'lib/limits')]).toEqual([['test_failed lib/limits_test.rego:5'], undefined])
    expect(world.policies.get('shop/tax/1.0')?.status.phase).toBe('Ready')
  })

  it('a test that does not compile against it keeps it back', async () => {
    const world = worldWith()
    await world.apply([main(limits(5), expecting(5))])
    const renamed = { 'lib/limits.rego': 'package lib.limits\n\nlargest := 5\n' }
    const built = await world.apply([main(renamed, expecting(5))])
    expect([shown(built).length, textOf(world, 'lib/limits')]).toEqual([1, limits(5)['lib/limits.rego']])
  })

  it('the part of the package alone is kept back, and the tests of others are run again beside it', async () => {
    const world = worldWith()
    const rate = (of: number): Files => ({
      'lib/rate.rego': `package lib.rate\n\nrate := data.lib.limits.most * ${of}\n`,
      'lib/rate_test.rego': `package lib.rate_test\n\ntest_rate if data.lib.rate.rate == ${6 * of}\n`,
    })
    const tax: Files = {
      'lib/tax.rego': 'package lib.tax\n\nx := 1\n',
      'lib/tax_test.rego': 'package lib.tax_test\n\ntest_x if data.lib.tax.x > 0\n',
    }
    await world.apply([main(limits(6), expecting(6), rate(1), tax)])
    const changed = { ...tax, 'lib/tax.rego': 'package lib.tax\n\nx := 2\n' }
    // Good beside the new limits, and not beside those that stay.
    const new7 = {
      'lib/rate.rego': 'package lib.rate\n\nrate := data.lib.limits.most * 2\n',
      'lib/rate_test.rego': 'package lib.rate_test\n\ntest_rate if data.lib.rate.rate == 14\n',
    }
    const built = await world.apply([main(limits(7), expecting(6), new7, changed)])
    expect(shown(built)).toEqual(['test_failed lib/limits_test.rego:5', 'test_failed lib/rate_test.rego:3'])
    expect([textOf(world, 'lib/limits'), textOf(world, 'lib/rate'), textOf(world, 'lib/tax')]).toEqual([
      limits(6)['lib/limits.rego'],
      rate(1)['lib/rate.rego'],
      changed['lib/tax.rego'],
    ])
  })

  it('is about the modules that it refers to where none has its name', async () => {
    const world = worldWith()
    const test: Files = { 'checks/all_test.rego': 'package checks\n\ntest_all if data.lib.limits.most == 5\n' }
    await world.apply([main(limits(5), test)])
    const built = await world.apply([main(limits(6), test)])
    expect([shown(built), textOf(world, 'lib/limits')]).toEqual([
      ['test_failed checks/all_test.rego:3'],
      limits(5)['lib/limits.rego'],
    ])
  })

  it('where the tests of its source are switched off it is published untested', async () => {
    const world = worldWith(createTester({ extensions, off: new Set(['main']) }))
    const built = await world.apply([main(limits(6), expecting(5))])
    expect([shown(built), phaseOf(world, 'lib/limits')]).toEqual([[], 'Ready'])
  })

  it('are run again only when something that they reach has changed', async () => {
    let runs = 0
    const inner = createTester({ extensions })
    const world = worldWith({ ...inner, test: (subject) => (runs++, inner.test(subject)) })
    const other = (a: number): Files => ({ 'lib/other.rego': `package lib.other\n\na := ${a}\n` })
    await world.apply([main(limits(5), expecting(5), other(1))])
    const same = await world.apply([main(limits(5), expecting(5), other(1))])
    await world.apply([main(limits(5), expecting(5), other(2))])
    expect([runs, same.tests, same.changesForce]).toEqual([1, [], false])
    await world.apply([main(limits(6), expecting(6), other(2))])
    expect(runs).toBe(2)
  })

  it('told only, as on the command line, they keep nothing back', async () => {
    const world = worldWith()
    await world.apply([main(limits(5), expecting(5))])
    const built = await world.apply([main(limits(6), expecting(5))], { testModules: 'tell' })
    expect([shown(built), textOf(world, 'lib/limits')]).toEqual([
      ['test_failed lib/limits_test.rego:5'],
      limits(6)['lib/limits.rego'],
    ])
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  coversModule,
  coversPackage,
  coversPath,
  coversPolicy,
  dataOutside,
  emptyScope,
  showScope,
} from '../../src/policy/scope.ts'

const policies = (...patterns: string[]) => ({ ...emptyScope, policies: patterns })
const modules = (...patterns: string[]) => ({ ...emptyScope, modules: patterns })
const data = (...patterns: string[]) => ({ ...emptyScope, data: patterns })

describe('a pattern of a scope', () => {
  it.each([
    ['gaiax/**', 'gaiax/x/1.0', true],
    ['gaiax/**', 'gaiaxy/x/1.0', false],
    ['gaiax/*', 'gaiax/x/1.0', false],
    ['gaiax/*/*', 'gaiax/x/1.0', true],
    ['**', 'gaiax/x/1.0', true],
    ['**/1.0', 'gaiax/x/1.0', true],
    ['**/1.0', 'gaiax/x/2.0', false],
    ['gaiax/**/1.0', 'gaiax/x/1.0', true],
    ['gaiax/pre-*/1.*', 'gaiax/pre-x/1.5', true],
    ['gaiax/pre-*/1.*', 'gaiax/prex/1.5', false],
    ['*x*/a*b*c/1', 'gaiax/a-b-c/1', true],
    ['*x*/a*b*c/1', 'gaiax/acb/1', false],
    ['a*a/b/c', 'a/b/c', false],
    ['gaiax/x/1.0', 'gaiax/x/1.0', true],
    ['gaiax/x/1?0', 'gaiax/x/1.0', false],
    ['', 'gaiax/x/1.0', false],
  ])('%s covers %s: %s', (pattern, key, isCovered) => {
    expect(coversPolicy(policies(pattern), key)).toBe(isCovered)
  })

  it('that ends in /** covers what lies below and not the place itself', () => {
    expect(coversModule(modules('lib/**'), 'lib/a/b')).toBe(true)
    expect(coversModule(modules('lib/**'), 'lib')).toBe(false)
  })

  it('covers the test of a module with the module', () => {
    expect(coversModule(modules('rbac/core'), 'rbac/core_test')).toBe(true)
    expect(coversModule(modules('rbac/core'), 'rbac/other_test')).toBe(false)
  })

  it('answers in linear time whatever the pattern', () => {
    const deep = Array.from({ length: 200 }, () => 'a').join('/')
    expect(coversModule(modules(`${'**/a/'.repeat(50)}b`), deep)).toBe(false)
    expect(coversModule(modules(`${'*a'.repeat(200)}b`), 'a'.repeat(5_000))).toBe(false)
  })

  const segment = fc.stringMatching(/^[a-c]{1,3}$/)
  const id = fc.array(segment, { minLength: 1, maxLength: 4 })
  const step = fc.oneof(segment, fc.constant('*'), fc.constant('**'), fc.stringMatching(/^[a-c]?\*[a-c]?$/))

  it('means what the same regular expression means', () => {
    const asRegExp = (steps: readonly string[]) => {
      const last = steps.length - 1
      const parts = steps.map((one, at) => {
        if (one !== '**') return `${one.replaceAll('*', '[^/]*')}/`
        return at === last && last > 0 ? '([^/]+/)+' : '([^/]+/)*'
      })
      return new RegExp(`^${parts.join('')}$`)
    }
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 4 }), id, (steps, segments) => {
        expect(coversModule(modules(steps.join('/')), segments.join('/'))).toBe(
          asRegExp(steps).test(`${segments.join('/')}/`),
        )
      }),
    )
  })

  it('over data covers all below the paths that it matches, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 3 }), id, (steps, path) => {
        const pattern = steps.join('/')
        const above = path.map((_, depth) => path.slice(0, depth + 1))
        const isCovered = above.some((prefix) => coversModule(modules(pattern), prefix.join('/')))
        expect(coversPath([pattern], path)).toBe(isCovered || coversPath([pattern], []))
      }),
    )
  })
})

describe('a package', () => {
  it.each([
    ['rbac/core', ['rbac'], true],
    ['rbac/core', ['rbac', 'core'], true],
    ['rbac/core', ['rbac', 'other'], false],
    ['lib/**', ['lib', 'money', 'tax'], true],
    ['lib/**', ['rbac'], false],
    ['**', ['anything'], true],
  ])('with modules %s may be %s: %s', (pattern, path, may) => {
    expect(coversPackage(modules(pattern), path)).toBe(may)
  })
})

describe('a data document', () => {
  it.each([
    ['at the path', ['roles'], ['roles'], '{"x":1}', undefined],
    ['below it', ['roles'], ['roles', 'admin'], '{"x":1}', undefined],
    ['above it with nothing else', ['roles'], [], '{"roles":{"x":1}}', undefined],
    ['above it with something else', ['roles'], [], '{"roles":{},"limits":{}}', ['limits']],
    ['deep above it', ['a/b/c'], ['a'], '{"b":{"c":1,"d":2}}', ['a', 'b', 'd']],
    ['above it where a value stands in place of an object', ['a/b/c'], ['a'], '{"b":1}', ['a', 'b']],
    ['elsewhere', ['roles'], ['limits'], '{}', ['limits']],
    ['above it and empty', ['roles'], [], '{}', undefined],
    ['above it and not JSON, which is told elsewhere', ['roles'], [], '{', undefined],
    ['with a scope of everything', ['**'], [], '{"x":1}', undefined],
  ])('%s', (_, patterns, at, text, outside) => {
    expect(dataOutside(data(...patterns), at, text)).toEqual(outside)
  })
})

it('a scope reads as a sentence', () => {
  expect(showScope({ policies: ['gaiax/**', 'shop/**'], modules: [], data: ['roles'] })).toBe(
    'policies gaiax/**, shop/**; modules none; data roles',
  )
})

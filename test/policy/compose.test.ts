import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compose, type ComposeOptions, type Composition } from '../../src/policy/compose.ts'
import { sha256 } from '../../src/policy/digest.ts'
import type { Claim, Finding, Fragment } from '../../src/policy/schema.ts'
import { emptyScope, type SourceScope } from '../../src/policy/scope.ts'

type Files = Readonly<Record<string, string>>
const isListing = (files: Files | readonly string[]): files is readonly string[] => Array.isArray(files)

const fragment = (
  source: string,
  files: Files | readonly string[],
  { commit = `${source}1`, ...more }: Partial<Fragment> = {},
): Fragment => ({
  source,
  kind: 'git',
  commit,
  revision: `main@sha1:${commit}`,
  author: null,
  committedAt: null,
  files: Object.entries(isListing(files) ? Object.fromEntries(files.map((path) => [path, '{}'])) : files).map(
    ([path, text]) => ({ path, text, digest: sha256(text) }),
  ),
  findings: [],
  ...more,
})

const scoped = (scopes: Readonly<Record<string, Partial<SourceScope>>>) =>
  new Map(Object.entries(scopes).map(([source, scope]) => [source, { ...emptyScope, ...scope }]))

const shown = (findings: readonly Finding[] = []) =>
  findings.map(({ code, source, file }) => `${code} ${source} ${file}`)
const sources = (composed: Composition) =>
  Object.fromEntries(
    [...composed.policies, ...composed.modules, ...composed.data].map(([key, { source }]) => [key, source]),
  )

const claim = (kind: Claim['kind'], key: string): Claim => ({ kind, key, file: `rules of ${key}` })

describe('a fragment with a scope', () => {
  const files = ['gaiax/a/1/policy.rego', 'lib/x.rego', 'lib/x_test.rego', 'roles/data.json']
  const scope = { policies: ['gaiax/**'], modules: ['lib/**'], data: ['roles'] }

  it('that stays within declares what it holds', () => {
    const composed = compose({ fragments: [fragment('team', files)], scopes: scoped({ team: scope }) })
    expect(composed).toMatchObject({ ok: true, conflict: false, outOfScope: new Map() })
    expect(sources(composed)).toEqual({ 'gaiax/a/1': 'team', 'lib/x': 'team', roles: 'team' })
  })

  it.each([
    ['a policy', 'shop/a/1/policy.rego', 'policy shop/a/1'],
    ['a shared module', 'rbac/core.rego', 'shared module rbac/core'],
    ['the test of one', 'rbac/core_test.rego', 'shared module rbac/core_test'],
    ['shared data', 'limits/data.json', 'shared data at data.limits'],
  ])('is refused whole for %s outside of it, with file and scope, and others are not', (_, path, what) => {
    const team = fragment('team', [...files, path])
    const composed = compose({
      fragments: [team, fragment('other', ['a/b/1/policy.rego'])],
      scopes: scoped({ team: scope }),
    })
    expect(sources(composed)).toEqual({ 'a/b/1': 'other' })
    expect([...composed.outOfScope.keys()]).toEqual(['team'])
    expect(composed.outOfScope.get('team')).toMatchObject([{ code: 'OutOfScope', file: path, commit: 'team1' }])
    expect(composed.findings[0]?.message).toBe(
      `${what} is outside the scope of team (policies gaiax/**; modules lib/**; data roles); nothing of its commit is applied`,
    )
  })

  it('is refused for what lies inside of a data document, and for a claim without a file', () => {
    const above = fragment('team', { 'data.json': '{"roles":{"a":1},"limits":{"b":1}}' })
    const composed = compose({ fragments: [above], scopes: scoped({ team: scope }) })
    expect(composed.findings[0]?.message).toContain('shared data at data.limits is outside')
    const claiming = fragment('team', [], { claims: [claim('module', 'rbac/shop')] })
    expect(shown(compose({ fragments: [claiming], scopes: scoped({ team: scope }) }).findings)).toEqual([
      'OutOfScope team rules of rbac/shop',
    ])
  })

  it('that is refused claims nothing: no Conflict comes of it', () => {
    const fragments = [fragment('team', ['shop/a/1/policy.rego']), fragment('shop', ['shop/a/1/policy.rego'])]
    const composed = compose({ fragments, scopes: scoped({ team: scope }) })
    expect(composed.conflict).toBe(false)
    expect(sources(composed)).toEqual({ 'shop/a/1': 'shop' })
  })

  it('may declare nothing of a kind that it does not name', () => {
    const composed = compose({ fragments: [fragment('team', files)], scopes: scoped({ team: { policies: ['**'] } }) })
    expect(shown(composed.findings)).toEqual([
      'OutOfScope team lib/x.rego',
      'OutOfScope team lib/x_test.rego',
      'OutOfScope team roles/data.json',
    ])
  })
})

describe('a Conflict', () => {
  const both = (a: Partial<Fragment> & { paths?: Record<string, string> }, b: typeof a) =>
    compose({ fragments: [fragment('one', a.paths ?? {}, a), fragment('two', b.paths ?? {}, b)] })

  it.each([
    ['a policy', { paths: { 'g/n/1/policy.rego': '' } }, { paths: { 'g/n/1/policy.rego': '' } }, 'policy g/n/1'],
    ['a module', { paths: { 'lib/a.rego': '' } }, { paths: { 'lib/a.rego': '' } }, 'shared module lib/a'],
    ['a data path', { paths: { 'r/data.json': '{}' } }, { paths: { 'r/data.json': '{}' } }, 'shared data r'],
    [
      'data inside other data',
      { paths: { 'data.json': '{"r":1}' } },
      { paths: { 'r/data.json': '{}' } },
      'shared data at data.r',
    ],
    [
      'a module and what rules own',
      { paths: { 'rbac/x.rego': '' } },
      { claims: [claim('module', 'rbac/x')] },
      'shared module rbac/x',
    ],
    ['two claims', { claims: [claim('policy', 'g/n/1')] }, { claims: [claim('policy', 'g/n/1')] }, 'policy g/n/1'],
    [
      'data inside of claimed data',
      { claims: [claim('data', 'edict/rules')] },
      { paths: { 'edict/rules/x/data.json': '{}' } },
      'shared data at data.edict.rules.x',
    ],
    [
      'claimed data inside of data',
      { paths: { 'edict/data.json': '{"rules":{}}' } },
      { claims: [claim('data', 'edict/rules')] },
      'shared data at data.edict.rules',
    ],
  ])('over %s names the key, both sources, both commits and both files', (_, a, b, what) => {
    const composed = both(a, b)
    expect(composed.conflict).toBe(true)
    const message = composed.findings[0]?.message ?? ''
    expect(message).toMatch(
      new RegExp(`^${what.replaceAll('.', '\\.')} is declared by one \\(.+ at one1\\) and by two \\(.+ at two1\\)`),
    )
    expect(composed.findings.map(({ code, source, commit }) => `${code} ${source} ${commit}`).toSorted()).toEqual([
      'Conflict one one1',
      'Conflict two two1',
    ])
  })

  it.each([
    ['data beside other data', { paths: { 'a/data.json': '{"x":1}' } }, { paths: { 'a/b/data.json': '{}' } }],
    ['modules of one package', { paths: { 'rbac/a.rego': '' } }, { paths: { 'rbac/b.rego': '' } }],
    ['versions of one policy', { paths: { 'g/n/1/policy.rego': '' } }, { paths: { 'g/n/2/policy.rego': '' } }],
    [
      'a module and a policy of the same words',
      { paths: { 'g/n/1.rego': '' } },
      { paths: { 'g/n/1/policy.rego': '' } },
    ],
  ])('is not %s', (_, a, b) => {
    expect(both(a, b).conflict).toBe(false)
  })

  it('is also what one fragment writes and what its own rules own', () => {
    const composed = compose({
      fragments: [fragment('api', ['rbac/x.rego'], { claims: [claim('module', 'rbac/x')] })],
    })
    expect(shown(composed.findings)).toEqual(['Conflict api rbac/x.rego', 'Conflict api rules of rbac/x'])
  })

  const path = fc.constantFrom(
    'g/a/1/policy.rego',
    'g/b/1/policy.rego',
    'lib/x.rego',
    'lib/y.rego',
    'r/data.json',
    's/data.json',
  )
  const files = fc.uniqueArray(path, { maxLength: 5 })

  it('is there exactly when two fragments declare one key, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(files, { minLength: 1, maxLength: 4 }), (all) => {
        const fragments = all.map((paths, index) => fragment(`s${index}`, paths))
        const keys = all.flat()
        const isShared = new Set(keys).size < keys.length
        const there = compose({ fragments })
        const back = compose({ fragments: fragments.toReversed() })
        expect([there.conflict, back.conflict]).toEqual([isShared, isShared])
        if (!isShared) expect(sources(there)).toEqual(sources(back))
        const disputed = new Set(keys.filter((key, index) => keys.indexOf(key) !== index))
        expect(new Set(there.findings.map(({ file }) => file))).toEqual(disputed)
      }),
    )
  })
})

describe('what stands in for a source', () => {
  const standing = (files: readonly string[], source = 'old') =>
    fragment(source, files, {
      commit: '',
      origins: new Map(files.map((path) => [path, { commit: 'stored', author: 'Ada' }])),
    })
  const composed = (options: Partial<ComposeOptions>) => compose({ fragments: [], ...options })

  it('keeps the commit that it was applied with, and claims what it holds', () => {
    const stands = composed({ standing: [standing(['lib/a.rego'])] })
    expect(stands.modules.get('lib/a')).toMatchObject({ source: 'old', commit: 'stored', author: 'Ada' })
    const disputed = composed({ fragments: [fragment('new', ['lib/a.rego'])], standing: [standing(['lib/a.rego'])] })
    expect(disputed.findings[0]?.message).toContain('old (lib/a.rego at stored)')
  })

  it('gives way where its scope does not cover it any more', () => {
    const options = {
      standing: [standing(['lib/a.rego', 'lib/b.rego'])],
      scopes: scoped({ old: { modules: ['lib/b'] } }),
    }
    expect(sources(composed(options))).toEqual({ 'lib/a': 'old', 'lib/b': 'old' })
    expect([...composed(options).unclaimed]).toEqual(['old:lib/a.rego'])
    const taken = composed({ ...options, fragments: [fragment('new', ['lib/a.rego'])] })
    expect(taken.conflict).toBe(false)
    expect(sources(taken)).toEqual({ 'lib/a': 'new', 'lib/b': 'old' })
    expect(taken.unclaimed).toEqual(new Set())
  })

  it('gives way altogether when its source is configured no more, also to data inside and around its own', () => {
    const leftover = [fragment('old', { 'lib/a.rego': '', 'r/data.json': '{"x":1}', 's/t/data.json': '{}' })]
    expect(sources(composed({ leftover }))).toEqual({ 'lib/a': 'old', r: 'old', 's/t': 'old' })
    const fragments = [fragment('new', { 'r/x/data.json': '{}', 's/data.json': '{"t":1}' })]
    expect(sources(composed({ leftover, fragments }))).toEqual({ 'lib/a': 'old', 'r/x': 'new', s: 'new' })
  })
})

describe('shipped modules', () => {
  const defaults = fragment('edict', ['rbac/core.rego', 'edict/rules.rego'])

  it('are there until somebody declares or claims their id', () => {
    expect(sources(compose({ fragments: [], defaults }))).toEqual({ 'rbac/core': 'edict', 'edict/rules': 'edict' })
    const declared = compose({ fragments: [fragment('team', ['rbac/core.rego'])], defaults })
    expect(sources(declared)).toEqual({ 'rbac/core': 'team', 'edict/rules': 'edict' })
    expect(declared.conflict).toBe(false)
    const claimed = compose({ fragments: [fragment('api', [], { claims: [claim('module', 'rbac/core')] })], defaults })
    expect(sources(claimed)).toEqual({ 'edict/rules': 'edict' })
  })

  it('come after what a source has left behind', () => {
    const leftover = [fragment('old', ['rbac/core.rego'])]
    expect(sources(compose({ fragments: [], leftover, defaults }))).toMatchObject({ 'rbac/core': 'old' })
  })
})

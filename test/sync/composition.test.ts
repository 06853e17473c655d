import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CachedOpa } from '../../src/opa/cached.ts'
import type { Fragment } from '../../src/policy/schema.ts'
import { emptyScope, type SourceScope } from '../../src/policy/scope.ts'
import { cachedOpa } from '../opa/opa-for-tests.ts'
import { createWorld, fragment, shown, type Files } from './build/built-world.ts'

let opa: CachedOpa
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edict-composition-'))
  opa = await cachedOpa(join(folder, 'opa'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const policy = (name: string, body = 'x := 1') => `package g.${name}\n\n${body}\n`
const scoped = (scopes: Readonly<Record<string, Partial<SourceScope>>>) =>
  new Map(Object.entries(scopes).map(([source, scope]) => [source, { ...emptyScope, ...scope }]))
const all = { policies: ['**'], modules: ['**'], data: ['**'] }

describe('a fragment outside its scope', () => {
  const good = { 'g/a/1/policy.rego': policy('a', 'x := data.lib.x'), 'lib/x.rego': 'package lib\n\nx := 1\n' }
  const scopes = scoped({ team: { policies: ['g/**'], modules: ['lib/**'] } })

  it('keeps its last good content in force, while others go on', async () => {
    const world = createWorld(opa)
    const other = { 'g/z/1/policy.rego': policy('z', 'y := data.lib.x') }
    await world.apply([fragment('team', good), fragment('other', other)], { scopes })
    const next = { ...good, 'lib/x.rego': 'package lib\n\nx := 2\n', 'shop/a/1/policy.rego': 'package shop.a\n' }
    const built = await world.apply(
      [fragment('team', next, 'c2'), fragment('other', { ...other, 'g/y/1/policy.rego': policy('y') }, 'o2')],
      { scopes },
    )
    expect([...built.outOfScope.keys()]).toEqual(['team'])
    expect(shown(built, 'team')).toEqual(['OutOfScope shop/a/1/policy.rego'])
    expect(built.plan.policies).toMatchObject({ create: ['g/y/1'], replace: [], remove: [], status: [] })
    expect(built.plan.modules).toMatchObject({ create: [], replace: [], remove: [], status: [] })
    expect(world.policies.get('g/a/1')).toMatchObject({ commit: 'c1', status: { phase: 'Ready' } })
    expect(
      (await world.build([fragment('team', good, 'c3'), fragment('other', other)], { scopes })).outOfScope.size,
    ).toBe(0)
  })

  it('whose standing content another source declares is a Conflict until the overstepping ends', async () => {
    const world = createWorld(opa)
    await world.apply([fragment('team', good)], { scopes })
    const overstepping = fragment('team', { 'shop/a/1/policy.rego': 'package shop.a\n' }, 'c2')
    const other = fragment('other', { 'g/a/1/policy.rego': policy('a') }, 'o1')
    const built = await world.build([overstepping, other], { scopes })
    expect(built.conflict).toBe(true)
    expect(built.findings.get('other')?.[0]?.message).toContain('team (g/a/1/policy.rego at c1)')
  })

  it('may not put its modules into a package that its scope does not reach', async () => {
    const world = createWorld(opa)
    const built = await world.build([fragment('team', { 'lib/x.rego': 'package rbac\n\nallow := true\n' })], { scopes })
    expect(shown(built, 'team')).toEqual(['package_out_of_scope lib/x.rego:1'])
    expect(built.plan.modules.create).toEqual([])
  })
})

describe('a Conflict', () => {
  it('among the fragments is found before any stored content is read', async () => {
    const world = createWorld(opa)
    let read = 0
    const stored = async () => {
      read += 1
      return { policies: [], modules: [], packages: [] }
    }
    const [one, two] = [
      fragment('one', { 'lib.rego': 'package lib\n' }),
      fragment('two', { 'lib.rego': 'package b\n' }),
    ]
    // The world's own stored content is what a test that gives none would use.
    const built = await world.build([one, two], { stored } as never)
    expect([built.conflict, read]).toEqual([true, 0])
    expect((await world.build([one], { stored } as never)).conflict).toBe(false)
    expect(read).toBe(1)
  })
})

describe('stored content that the configuration does not give to anybody', () => {
  const lib = { 'lib/x.rego': 'package lib\n\nx := 1\n', 't/data.json': '{"y":1}' }
  const user = { 'g/a/1/policy.rego': policy('a', 'x := data.lib.x + data.t.y') }
  const dropped = { configured: new Set(['user']), absent: new Set<string>() }

  const worldOf = async (fragments: readonly Fragment[]) => {
    const world = createWorld(opa)
    await world.apply(fragments)
    const stored = (names: readonly string[] = []) => ({
      policies: [...world.policies.values()],
      modules: [...world.modules.values()],
      packages: [...world.packages.values()],
      dropped: new Set(names),
    })
    return { ...world, stored }
  }

  it('of a dropped source stays, and the policies that use it, too', async () => {
    const world = await worldOf([fragment('lib', { ...lib, 'g/l/1/policy.rego': policy('l') }), fragment('user', user)])
    const changed = { 'g/a/1/policy.rego': policy('a', 'x := (data.lib.x + data.t.y) * 2') }
    const built = await world.apply([fragment('user', changed, 'u2')], { ...dropped, stored: world.stored(['lib']) })
    expect(built.plan.policies).toMatchObject({ replace: ['g/a/1'], remove: [], status: [] })
    expect(built.plan.modules).toMatchObject({ keep: ['lib:lib/x.rego', 'lib:t/data.json'], remove: [], status: [] })
    expect(built.counts.get('lib')).toEqual({ policies: 1, modules: 2, quarantined: 0 })
  })

  it('is taken over by whoever declares it, and stays while the newcomer’s is broken', async () => {
    const world = await worldOf([fragment('lib', lib), fragment('user', user)])
    const taking = (text: string) => [fragment('user', { ...user, 'lib/x.rego': text }, text)]
    const options = () => ({ ...dropped, stored: world.stored(['lib']) })
    const broken = await world.apply(taking('package lib\n\nx := \n'), options())
    expect(shown(broken, 'user')).toEqual(['rego_parse_error lib/x.rego:4'])
    expect(broken.plan.modules).toMatchObject({ create: [], remove: [], status: ['lib:lib/x.rego'] })
    expect(broken.plan.policies).toMatchObject({ keep: ['g/a/1'] })
    const taken = await world.apply(taking('package lib\n\nx := 7\n'), options())
    expect(taken.plan.modules).toMatchObject({ create: ['user:lib/x.rego'], remove: ['lib:lib/x.rego'] })
    expect(taken.plan.policies.replace).toEqual(['g/a/1'])
  })

  it('of a source that nobody knows is not even read', async () => {
    const world = await worldOf([
      fragment('stranger', lib),
      fragment('user', { 'g/a/1/policy.rego': policy('a', 'x := data.lib.x') }),
    ])
    const built = await world.build([fragment('user', { 'g/a/1/policy.rego': policy('a', 'y := data.lib.x') }, 'u2')], {
      ...dropped,
      stored: world.stored(),
    })
    expect(built.plan.modules).toMatchObject({ keep: [], remove: [], status: [] })
    expect(built.plan.policies).toMatchObject({ replace: ['g/a/1'], remove: [] })
  })

  it('of a retired source goes', async () => {
    const world = await worldOf([fragment('lib', { ...lib, 'g/l/1/policy.rego': policy('l') })])
    const built = await world.build([], { configured: new Set(['lib']), stored: world.stored() })
    expect(built.plan.policies.remove).toEqual(['g/l/1'])
    expect(built.plan.modules.remove).toEqual(['lib:lib/x.rego', 'lib:t/data.json'])
  })

  it('lies outside a scope that has become narrower: it is left alone until somebody else declares it', async () => {
    const files = {
      ...lib,
      'g/a/1/policy.rego': policy('a', 'x := data.lib.x'),
      'h/b/1/policy.rego': 'package h.b\n\nx := 1\n',
    }
    const world = await worldOf([fragment('main', files)])
    const scopes = scoped({ main: { policies: ['g/**'] } })
    const options = { scopes, configured: new Set(['main', 'new']), stored: world.stored() }
    const rest = fragment('main', { 'g/a/1/policy.rego': files['g/a/1/policy.rego'] }, 'c2')
    const left = await world.build([rest, fragment('new', {})], options)
    expect(left.plan).toMatchObject({ empty: true })
    expect(left.findings.get('main')).toMatchObject([{ code: 'left_alone', severity: 'warning' }])
    expect(left.findings.get('main')?.[0]?.message).toContain('h/b/1, lib/x.rego, t/data.json')
    const built = await world.build(
      [rest, fragment('new', { 'lib/x.rego': lib['lib/x.rego'], 'h/b/1/policy.rego': files['h/b/1/policy.rego'] })],
      options,
    )
    expect(built.conflict).toBe(false)
    expect(built.plan.policies).toMatchObject({ replace: ['h/b/1'], remove: [] })
    expect(built.plan.modules).toMatchObject({
      create: ['new:lib/x.rego'],
      remove: ['main:lib/x.rego'],
      keep: ['main:t/data.json'],
    })
  })
})

describe('a read scope', () => {
  const platform = {
    'lib/a.rego': 'package lib\n\nx := data.t.secrets.one\n',
    'rbac/core.rego': 'package rbac\n\nallow := true\n',
    't/secrets/data.json': '{"one":1}',
    't/roles/data.json': '{"admin":1}',
  }
  const library = { source: 'platform', modules: ['lib/**'], data: [] }
  const read = (limits: SourceScope['read'], body: string, libraries = [library]) => {
    const world = createWorld(opa)
    const scopes = scoped({ team: { ...all, read: limits } })
    const team = fragment('team', { 'g/a/1/policy.rego': `package g.a\n\n${body}\n` })
    return world.build([fragment('platform', platform), team], { scopes, libraries })
  }
  const nothing = { modules: [], data: [] }
  const dataOf = (built: Awaited<ReturnType<typeof read>>) => {
    const digest = built.documents.create.find(({ _id }) => _id === 'g/a/1')?.artifact?.data
    return Buffer.from(built.blobs.find((blob) => blob.digest === digest)?.bytes ?? '').toString()
  }

  it('refuses a policy that names what it does not cover, with file and line', async () => {
    const built = await read(nothing, 'import data.rbac\n\nx := rbac.allow\n\ny := data.t.roles.admin')
    expect(shown(built, 'team')).toEqual([
      'out_of_scope_read g/a/1/policy.rego:3',
      'out_of_scope_read g/a/1/policy.rego:7',
    ])
    expect(built.findings.get('team')?.[1]?.message).toBe(
      'it refers to data.t.roles.admin, but data data.t.roles of platform is outside of what team may read',
    )
  })

  it('lets through what it covers, and the rest stays out of the artifact', async () => {
    const built = await read(
      { modules: ['rbac/core'], data: ['t/roles'] },
      'x := data.rbac.allow\n\ny := data.t.roles[input.role]',
    )
    expect(shown(built, 'team')).toEqual([])
    expect(dataOf(built)).toBe('{"t":{"roles":{"admin":1}}}')
  })

  it('does not stand before a library, whose own data comes along', async () => {
    const built = await read(nothing, 'x := data.lib.x')
    expect(shown(built, 'team')).toEqual([])
    expect(dataOf(built)).toBe('{"t":{"secrets":{"one":1}}}')
  })

  it('does not let a policy look around at what came along with a library', async () => {
    const built = await read(nothing, 'x := data.lib.x\n\ny := data.t[input.what]')
    expect(shown(built, 'team')).toEqual(['out_of_scope_read g/a/1/policy.rego:5'])
  })

  it('leaves out of a reference to more what it does not cover', async () => {
    const built = await read({ modules: [], data: ['t/roles'] }, 'x := data.t[input.what]', [])
    expect(shown(built, 'team')).toEqual([])
    expect(dataOf(built)).toBe('{"t":{"roles":{"admin":1}}}')
  })

  it('takes of a package the modules that it covers, and warns of the others', async () => {
    const world = createWorld(opa)
    const scopes = scoped({ team: { ...all, read: { modules: ['rbac/core'] } } })
    const other = fragment('other', { 'rbac/more.rego': 'package rbac\n\nmore := true\n' })
    const team = fragment('team', { 'g/a/1/policy.rego': policy('a', 'x := data.rbac.allow') })
    const built = await world.apply([fragment('platform', platform), other, team], { scopes })
    expect(built.findings.get('team')).toMatchObject([{ code: 'out_of_scope_read', severity: 'warning', line: 3 }])
    const changed = fragment('other', { 'rbac/more.rego': 'package rbac\n\nmore := false\n' }, 'o2')
    expect((await world.build([fragment('platform', platform), changed, team], { scopes })).plan.policies.keep).toEqual(
      ['g/a/1'],
    )
  })
})

describe('one package of several sources', () => {
  const core = { 'rbac/core.rego': 'package rbac\n\nallow if role_check\n\nrole_check if false\n' }
  const user = { 'g/a/1/policy.rego': policy('a', 'x := data.rbac.allow') }
  const worldOf = async (parts: Readonly<Record<string, Files>>) => {
    const world = createWorld(opa)
    await world.apply(Object.entries(parts).map(([source, files]) => fragment(source, files)))
    return world
  }
  const build = (world: Awaited<ReturnType<typeof worldOf>>, parts: Readonly<Record<string, Files>>) =>
    world.apply(Object.entries(parts).map(([source, files]) => fragment(source, files, `${source}2`)))

  it('loses one broken module only: the others of all sources take effect', async () => {
    const a = { 'rbac/a.rego': 'package rbac\n\nrole_check if input.role == "a"\n' }
    const b = { 'rbac/b.rego': 'package rbac\n\nrole_check if input.role == "b"\n' }
    const world = await worldOf({ core, a, b, user })
    const built = await build(world, {
      core,
      a: { 'rbac/a.rego': 'package rbac\n\nrole_check if nosuch(1)\n' },
      b: { 'rbac/b.rego': 'package rbac\n\nrole_check if input.role == "bb"\n' },
      user,
    })
    expect([...built.findings.keys()]).toEqual(['a'])
    expect(shown(built, 'a')).toEqual(['rego_type_error rbac/a.rego:3'])
    expect(built.plan.modules).toMatchObject({ replace: ['b:rbac/b.rego'], status: ['a:rbac/a.rego'] })
    expect(built.plan.policies.replace).toEqual(['g/a/1'])
    expect(world.modules.get('a:rbac/a.rego')).toMatchObject({
      text: a['rbac/a.rego'],
      status: { phase: 'Quarantined' },
    })
  })

  it('blames the source that takes a function away, not another that changes at the same time', async () => {
    const a = { 'rbac/a.rego': 'package rbac\n\nis_a(x) if x == "a"\n' }
    const b = { 'rbac/b.rego': 'package rbac\n\nrole_check if is_a(input.role)\n' }
    const world = await worldOf({ a, b })
    const built = await build(world, {
      a: { 'rbac/a.rego': 'package rbac\n\nis_aa(x) if x == "a"\n' },
      b: { 'rbac/b.rego': 'package rbac\n\n# Who is an a.\nrole_check if is_a(input.role)\n' },
    })
    expect([...built.findings.keys()]).toEqual(['a'])
    expect(built.plan.modules).toMatchObject({ replace: ['b:rbac/b.rego'], status: ['a:rbac/a.rego'] })
  })

  it('refuses the newcomer that contradicts what another source has in force', async () => {
    const world = await worldOf({ core: { 'rbac/core.rego': 'package rbac\n\ndefault allow := false\n' }, user })
    const built = await build(world, {
      core: { 'rbac/core.rego': 'package rbac\n\ndefault allow := false\n' },
      b: { 'rbac/b.rego': 'package rbac\n\ndefault allow := true\n' },
      user,
    })
    expect([...built.findings.keys()]).toEqual(['b'])
    expect(built.plan.empty).toBe(true)
  })
})

describe('shipped modules', () => {
  const defaults = fragment('edict', {
    'rbac/core.rego':
      'package rbac\n\ndefault allow := false\n\nallow if role_check(input.role)\n\nrole_check(role) if role == "superadmin"\n',
    'edict/rules.rego': 'package rbac\n\nrole_check(role) if data.edict.rules[role]\n',
  })
  const user = { 'g/a/1/policy.rego': policy('a', 'x := data.rbac.allow') }
  const world = () => createWorld(opa, { defaults })
  const modules = (made: ReturnType<typeof world>) => [...made.modules.keys()].toSorted()

  it('are in force and listed, and policies use them', async () => {
    const made = world()
    const built = await made.apply([fragment('main', user)])
    expect(shown(built)).toEqual([])
    expect(modules(made)).toEqual(['edict:edict/rules.rego', 'edict:rbac/core.rego'])
    expect((await made.build([fragment('main', user)])).plan.empty).toBe(true)
  })

  it('go when a source declares their id, and come back when it lets go of it', async () => {
    const made = world()
    await made.apply([fragment('main', user)])
    const own = { 'rbac/core.rego': 'package rbac\n\nallow if role_check(1)\n' }
    const built = await made.apply([fragment('main', { ...user, ...own }, 'c2')])
    expect(built.plan.policies.replace).toEqual(['g/a/1'])
    expect(modules(made)).toEqual(['edict:edict/rules.rego', 'main:rbac/core.rego'])
    await made.apply([fragment('main', user, 'c3')])
    expect(modules(made)).toEqual(['edict:edict/rules.rego', 'edict:rbac/core.rego'])
  })

  it.each([
    ['a policy of their package', { 'rbac/x/1/policy.rego': 'package rbac.x\n\ny := 1\n' }],
    ['a package below theirs', { 'roles.rego': 'package rbac.roles\n\ny := 1\n' }],
    ['shared data of that name', { 'rbac/data.json': '{"y":1}' }],
    ['shared data of that name inside of other data', { 'data.json': '{"rbac":{"y":1}}' }],
    ['a core of other functions', { 'rbac/core.rego': 'package rbac\n\nrole_check(a, b) if a == b\n' }],
  ])('give way to %s, without a finding', async (_, files) => {
    const made = world()
    await made.apply([fragment('main', {})])
    const built = await made.apply([fragment('main', files, 'c2')])
    expect(shown(built)).toEqual([])
    expect(modules(made).filter((key) => key.startsWith('edict:'))).toEqual([])
    expect(made.policies.get('rbac/x/1')?.status.phase ?? 'Ready').toBe('Ready')
  })

  it('do not stand before a policy’s own data', async () => {
    const made = world()
    const own = { 'g/a/1/policy.rego': policy('a', 'x := data.rbac.allow'), 'g/a/1/data.json': '{"rbac":{"allow":3}}' }
    expect(shown(await made.apply([fragment('main', own)]))).toEqual([])
    expect(made.policies.get('g/a/1')?.status.phase).toBe('Ready')
    expect(modules(made)).toHaveLength(2)
  })

  it('are not to blame for a module that contradicts them: that is refused', async () => {
    const made = world()
    await made.apply([fragment('main', {})])
    const built = await made.apply([
      fragment('main', { 'rbac/mine.rego': 'package rbac\n\ndefault allow := true\n' }, 'c2'),
    ])
    expect(built.findings.get('main')?.length).toBeGreaterThan(0)
    expect(modules(made)).toEqual(['edict:edict/rules.rego', 'edict:rbac/core.rego'])
  })
})

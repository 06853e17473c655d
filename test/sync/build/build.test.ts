import { beforeAll, describe, expect, it } from 'vitest'
import type { CachedOpa } from '../../../src/opa/cached.ts'
import { cachedOpa } from '../../opa/opa-for-tests.ts'
import { createWorld, fragment, shown, type Files, type World } from './built-world.ts'

let opa: CachedOpa
beforeAll(async () => {
  opa = await cachedOpa()
})

const policy = (group: string, name: string, rest = 'allow if input.x == 1\n'): string =>
  `package ${group}.${name}\n\n${rest}`
const good: Files = { 'g/n/1.0/policy.rego': policy('g', 'n') }

async function world(...cycles: readonly Files[]): Promise<World> {
  const made = createWorld(opa)
  for (const [index, files] of cycles.entries()) await made.apply([fragment('main', files, `c${index + 1}`)])
  return made
}

async function firstFindings(files: Files): Promise<readonly string[]> {
  return shown(await createWorld(opa).build([fragment('main', files)]))
}

describe('a build', () => {
  it('makes documents, blobs and a plan of a source, and nothing the second time', async () => {
    const made = createWorld(opa)
    const files = {
      ...good,
      'g/n/1.0/data.json': '{"limit": 1.00000000000000000001}',
      'g/n/1.0/policy_test.rego': 'package g.n_test\nimport data.g.n\ntest_a if n.allow with input as {"x":1}\n',
      'g/v/1/policy.rego': policy('g', 'v', '_ := data.shared.roles[input.r]\nf(x) := x\n'),
      'shared/roles/data.json': '{"admin":["all"]}',
      'lib/unused.rego': 'package lib.unused\nx := 1\n',
    }
    const built = await made.apply([fragment('main', files)])
    expect(shown(built)).toEqual([])
    expect(built.plan.policies.create).toEqual(['g/n/1.0', 'g/v/1'])
    expect(built.changesForce).toBe(true)
    const [n, v] = [made.policies.get('g/n/1.0'), made.policies.get('g/v/1')]
    expect(n).toMatchObject({
      repository: 'main',
      group: 'g',
      name: 'n',
      version: '1.0',
      commit: 'c1',
      regoVersion: 1,
      status: { phase: 'Ready' },
      artifact: { entry: 'package' },
    })
    expect(n?.files.map(({ path }) => path)).toEqual(['policy_test.rego'])
    expect(v?.artifact?.entry).toBe('value')
    const dataOf = (digest: string | undefined) => Buffer.from(made.blobs.get(digest ?? '') ?? '').toString()
    expect(dataOf(n?.artifact?.data)).toBe('{"limit": 1.00000000000000000001}')
    expect(dataOf(v?.artifact?.data)).toBe('{"shared":{"roles":{"admin":["all"]}}}')
    expect([...made.modules.keys()].sort()).toEqual(['main:lib/unused.rego', 'main:shared/roles/data.json'])

    const again = await made.build([fragment('main', files, 'c2')])
    expect(again.plan.empty).toBe(true)
    expect(again.blobs).toEqual([])
    expect(again.plan.policies.keep).toEqual(['g/n/1.0', 'g/v/1'])
  })

  it('replaces only what changed, and removes what is gone', async () => {
    const files = { ...good, 'g/o/1/policy.rego': policy('g', 'o'), 'g/p/1/policy.rego': policy('g', 'p') }
    const made = await world(files)
    const { 'g/o/1/policy.rego': _, ...rest } = files
    const built = await made.apply([
      fragment('main', { ...rest, 'g/p/1/policy.rego': policy('g', 'p', 'x := 2\n') }, 'c2'),
    ])
    expect(built.plan.policies).toEqual({
      create: [],
      replace: ['g/p/1'],
      remove: ['g/o/1'],
      keep: ['g/n/1.0'],
      status: [],
    })
    expect(made.policies.get('g/n/1.0')?.commit).toBe('c1')
    expect(made.policies.get('g/p/1')?.commit).toBe('c2')
  })

  it('rebuilds exactly the policies that reach a changed shared module or its data', async () => {
    const files: Files = {
      'lib/a.rego': 'package lib.a\nimport data.lib.b\nf(x) := b.g(x)\n',
      'lib/b.rego': 'package lib.b\ng(x) := x\n',
      'tables/t/data.json': '{"x":1}',
      'p/a/1/policy.rego': policy('p', 'a', 'import data.lib.a as lib\nx := lib.f(1)\n'),
      'p/b/1/policy.rego': policy('p', 'b', 'x := data.lib.b.g(1)\n'),
      'p/c/1/policy.rego': policy('p', 'c', 'x := data.tables.t.x\n'),
      'p/d/1/policy.rego': policy('p', 'd', 'x := 1\n'),
    }
    const made = await world(files)
    const replaced = async (change: Files) =>
      (await made.build([fragment('main', { ...files, ...change }, 'c2')])).plan.policies.replace
    expect(await replaced({ 'lib/b.rego': 'package lib.b\ng(x) := x + 1\n' })).toEqual(['p/a/1', 'p/b/1'])
    expect(await replaced({ 'lib/a.rego': 'package lib.a\nf(x) := x\n' })).toEqual(['p/a/1'])
    expect(await replaced({ 'tables/t/data.json': '{"x":2}' })).toEqual(['p/c/1'])
    expect(await replaced({ 'lib/more.rego': 'package lib.b\nh := 1\n' })).toEqual(['p/a/1', 'p/b/1'])
  })

  it('does the work of unchanged content without opa', async () => {
    const made = await world(good)
    const refusing: CachedOpa = { ...opa, parse: never, check: never, build: never }
    const later = createWorld(refusing)
    for (const [key, document] of made.policies) later.policies.set(key, document)
    expect((await later.build([fragment('main', good, 'c9')])).plan.empty).toBe(true)
  })

  it('writes again what lost its blobs', async () => {
    const made = await world(good)
    const stored = { policies: [...made.policies.values()], modules: [], packages: [], broken: new Set(['g/n/1.0']) }
    const built = await made.build([fragment('main', good, 'c1')], { stored })
    expect(built.documents.replace.map(({ _id }) => _id)).toEqual(['g/n/1.0'])
    expect(built.blobs).toHaveLength(2)
  })

  it('keeps large texts as blobs', async () => {
    const made = await world({ ...good, 'g/n/1.0/data.json': JSON.stringify({ big: 'x'.repeat(300_000) }) })
    const data = made.policies.get('g/n/1.0')?.data
    expect(data).toMatchObject({ size: 300_010 })
    expect(made.blobs.has(typeof data === 'object' ? (data?.blob ?? '') : '')).toBe(true)
  })

  it('takes Rego v0 with a warning', async () => {
    const made = createWorld(opa)
    const built = await made.apply([
      fragment('main', {
        'g/o/1/policy.rego': 'package g.o\n\nallow { input.x }\nhelp(y) { other(y) }\nother(y) { y }\n',
      }),
    ])
    expect(shown(built)).toEqual(['rego_v0 g/o/1/policy.rego:1'])
    expect(made.policies.get('g/o/1')).toMatchObject({ regoVersion: 0, status: { phase: 'Ready' } })
  })
})

const never = (): never => {
  throw new Error('opa was run')
}

describe('findings', () => {
  const cases: readonly (readonly [string, Files, readonly string[]])[] = [
    [
      'Rego that does not parse',
      { 'g/n/1/policy.rego': 'package g.n\n\nallow if {\n' },
      ['rego_parse_error g/n/1/policy.rego:4'],
    ],
    [
      'an unknown function',
      { 'g/n/1/policy.rego': policy('g', 'n', 'x := nosuch(1)\n') },
      ['rego_type_error g/n/1/policy.rego:3'],
    ],
    ['the wrong package', { 'g/n/1/policy.rego': policy('g', 'm') }, ['wrong_package g/n/1/policy.rego:1']],
    [
      'a package that is too long',
      { 'g/n/1/policy.rego': '# x\npackage g.n.o\nx := 1' },
      ['wrong_package g/n/1/policy.rego:2'],
    ],
    [
      'a second file of another package',
      { 'g/n/1/policy.rego': policy('g', 'n'), 'g/n/1/b.rego': 'package g.b\n' },
      ['wrong_package g/n/1/b.rego:1'],
    ],
    ['a name that Rego writes in brackets', { 'g/my-n/1/policy.rego': 'package g["my-n"]\nx := 1\n' }, []],
    [
      'a test that calls what is not there',
      { ...good, 'g/n/1.0/x_test.rego': 'package g.n\ntest_a if nosuch(1)\n' },
      ['rego_type_error g/n/1.0/x_test.rego:2'],
    ],
    ['broken data', { ...good, 'g/n/1.0/data.json': '{\n "a": 1,\n}' }, ['invalid_json g/n/1.0/data.json:3']],
    ['a key twice', { ...good, 'g/n/1.0/data.json': '{"a":1,\n"a":2}' }, ['duplicate_key g/n/1.0/data.json:2']],
    ['data that is no object', { ...good, 'g/n/1.0/data.json': '[1]' }, ['data_not_object g/n/1.0/data.json:1']],
    ['a broken schema', { ...good, 'g/n/1.0/output-schema.json': '{' }, ['invalid_json g/n/1.0/output-schema.json:1']],
    [
      'data that equals the package',
      { ...good, 'g/n/1.0/data.json': '{"g":{"n":{}}}' },
      ['data_shadows_rule g/n/1.0/data.json'],
    ],
    [
      'data under the package',
      { ...good, 'g/n/1.0/data.json': '{"g":{"n":{"x":1}}}' },
      ['data_shadows_rule g/n/1.0/data.json'],
    ],
    [
      'data that contains the package',
      { ...good, 'g/n/1.0/data.json': '{"g":1}' },
      ['data_shadows_rule g/n/1.0/data.json'],
    ],
    ['data beside the package', { ...good, 'g/n/1.0/data.json': '{"g":{"m":1}}' }, []],
    [
      'data over the entry',
      { ...good, 'g/n/1.0/data.json': '{"edict":{"entry":{"doc":1}}}' },
      ['data_shadows_rule g/n/1.0/data.json'],
    ],
    ['data for the rule table', { ...good, 'g/n/1.0/data.json': '{"edict":{"rules":[]}}' }, []],
    [
      'an import of another policy',
      { ...good, 'g/m/1/policy.rego': policy('g', 'm', 'x := data.g.n.allow\n') },
      ['imports_policy g/m/1/policy.rego:1'],
    ],
    [
      'own data where another policy is',
      { ...good, 'g/m/1/policy.rego': policy('g', 'm', 'x := data.g.n.y\n'), 'g/m/1/data.json': '{"g":{"n":{"y":1}}}' },
      [],
    ],
    [
      'a shared module that uses a policy',
      { ...good, 'l/a.rego': 'package l.a\nx := data.g.n.allow\n' },
      ['imports_policy l/a.rego:1'],
    ],
    [
      'a shared package under a policy',
      { ...good, 'l/a.rego': 'package g.n.sub\nx := 1\n' },
      ['package_overlap l/a.rego:1'],
    ],
    ['a shared package over a policy', { ...good, 'l/a.rego': 'package g\nx := 1\n' }, ['package_overlap l/a.rego:1']],
    [
      'a shared package over the entry',
      { ...good, 'l/a.rego': 'package edict.entry.x\nx := 1\n' },
      ['package_overlap l/a.rego:1'],
    ],
    [
      'private data over shared data',
      {
        'roles/data.json': '{"a":1}',
        'g/n/1/policy.rego': policy('g', 'n', 'x := data.roles.a\n'),
        'g/n/1/data.json': '{"roles":{"b":1}}',
      },
      ['data_overlap g/n/1/data.json'],
    ],
    [
      'private data beside shared data',
      {
        'roles/data.json': '{"a":1}',
        'g/n/1/policy.rego': policy('g', 'n', 'x := data.roles.a + data.own\n'),
        'g/n/1/data.json': '{"own":1}',
      },
      [],
    ],
    [
      'shared data over shared data',
      { 'a/data.json': '{"b":{}}', 'a/b/data.json': '{}' },
      ['data_overlap a/b/data.json'],
    ],
    [
      'shared data over a shared package',
      { 'l.rego': 'package l\nx := 1\n', 'l/data.json': '{}' },
      ['data_shadows_rule l/data.json'],
    ],
    [
      'policy.rego at the wrong depth',
      { ...good, 'policy.rego': 'x', 'a/policy.rego': 'x' },
      ['wrong_depth a/policy.rego', 'wrong_depth policy.rego'],
    ],
    ['a broken shared module', { ...good, 'l/a.rego': 'package l.a\nx := \n' }, ['rego_parse_error l/a.rego:3']],
    [
      'a shared module that does not compile',
      { ...good, 'l/a.rego': 'package l.a\nx := nosuch(1)\n' },
      ['rego_type_error l/a.rego:2'],
    ],
    [
      'a function of the package that calls another',
      { 'g/n/1/policy.rego': policy('g', 'n', 'f(x) := g(x)\ng(x) := x\ny := f(1)\n') },
      [],
    ],
  ]
  it.each(cases)('%s', async (_, files, expected) => {
    expect(await firstFindings(files)).toEqual(expected)
  })

  it('say when data or Rego is too large', async () => {
    const made = createWorld(opa, { limits: { maxData: 10, maxRego: 100 } })
    const files = { 'g/n/1/policy.rego': policy('g', 'n', `# ${'x'.repeat(200)}`), 'g/n/1/data.json': '{"a":"123456"}' }
    expect(shown(await made.build([fragment('main', files)]))).toEqual([
      'data_too_large g/n/1/data.json',
      'rego_too_large g/n/1/policy.rego',
    ])
  })

  it('of one policy are all collected, sorted by file and line', async () => {
    const files = {
      'g/n/1/policy.rego': policy('g', 'x', 'a := b(\n'),
      'g/n/1/data.json': '[',
      'g/n/1/z.rego': 'package z\n',
    }
    expect(await firstFindings(files)).toEqual([
      'invalid_json g/n/1/data.json:1',
      'rego_parse_error g/n/1/policy.rego:4',
      'wrong_package g/n/1/z.rego:1',
    ])
  })
})

describe('quarantine', () => {
  it('keeps the last good policy, names the commit that broke it, and recovers', async () => {
    const files = { ...good, 'g/o/1/policy.rego': policy('g', 'o') }
    const made = await world(files)
    const before = made.policies.get('g/n/1.0')
    const broken = {
      ...files,
      'g/n/1.0/policy.rego': policy('g', 'n', 'x := nosuch(1)\n'),
      'g/o/1/policy.rego': policy('g', 'o', 'x := 2\n'),
    }
    const built = await made.apply([fragment('main', broken, 'c2')])
    expect(built.plan.policies).toMatchObject({ replace: ['g/o/1'], status: ['g/n/1.0'] })
    const { status, ...kept } = made.policies.get('g/n/1.0') ?? {}
    expect(kept).toEqual({ ...before, status: undefined, ...kept })
    expect(status).toMatchObject({
      phase: 'Quarantined',
      commit: 'c2',
      author: 'author of c2',
      findings: [{ code: 'rego_type_error', line: 3 }],
    })
    expect(made.policies.get('g/n/1.0')?.artifact).toEqual(before?.artifact)

    expect((await made.apply([fragment('main', broken, 'c3')])).plan.empty).toBe(true)
    expect(made.policies.get('g/n/1.0')?.status.commit).toBe('c2')

    const recovered = await made.apply([fragment('main', files, 'c4')])
    expect(recovered.plan.policies.status).toEqual(['g/n/1.0'])
    expect(recovered.blobs.length).toBeGreaterThan(0)
    expect(made.policies.get('g/n/1.0')?.status).toMatchObject({ phase: 'Ready', findings: [] })
  })

  it('asks the source who broke it', async () => {
    const blamed: string[] = []
    const made = createWorld(opa, {
      blame: async (source, path, commit) => {
        blamed.push(`${source} ${path} ${commit}`)
        return { commit: 'c1', author: 'the culprit' }
      },
    })
    await made.apply([fragment('main', { 'g/n/1/policy.rego': 'package g.n\nx := nosuch(1)' }, 'c7')])
    expect(blamed).toEqual(['main g/n/1/policy.rego c7'])
    expect(made.policies.get('g/n/1')?.status).toMatchObject({ commit: 'c1', author: 'the culprit' })
  })

  it('stores what never was good without an artifact, and its text follows the source', async () => {
    const made = createWorld(opa)
    const built = await made.apply([fragment('main', { 'g/n/1/policy.rego': 'package g.n\nx := (' })])
    expect(built.changesForce).toBe(false)
    expect(made.policies.get('g/n/1')).toMatchObject({
      artifact: null,
      status: { phase: 'Quarantined' },
      rego: 'package g.n\nx := (',
    })
    expect(
      (await made.build([fragment('main', { 'g/n/1/policy.rego': 'package g.n\nx := (' }, 'c2')])).plan.empty,
    ).toBe(true)
    expect(
      (await made.build([fragment('main', { 'g/n/1/policy.rego': 'package g.n\nx := ((' }, 'c2')])).plan.policies
        .replace,
    ).toEqual(['g/n/1'])
    expect(
      (await made.apply([fragment('main', { 'g/n/1/policy.rego': 'package g.n\nx := 1' }, 'c3')])).changesForce,
    ).toBe(true)
    expect(made.policies.get('g/n/1')).toMatchObject({ status: { phase: 'Ready' }, commit: 'c3' })
  })

  it('does not keep what was removed', async () => {
    const made = await world(
      { ...good, 'g/o/1/policy.rego': policy('g', 'o') },
      { 'g/n/1.0/policy.rego': 'package', 'g/o/1/policy.rego': policy('g', 'o') },
    )
    expect(made.policies.get('g/n/1.0')?.status.phase).toBe('Quarantined')
    await made.apply([fragment('main', { 'g/o/1/policy.rego': policy('g', 'o') }, 'c3')])
    expect([...made.policies.keys()]).toEqual(['g/o/1'])
  })

  it('covers what cannot be read, a folder that became a link too', async () => {
    const files = { ...good, 'g/o/1/policy.rego': policy('g', 'o') }
    const made = await world(files)
    const finding = (file: string) => ({
      code: 'symlink',
      severity: 'error' as const,
      message: 'a link',
      source: 'main',
      file,
    })
    const built = await made.apply([fragment('main', {}, 'c2', [finding('g/n/1.0/policy.rego'), finding('g/o/1')])])
    expect(built.plan.policies).toMatchObject({ remove: [], status: ['g/n/1.0', 'g/o/1'] })
  })

  describe('of shared modules', () => {
    const files: Files = {
      'lib/a.rego': 'package lib\nf(x) := x\n',
      'lib/b.rego': 'package lib\nk := 1\n',
      'other.rego': 'package other\nz := data.lib.k\n',
      'g/n/1/policy.rego': policy('g', 'n', 'x := data.lib.f(1)\n'),
      'g/o/1/policy.rego': policy('g', 'o', 'x := data.other.z\n'),
    }

    it('holds the whole part of the package, and its dependents go on with the last good files', async () => {
      const made = await world(files)
      const change = {
        ...files,
        'lib/a.rego': 'package lib\nf(x) := \n',
        'lib/b.rego': 'package lib\nk := 2\n',
        'other.rego': 'package other\nz := 5\n',
        'g/n/1/policy.rego': policy('g', 'n', 'x := data.lib.f(2)\n'),
      }
      const built = await made.apply([fragment('main', change, 'c2')])
      expect(shown(built)).toEqual(['rego_parse_error lib/a.rego:3'])
      expect(built.plan.modules).toMatchObject({
        replace: ['main:other.rego'],
        status: ['main:lib/a.rego', 'main:lib/b.rego'],
        remove: [],
      })
      expect(built.plan.policies.replace).toEqual(['g/n/1', 'g/o/1'])
      expect(made.modules.get('main:lib/b.rego')).toMatchObject({
        text: 'package lib\nk := 1\n',
        status: { phase: 'Quarantined', commit: 'c2' },
      })
      expect((await made.build([fragment('main', change, 'c3')])).plan.empty).toBe(true)
      const fixed = await made.apply([
        fragment('main', { ...change, 'lib/a.rego': 'package lib\nf(x) := x + 1\n' }, 'c4'),
      ])
      expect(shown(fixed)).toEqual([])
      expect(made.modules.get('main:lib/a.rego')?.status.phase).toBe('Ready')
    })

    it('holds the change that breaks another module', async () => {
      const base = { ...files, 'user.rego': 'package user\ny := data.lib.f(1)\n' }
      const made = await world(base)
      const built = await made.apply([fragment('main', { ...base, 'lib/a.rego': 'package lib\ng(x) := x\n' }, 'c2')])
      expect(shown(built)).toEqual(['breaks_module lib/a.rego'])
      expect(built.plan.modules).toMatchObject({ replace: [], status: ['main:lib/a.rego', 'main:lib/b.rego'] })
      expect(built.plan.policies.keep).toEqual(['g/n/1', 'g/o/1'])
    })

    it('lets a change through that only breaks a policy: that policy is quarantined', async () => {
      const made = await world(files)
      const built = await made.apply([
        fragment('main', { ...files, 'lib/a.rego': 'package lib\nf(x, y) := x + y\n' }, 'c2'),
      ])
      expect(built.plan.policies.status).toEqual(['g/n/1'])
      expect(built.plan.policies.replace).toEqual(['g/o/1'])
      expect(built.plan.modules.replace).toEqual(['main:lib/a.rego'])
    })

    it('drops a new one that never was good', async () => {
      const made = await world(files)
      const built = await made.apply([
        fragment('main', { ...files, 'new.rego': 'package new\nx := nosuch(1)\n' }, 'c2'),
      ])
      expect(shown(built)).toEqual(['rego_type_error new.rego:2'])
      expect(built.plan.empty).toBe(true)
    })

    it('blames the newcomer when a policy meets a package in force', async () => {
      const made = await world(files)
      const built = await made.apply([fragment('main', { ...files, 'lib/n/1/policy.rego': policy('lib', 'n') }, 'c2')])
      expect(shown(built)).toEqual(['package_overlap lib/n/1/policy.rego:1'])
      expect(built.plan.modules.status).toEqual([])
    })

    it('holds broken shared data at its last good content', async () => {
      const base = { 't/data.json': '{"x":1}', 'g/n/1/policy.rego': policy('g', 'n', 'x := data.t.x\n') }
      const made = await world(base)
      const built = await made.apply([fragment('main', { ...base, 't/data.json': '{' }, 'c2')])
      expect(shown(built)).toEqual(['invalid_json t/data.json:1'])
      expect(built.plan.policies.keep).toEqual(['g/n/1'])
      expect(built.plan.modules.status).toEqual(['main:t/data.json'])
    })
  })
})

describe('several sources', () => {
  it.each([
    ['a policy', { 'g/n/1.0/policy.rego': policy('g', 'n') }, { 'g/n/1.0/policy.rego': policy('g', 'n', 'x := 2\n') }],
    ['a shared module', { 'lib/a.rego': 'package lib\n' }, { 'lib/a.rego': 'package other\n' }],
    ['shared data', { 'roles/data.json': '{}' }, { 'roles/data.json': '{"x":1}' }],
    ['shared data inside other data', { 'roles/data.json': '{"admin":1}' }, { 'roles/admin/data.json': '{}' }],
  ])('that both declare %s are a Conflict, and everything stays as it is', async (_, a, b) => {
    const made = createWorld(opa)
    await made.apply([fragment('one', { 'x/y/1/policy.rego': policy('x', 'y') })])
    const built = await made.build([fragment('one', a, 'c2'), fragment('two', b, 'c3')])
    expect(built.conflict).toBe(true)
    expect(built.plan.empty).toBe(true)
    const [one, two] = [built.findings.get('one'), built.findings.get('two')]
    expect(one?.[0]).toMatchObject({ code: 'Conflict', commit: 'c2', file: Object.keys(a)[0] })
    expect(two?.[0]).toMatchObject({ code: 'Conflict', commit: 'c3', file: Object.keys(b)[0] })
    expect(one?.[0]?.message).toContain('two')
  })

  it('may share a package, each its own part of it', async () => {
    const made = createWorld(opa)
    const one = { 'lib/a.rego': 'package lib\na := 1\n' }
    const two = {
      'lib/b.rego': 'package lib\nb := 1\n',
      'g/n/1/policy.rego': policy('g', 'n', 'x := data.lib.a + data.lib.b\n'),
    }
    await made.apply([fragment('one', one), fragment('two', two)])
    const built = await made.apply([
      fragment('one', { 'lib/a.rego': 'package lib\na := \n' }, 'c2'),
      fragment('two', { ...two, 'lib/b.rego': 'package lib\nb := 7\n' }, 'c3'),
    ])
    expect(shown(built, 'one')).toEqual(['rego_parse_error lib/a.rego:3'])
    expect(built.plan.modules).toMatchObject({ replace: ['two:lib/b.rego'], status: ['one:lib/a.rego'] })
    expect(built.plan.policies.replace).toEqual(['g/n/1'])
  })

  it('that cannot be read stay in force, and are rebuilt when what they use changes', async () => {
    const made = createWorld(opa)
    const lib = { 'lib/a.rego': 'package lib\na := 1\n' }
    const user = {
      'g/n/1/policy.rego': policy('g', 'n', 'x := data.lib.a\n'),
      'g/n/1/data.json': '{"y":1}',
      'mine.rego': 'package mine\nx := 1\n',
    }
    await made.apply([fragment('lib', lib, 'l1'), fragment('user', user, 'u1')])
    const absent = new Set(['user'])
    expect((await made.build([fragment('lib', lib, 'l2')], { absent })).plan.empty).toBe(true)
    const built = await made.apply([fragment('lib', { 'lib/a.rego': 'package lib\na := 2\n' }, 'l3')], { absent })
    expect(built.plan.policies).toMatchObject({ replace: ['g/n/1'], remove: [] })
    expect(built.plan.modules.remove).toEqual([])
    expect(made.policies.get('g/n/1')).toMatchObject({ commit: 'u1', author: 'author of u1', repository: 'user' })
    expect(
      (
        await made.build([
          fragment('lib', { 'lib/a.rego': 'package lib\na := 2\n' }, 'l3'),
          fragment('user', user, 'u1'),
        ])
      ).plan.empty,
    ).toBe(true)
    expect((await made.build([fragment('lib', lib, 'l2'), fragment('new', user)], { absent })).conflict).toBe(true)
  })

  it('that are configured no more are removed', async () => {
    const made = createWorld(opa)
    await made.apply([fragment('one', good), fragment('two', { 'lib.rego': 'package lib\n' })])
    const built = await made.build([fragment('two', { 'lib.rego': 'package lib\n' })])
    expect(built.plan.policies.remove).toEqual(['g/n/1.0'])
  })

  it('hand a policy over: it is replaced, not removed', async () => {
    const made = createWorld(opa)
    await made.apply([fragment('one', good), fragment('two', {})])
    const built = await made.apply([fragment('one', {}, 'c2'), fragment('two', good, 'c3')])
    expect(built.plan.policies).toMatchObject({ replace: ['g/n/1.0'], remove: [] })
    expect(made.policies.get('g/n/1.0')).toMatchObject({ repository: 'two', artifact: { entry: 'package' } })
    const broken = { 'g/n/1.0/policy.rego': 'package' }
    await made.apply([fragment('one', broken, 'c4'), fragment('two', {}, 'c5')])
    expect(made.policies.get('g/n/1.0')).toMatchObject({
      repository: 'one',
      status: { phase: 'Quarantined' },
      rego: good['g/n/1.0/policy.rego'],
    })
  })
})

describe('a mass deletion', () => {
  const many = (count: number): Files =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`g/n${index}/1/policy.rego`, policy('g', `n${index}`)]),
    )

  it.each([
    [9, 4, true],
    [9, 5, false],
    [10, 5, false],
    [4, 0, false],
    [5, 0, true],
  ])('of %i policies down to %i is held: %s', async (before, after, isHeld) => {
    const made = await world(many(before))
    const built = await made.build([fragment('main', many(after), 'c2')])
    expect(built.held.length > 0).toBe(isHeld)
    expect(built.plan.policies.remove).toHaveLength(isHeld ? 0 : before - after)
  })

  it('holds the whole commit until that very commit is confirmed', async () => {
    const made = await world({ ...many(6), 'lib.rego': 'package lib\nx := 1\n' })
    const next = {
      ...many(1),
      'g/n0/1/policy.rego': policy('g', 'n0', 'x := 9\n'),
      'lib.rego': 'package lib\nx := 2\n',
    }
    const held = await made.build([fragment('main', next, 'c2')])
    expect(held.plan.empty).toBe(true)
    expect(held.held).toEqual([
      { source: 'main', commit: 'c2', removes: ['g/n1/1', 'g/n2/1', 'g/n3/1', 'g/n4/1', 'g/n5/1'], of: 6 },
    ])
    expect(
      (await made.build([fragment('main', next, 'c2')], { confirmed: new Map([['main', 'c1']]) })).plan.empty,
    ).toBe(true)
    const confirmed = await made.build([fragment('main', next, 'c2')], { confirmed: new Map([['main', 'c2']]) })
    expect(confirmed.plan.policies).toMatchObject({ replace: ['g/n0/1'], remove: held.held[0]?.removes })
    expect(confirmed.held).toEqual([])
  })

  it('counts a rename as a removal, and invalid policies as there', async () => {
    const made = await world(many(6))
    const renamed = Object.fromEntries(
      Object.entries(many(6)).map(([path, text]) => [path.replace('/1/', '/2/'), text]),
    )
    expect((await made.build([fragment('main', renamed, 'c2')])).held).toHaveLength(1)
    const broken = Object.fromEntries(Object.keys(many(6)).map((path) => [path, 'package']))
    const built = await made.build([fragment('main', broken, 'c2')])
    expect(built.held).toEqual([])
    expect(built.plan.policies.status).toHaveLength(6)
  })
})

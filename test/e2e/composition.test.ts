/** Two Git repositories in one deployment: scopes, Conflicts, what nobody answers for any more. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { beforeAll, describe, expect, it } from 'vitest'
import type { TestRepo } from '../setup/git-repo.ts'
import {
  afterwards,
  call,
  evaluate,
  newDatabase,
  runEdict,
  startEdict,
  syncNow,
  temporaryFolder,
  type Edict,
} from './edict.ts'
import { newGitServer, newRepo, outcomeOf, rego, showSource, type Outcome } from './served-repo.ts'

const core =
  'package rbac\n\ndefault allow := false\n\nallow if role_check(input.role)\n\nrole_check(role) if role == "superadmin"\n'
const policy = (group: string, name: string, value: number | string) => ({
  [`${group}/${name}/1.0/policy.rego`]: rego(group, name, `value := ${value}`),
})

interface Deployment {
  readonly edict: () => Edict
  readonly env: Readonly<Record<string, string>>
  readonly platform: TestRepo
  readonly team: TestRepo
  readonly publish: (
    source: 'platform' | 'team',
    files: Readonly<Record<string, string | null>>,
  ) => Promise<Outcome & { readonly commit: string }>
  readonly value: (policy: string) => Promise<string>
  /** Stops and starts again with other sources. */
  readonly configure: (yaml: string) => Promise<void>
  readonly urls: { readonly platform: string; readonly team: string }
}

const deploy = async (
  files: { readonly platform: Record<string, string>; readonly team: Record<string, string> },
  yaml: (urls: Deployment['urls']) => string,
): Promise<Deployment> => {
  const platform = await newRepo({ name: 'platform.git' })
  const team = await newRepo({ name: 'team.git' })
  await platform.publish(files.platform, 'first')
  await team.publish(files.team, 'first')
  const [one, two] = await Promise.all([newGitServer({ root: platform.root }), newGitServer({ root: team.root })])
  const urls = { platform: `${one.url}/platform.git`, team: `${two.url}/team.git` }
  const config = join(await temporaryFolder(), 'edict.yaml')
  await writeFile(config, yaml(urls))
  const env = { ...newDatabase(), EDICT_CONFIG: config }
  let edict = await startEdict(env)
  const repos = { platform, team }
  return {
    edict: () => edict,
    env,
    platform,
    team,
    urls,
    async publish(source, changed) {
      const commit = await repos[source].publish(changed)
      return { ...outcomeOf(await syncNow(edict, source)), commit }
    },
    value: async (key) => (await evaluate(edict, key)).text,
    async configure(text) {
      await writeFile(config, text)
      await edict.stop()
      edict = await startEdict(env)
    },
  }
}

const source = (name: string, url: string, scope = '') =>
  `  - { name: ${name}, git: { url: "${url}" }, interval: 1h${scope === '' ? '' : `, scope: ${scope}`} }\n`

const owners = async ({ edict }: Deployment, key: string) => {
  const { status, json } = await call(`${edict().url}/api/ownership?key=${encodeURIComponent(key)}`)
  return status === 200
    ? (json as { owned: { owners: { source: string; file: string; commit: string }[] }[] }).owned[0]?.owners
    : status
}

describe('two repositories with scopes', () => {
  let scoped: Deployment
  const platformScope = '{ policies: ["gaiax/**"], modules: ["rbac/core", "lib/**"], data: [roles] }'
  const teamScope =
    '{ policies: ["shop/**"], modules: ["rbac/shop", "shop/**"], data: [shop], read: { modules: ["rbac/*"], data: [] } }'

  beforeAll(async () => {
    scoped = await deploy(
      {
        platform: {
          ...policy('gaiax', 'a', 1),
          'rbac/core.rego': core,
          'lib/money.rego': 'package lib.money\n\nrate := 19\n',
          'lib/secret.rego': 'package lib.secret\n\nkey := data.roles.key\n',
          'roles/data.json': '{"key":7}',
        },
        team: {
          ...policy('shop', 'price', 1),
          'shop/allowed/1.0/policy.rego': 'package shop.allowed\n\nallow := data.rbac.allow\n',
          'rbac/shop.rego': 'package rbac\n\nrole_check(role) if role == "clerk"\n',
        },
      },
      ({ platform, team }) =>
        `libraries:\n  - { source: platform, modules: ["lib/money"] }\nsources:\n${source('platform', platform, platformScope)}${source('team', team, teamScope)}`,
    )
  })

  it('make up one package, each its own modules of it, and own them', async () => {
    const { edict } = scoped
    const allowed = async (role: string) => (await evaluate(edict(), 'shop/allowed/1.0', { role })).text
    expect(await Promise.all(['superadmin', 'clerk', 'guest'].map(allowed))).toEqual([
      '{"allow":true}',
      '{"allow":true}',
      '{"allow":false}',
    ])
    // What Edict ships makes room for a core of one's own, and decides over rules beside it.
    expect(await owners(scoped, 'package:rbac')).toMatchObject([
      { source: 'edict', file: 'edict/rules.rego' },
      { source: 'platform', file: 'rbac/core.rego' },
      { source: 'team', file: 'rbac/shop.rego' },
    ])
    expect(await owners(scoped, 'policy:shop/price/1.0')).toMatchObject([
      { source: 'team', file: 'shop/price/1.0/policy.rego' },
    ])
    expect(await owners(scoped, 'data:roles/key')).toMatchObject([{ source: 'platform' }])
    expect(await owners(scoped, 'module:none')).toBe(404)
  })

  it('are refused whole when they overstep: all of it stays as it was, and the other goes on', async () => {
    const { edict, publish, value } = scoped
    const { commit, ...outcome } = await publish('team', {
      ...policy('shop', 'price', 2),
      ...policy('gaiax', 'b', 1),
      'lib/x.rego': 'package lib.x\n',
    })
    expect(outcome.ok).toBe(false)
    expect(outcome.findings).toMatchObject([
      { code: 'OutOfScope', file: 'gaiax/b/1.0/policy.rego', commit },
      { code: 'OutOfScope', file: 'lib/x.rego', commit },
    ])
    expect(outcome.findings[0]?.message).toContain('policy gaiax/b/1.0 is outside the scope of team (policies shop/**;')
    expect((await showSource(edict(), 'team')).json).toMatchObject({
      phase: 'Stalled',
      reason: 'OutOfScope',
      lastSeenCommit: commit,
    })
    expect(await value('shop/price/1.0')).toBe('{"value":1}')
    expect((await evaluate(edict(), 'gaiax/b/1.0')).status).toBe(404)
    expect(await publish('platform', policy('gaiax', 'a', 2))).toMatchObject({ ok: true })
    expect(await value('gaiax/a/1.0')).toBe('{"value":2}')

    const mended = await publish('team', { 'gaiax/b': null, 'lib/x.rego': null })
    expect(mended).toMatchObject({ ok: true, findings: [] })
    expect(await value('shop/price/1.0')).toBe('{"value":2}')
    expect((await showSource(edict(), 'team')).json).toMatchObject({ phase: 'Ready', commit: mended.commit })
  })

  it('read what their read scope and the libraries give them, and nothing else', async () => {
    const { publish, value } = scoped
    const reading = (reference: string) => ({
      'shop/price/1.0/policy.rego': `package shop.price\n\nvalue := ${reference}\n`,
    })
    expect(await publish('team', reading('data.lib.money.rate'))).toMatchObject({ ok: true, findings: [] })
    expect(await value('shop/price/1.0')).toBe('{"value":19}')
    for (const reference of ['data.roles.key', 'data.lib.secret.key']) {
      expect((await publish('team', reading(reference))).findings).toMatchObject([
        { code: 'out_of_scope_read', file: 'shop/price/1.0/policy.rego', line: 3 },
      ])
      expect(await value('shop/price/1.0')).toBe('{"value":19}')
    }
    expect((await publish('team', policy('shop', 'price', 3))).findings).toEqual([])
  })

  it('lose one broken module of a package, and nothing of the other’s', async () => {
    const { edict, publish } = scoped
    const { findings } = await publish('team', {
      'rbac/shop.rego': 'package rbac\n\nrole_check(role) if nosuch(role)\n',
    })
    expect(findings).toMatchObject([{ code: 'rego_type_error', file: 'rbac/shop.rego', line: 3 }])
    await publish('platform', { 'rbac/core.rego': core.replace('superadmin', 'root') })
    const allowed = async (role: string) => (await evaluate(edict(), 'shop/allowed/1.0', { role })).text
    expect(await Promise.all(['root', 'clerk', 'superadmin'].map(allowed))).toEqual([
      '{"allow":true}',
      '{"allow":true}',
      '{"allow":false}',
    ])
  })
})

describe('two repositories without scopes', () => {
  let both: Deployment

  beforeAll(async () => {
    both = await deploy(
      {
        platform: { ...policy('g', 'a', 1), 'lib/x.rego': 'package lib\n\nx := 1\n', 'roles/data.json': '{"admin":1}' },
        team: { ...policy('g', 'user', 'data.lib.x') },
      },
      ({ platform, team }) => `sources:\n${source('platform', platform)}${source('team', team)}`,
    )
  })

  it.each([
    ['a policy', 'g/a/1.0/policy.rego', rego('g', 'a', 'value := 2'), 'policy g/a/1.0'],
    ['a shared module', 'lib/x.rego', 'package other\n', 'shared module lib/x'],
    ['a data path', 'roles/data.json', '{}', 'shared data roles'],
    ['a data path inside of other data', 'roles/admin/data.json', '{}', 'shared data at data.roles.admin'],
  ])(
    'that both declare %s are in Conflict until one lets go; nothing of either is applied',
    async (_, path, text, what) => {
      const { edict, platform, publish, value } = both
      const { revision } = outcomeOf(await syncNow(edict(), 'team'))
      const { commit, ...outcome } = await publish('team', { [path]: text, ...policy('g', 'more', 1) })
      expect(outcome).toMatchObject({ ok: false, revision })
      const [finding] = outcome.findings
      expect(finding).toMatchObject({ code: 'Conflict', commit, file: path })
      for (const part of [what, 'platform (', 'team (', commit, (await platform.git(['rev-parse', 'HEAD'])).trim()])
        expect(finding?.message).toContain(part)
      for (const name of ['platform', 'team'])
        expect((await showSource(edict(), name)).json).toMatchObject({ phase: 'Stalled', reason: 'Conflict' })
      expect((await evaluate(edict(), 'g/more/1.0')).status).toBe(404)
      expect(await value('g/user/1.0')).toBe('{"value":1}')

      expect(await publish('team', { [path]: null, 'g/more': null })).toMatchObject({
        ok: true,
        findings: [],
        revision,
      })
      expect((await showSource(edict(), 'platform')).json).toMatchObject({ phase: 'Ready', reason: 'Succeeded' })
    },
  )

  it('hold one’s mass deletion back without the other', async () => {
    const { edict, publish, value } = both
    const many = Object.assign({}, ...'bcdefgh'.split('').map((name) => policy('g', name, 1))) as Record<string, string>
    expect(await publish('platform', many)).toMatchObject({ ok: true })
    const held = await publish('platform', Object.fromEntries(Object.keys(many).map((path) => [path, null])))
    expect(held).toMatchObject({ ok: false })
    expect((await showSource(edict(), 'platform')).json).toMatchObject({
      reason: 'MassDeletion',
      held: { commit: held.commit, of: 8 },
    })
    expect(await publish('team', policy('g', 'user', 'data.lib.x + 1'))).toMatchObject({ ok: true })
    expect(await value('g/user/1.0')).toBe('{"value":2}')
    expect(await value('g/b/1.0')).toBe('{"value":1}')
    await publish('platform', many)
  })

  it('leave documents alone that belong to nobody', async () => {
    const { edict, env, publish } = both
    const client = new MongoClient(env['MONGODB_URI'] ?? '')
    afterwards(() => client.close())
    const db = client.db(env['MONGODB_DATABASE'])
    for (const [collection, from, id] of [
      ['policies', 'g/a/1.0', 'foreign/a/1.0'],
      ['modules', 'platform:lib/x.rego', 'foreign:lib/y.rego'],
    ] as const) {
      const own = await db.collection<{ _id: string }>(collection).findOne({ _id: from })
      const [group, name] = id.split('/')
      const names = collection === 'policies' ? { group, name } : { id: 'lib/y', path: 'lib/y.rego' }
      await db
        .collection<{ _id: string; repository: string }>(collection)
        .insertOne({ ...own, ...names, _id: id, repository: 'foreign' })
    }
    await publish('team', policy('g', 'user', 'data.lib.x'))
    expect(await db.collection<{ _id: string }>('policies').findOne({ _id: 'foreign/a/1.0' })).not.toBeNull()
    expect(await db.collection<{ _id: string }>('modules').findOne({ _id: 'foreign:lib/y.rego' })).not.toBeNull()
    expect((await evaluate(edict(), 'g/user/1.0')).text).toBe('{"value":1}')
  })

  it('leave what is in force when one is dropped from the configuration, and say so', async () => {
    const { configure, edict, env, publish, urls, value } = both
    await configure(`sources:\n${source('team', urls.team)}`)
    expect((await showSource(edict(), 'platform')).json).toMatchObject({
      phase: 'Stalled',
      reason: 'NotConfigured',
      counts: { policies: 8, modules: 2 },
      message: expect.stringContaining('stay in force'),
    })
    expect((await runEdict(['status'], env)).stdout).toContain('platform  Stalled (NotConfigured)')
    expect(await value('g/a/1.0')).toBe('{"value":1}')
    // Those that use its modules can change meanwhile, and somebody else may take over what it had.
    expect(await publish('team', policy('g', 'user', 'data.lib.x * 5'))).toMatchObject({ ok: true, findings: [] })
    expect(await value('g/user/1.0')).toBe('{"value":5}')
    expect(await publish('team', { 'lib/x.rego': 'package lib\n\nx := 2\n' })).toMatchObject({ ok: true })
    expect(await value('g/user/1.0')).toBe('{"value":10}')
    expect(await owners(both, 'module:lib/x')).toMatchObject([{ source: 'team' }])
  })

  it('lose what one had once it is retired, however much that is', async () => {
    const { configure, edict, urls, value } = both
    await configure(`sources:\n${source('team', urls.team)}  - { name: platform, retire: true }\n`)
    expect((await evaluate(edict(), 'g/a/1.0')).status).toBe(404)
    expect((await evaluate(edict(), 'g/b/1.0')).status).toBe(404)
    expect(await value('g/user/1.0')).toBe('{"value":10}')
    expect(await owners(both, 'data:roles')).toBe(404)
    expect((await showSource(edict(), 'platform')).json).toMatchObject({
      phase: 'Ready',
      message: 'retired: nothing of it is in force',
      counts: { policies: 0, modules: 0 },
    })
    await configure(`sources:\n${source('team', urls.team)}`)
    expect((await showSource(edict(), 'platform')).status).toBe(404)
  })
})

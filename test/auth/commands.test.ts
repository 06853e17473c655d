/** permissions.yaml against every command that changes something, on a real store; and what a refusal leaves behind. */
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { beforeAll, describe, expect, it } from 'vitest'
import { pino } from 'pino'
import { parse } from 'yaml'
import { mintToken } from '../../src/auth/token.ts'
import { createProgram } from '../../src/cli/program.ts'
import { EdictError } from '../../src/errors.ts'
import { openEdict } from '../../src/main/embedded.ts'
import { openStore } from '../../src/store/store.ts'
import { opaPath } from '../setup/opa.ts'
import { useMongo } from '../setup/mongo.ts'
import { prepared, type OpenedStore } from '../store/harness.ts'
import { callers, tableSchema } from './permissions.ts'

const mongo = useMongo()
const table = tableSchema.parse(parse(readFileSync('test/auth/permissions.yaml', 'utf8')))
const key = 'payments/pay/1.0'

const put = async (folder: string, path: string, text: string): Promise<void> => {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), text)
}

interface World {
  readonly store: OpenedStore
  readonly env: Readonly<Record<string, string>>
  readonly tokens: ReadonlyMap<string, string>
}

const programOf = ({ env }: Pick<World, 'env'>, told: string[] = []): Command =>
  createProgram({
    env,
    cwd: env['EDICT_DATA'] ?? '',
    signal: new AbortController().signal,
    print: (text) => void told.push(text),
    tell: (text) => void told.push(text),
    untilStopped: (running) => running,
  })

/** `yes`, or the code of the refusal. */
const run = async (world: World, args: readonly string[]): Promise<string> => {
  try {
    await programOf(world).parseAsync(['node', 'edict', ...args])
    return 'yes'
  } catch (error) {
    const code = error instanceof EdictError ? error.code : String(error)
    return code === 'forbidden' || code === 'unauthenticated' ? code : 'yes'
  } finally {
    process.exitCode = undefined
  }
}

const open = async (more: Readonly<Record<string, string>> = {}): Promise<World> => {
  const folder = await mkdtemp(join(tmpdir(), 'edict-test-commands-'))
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database })
  await put(folder, `policies/${key}/policy.rego`, 'package payments.pay\n\nallow := true\n')
  const env = {
    ...{ MONGODB_URI: mongo.uri, MONGODB_DATABASE: database, OPA_PATH: opaPath(), LOG_LEVEL: 'silent' },
    ...{ EDICT_DATA: folder, EDICT_DIRECTORY: join(folder, 'policies'), ...more },
  }
  return { store, env, tokens: new Map() }
}

const withTokens = async (world: World): Promise<World> => {
  const tokens = new Map<string, string>()
  const made = [...callers.values()].flatMap((caller) => caller ?? []).toReversed()
  for (const { id: actor, roles, groups } of made) {
    const { id, hash } = mintToken()
    tokens.set(actor, id)
    const document = { _id: id, hash, actor, roles: [...roles], groups: [...groups], expires: null, by: null }
    // oxlint-disable-next-line no-await-in-loop
    await world.store.tokens.create(document)
  }
  return { ...world, tokens }
}

const asCaller = (name: string, args: readonly string[]): readonly string[] => {
  const caller = callers.get(name) ?? null
  return caller === null ? args : ['--as', caller.id, ...args]
}

const namesOf = (command: Command, prefix = ''): readonly string[] =>
  command.commands.flatMap((sub) => {
    const name = `${prefix}${sub.name()}`
    return sub.commands.length === 0 ? [name] : namesOf(sub, `${name} `)
  })

it('the table says something of every command, and of no other', () => {
  const group = (name: string): string => table.reading.find((one) => name.startsWith(`${one} `)) ?? name
  const names = new Set(namesOf(programOf({ env: {} })).map(group))
  expect([...Object.keys(table.commands), ...table.reading].sort()).toEqual([...names].sort())
})

describe('each command that changes something, or shows what is not for everybody', () => {
  let world: World
  beforeAll(async () => {
    world = await open()
    expect(await run(world, ['sync'])).toBe('yes')
    expect((await world.store.head()).revision).toBe(1)
    world = await withTokens(world)
  })

  const args = (command: string): readonly string[] => {
    const given: Readonly<Record<string, readonly string[]>> = {
      lock: [key],
      unlock: [key],
      rollback: ['1'],
      confirm: ['policies', '--commit', 'c0ffee'],
      release: ['policies'],
      'plans reject': ['no-such-plan'],
      'plans show': ['no-such-plan'],
      'audit erase': ['nobody-at-all'],
      'token create': ['--actor', 'new'],
      'token revoke': [world.tokens.get('otto') ?? ''],
    }
    return [...command.split(' '), ...(given[command] ?? [])]
  }

  it.each(Object.entries(table.commands))('%s', async (command, may) => {
    for (const name of callers.keys()) {
      const { sequence: before } = await world.store.head()
      const answer = await run(world, asCaller(name, args(command)))
      const refused = name === 'anonymous' ? 'unauthenticated' : 'forbidden'
      expect([command, name, answer]).toEqual([command, name, may[name] === 'yes' ? 'yes' : refused])
      if (answer !== 'yes')
        expect([command, name, (await world.store.head()).sequence]).toEqual([command, name, before])
    }
  })
})

describe('with a rules file', () => {
  const rules = `
groups:
  admins: [alice]
rules:
  - { id: admins, groups: [admins], actions: [read, change, lock, unlock, token], scope: any }
  - { id: admins-deploy, groups: [admins], actions: [apply, source, rollback, approve], target_scope: any }
  - { id: admins-admin, groups: [admins], actions: [admin] }
  - { id: payments, actors: [pia], actions: [lock, unlock], scope: unprotected }
  - { id: payments-deploy, actors: [pia], actions: [apply, source], target_scope: unprotected }
`
  let world: World
  beforeAll(async () => {
    world = await open()
    const folder = world.env['EDICT_DATA'] ?? ''
    await put(folder, 'policies/core/base/1.0/policy.rego', 'package core.base\n\nallow := true\n')
    await put(folder, 'authz.yaml', rules)
    const sources = `sources: [{ name: policies, directory: ${join(folder, 'policies')} }]`
    await put(folder, 'edict.yaml', `policy: { file: authz.yaml }\nprotected: ["core/**"]\n${sources}\n`)
    const { EDICT_DIRECTORY: _unused, ...env } = world.env
    world = { ...world, env }
  })

  const lastEntry = async () => (await world.store.audit.list({ limit: 1 }))[0]

  it('nobody may write who does not say who acts, before there is any token', async () => {
    expect(await run(world, ['sync'])).toBe('unauthenticated')
    expect(await run(world, ['apply'])).toBe('unauthenticated')
    expect(await run(world, ['lock', key])).toBe('unauthenticated')
    expect((await world.store.head()).revision).toBe(0)
  })

  it('an actor without the right to what is protected brings nothing of it, nor of anything beside it, in force', async () => {
    expect(await run(world, ['--as', 'pia', 'apply'])).toBe('forbidden')
    expect((await world.store.head()).revision).toBe(0)
  })

  it('an admin writes, and the audit log says so', async () => {
    expect(await run(world, ['--as', 'alice', 'apply'])).toBe('yes')
    expect((await world.store.head()).revision).toBe(1)
    expect(await lastEntry()).toMatchObject({ actor: 'alice', action: 'sync.apply' })
    expect(await run(world, ['--as', 'pia', 'lock', 'core/base/1.0'])).toBe('forbidden')
    expect(await world.store.locks.list()).toEqual([])
    expect(await run(world, ['--as', 'alice', 'lock', 'core/base/1.0', '--reason', 'broken'])).toBe('yes')
    expect(await world.store.locks.list()).toMatchObject([{ _id: 'core/base/1.0', actor: 'alice', reason: 'broken' }])
    expect(await lastEntry()).toMatchObject({ actor: 'alice', action: 'policy.lock', resource: 'core/base/1.0' })
    expect(await run(world, ['--as', 'pia', 'lock', key])).toBe('yes')
  })

  it('the glass can be broken, and that is written down before anything else', async () => {
    expect(await run(world, ['--break-glass', 'all admins are ill', '--as', 'nora', 'unlock', 'core/base/1.0'])).toBe(
      'yes',
    )
    const entries = await world.store.audit.list({ limit: 2 })
    expect(entries).toMatchObject([
      { actor: 'nora', action: 'policy.unlock' },
      { actor: 'nora', action: 'auth.break-glass', details: { reason: 'all admins are ill' } },
    ])
  })

  it('the rules are taken up again for who may have that done, and for nobody else', async () => {
    expect(await run(world, ['reload'])).toBe('unauthenticated')
    expect(await run(world, ['--as', 'pia', 'reload'])).toBe('forbidden')
    const told: string[] = []
    await programOf(world, told).parseAsync(['node', 'edict', '--as', 'alice', 'reload'])
    expect(told.join('\n')).toMatch(/the rules [0-9a-f]{12} are taken up/)
    expect(await lastEntry()).toMatchObject({ actor: 'alice', action: 'authz.reload', resource: 'authz' })
  })

  it('a file that cannot be taken up is refused by its place', async () => {
    const file = join(world.env['EDICT_DATA'] ?? '', 'authz.yaml')
    await writeFile(file, rules.replace(/.*admins-admin.*\n/, ''))
    const refused = (args: readonly string[]) => programOf(world).parseAsync(['node', 'edict', ...args, 'reload'])
    const message = expect.stringMatching(/authz\.yaml:\d+:\d+[^]*no rule gives[^]*The rules in force stay in force/)
    await expect(refused(['--as', 'alice'])).rejects.toMatchObject({ code: 'policy_invalid', message })
    await expect(refused(['--break-glass', 'test', '--as', 'nora'])).rejects.toMatchObject({ message })
    expect(await lastEntry()).toMatchObject({ actor: 'nora', action: 'authz.refuse' })
    await writeFile(file, rules)
  })

  it.each([
    ['gives nobody admin', rules.replace(/.*admins-admin.*\n/, ''), 'no rule gives anybody the action admin'],
    ['gives it to a group that is empty', rules.replace('[alice]', '[]'), 'nobody could change the rules'],
    ['has a rule of no kind', rules.replace(', target_scope: unprotected', ''), 'needs a target_scope'],
    ['is not YAML', 'rules: [', 'authz.yaml:'],
  ])('a file that %s is refused, with its place', async (_, text, message) => {
    const file = join(world.env['EDICT_DATA'] ?? '', 'authz.yaml')
    const good = await readFile(file, 'utf8')
    await writeFile(file, text)
    const refused = programOf(world).parseAsync(['node', 'edict', '--as', 'alice', 'lock', key])
    await expect(refused).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining(message) })
    await expect(refused).rejects.toMatchObject({ message: expect.stringMatching(/authz\.yaml:\d+:\d+/) })
    await writeFile(file, good)
  })
})

it('the last token that could make another is revoked by who breaks the glass only', async () => {
  const world = await open()
  const make = ['token', 'create', '--actor', 'alice', '--roles', 'superuser']
  expect(await run(world, make)).toBe('yes')
  const [only] = await world.store.tokens.list()
  const revoke = ['token', 'revoke', only?._id ?? '']
  await expect(programOf(world).parseAsync(['node', 'edict', '--as', 'alice', ...revoke])).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('Make another one first'),
  })
  expect((await world.store.tokens.list())[0]?.revoked).toBeNull()
  await programOf(world).parseAsync(['node', 'edict', '--as', 'nora', '--break-glass', 'it leaked', ...revoke])
  expect((await world.store.tokens.list())[0]?.revoked).toBeInstanceOf(Date)
})

it('who locked does not unlock where four eyes are asked for, whatever they may otherwise', async () => {
  const world = await open()
  const folder = world.env['EDICT_DATA'] ?? ''
  const all = '[read, change, lock, unlock, token]'
  const rules = [
    `{ id: both, actors: [alice, bob], actions: ${all}, scope: any }`,
    '{ id: deploy, actors: [alice], actions: [apply, source], target_scope: any }',
    '{ id: admin, actors: [alice], actions: [admin] }',
  ]
  await put(folder, 'authz.yaml', `rules:\n  - ${rules.join('\n  - ')}\nfour_eyes: ["payments/**"]\n`)
  const asking = { ...world, env: { ...world.env, EDICT_POLICY_FILE: 'authz.yaml' } }
  expect(await run(asking, ['--as', 'alice', 'sync'])).toBe('yes')
  expect(await run(asking, ['--as', 'alice', 'lock', key])).toBe('yes')
  expect(await run(asking, ['--as', 'alice', 'unlock', key])).toBe('forbidden')
  expect(await world.store.locks.list()).toHaveLength(1)
  expect(await run(asking, ['--as', 'bob', 'unlock', key])).toBe('yes')
  expect(await world.store.locks.list()).toEqual([])
})

it('who may do what is explained with what the store knows: who locked it, and what a plan touches', async () => {
  const world = await open()
  const folder = world.env['EDICT_DATA'] ?? ''
  const rules = [
    '{ id: all, actors: [alice, bob], actions: [lock, unlock, token], scope: any }',
    '{ id: deploy, actors: [alice], actions: [apply, source], target_scope: any }',
    '{ id: approve, actors: [alice], actions: [approve], target_scope: { patterns: ["payments/**"] } }',
    '{ id: admin, actors: [alice], actions: [admin] }',
  ]
  await put(folder, 'authz.yaml', `rules:\n  - ${rules.join('\n  - ')}\nfour_eyes: ["payments/**"]\n`)
  const source = { name: 'policies', directory: join(folder, 'policies') }
  await put(folder, 'edict.yaml', JSON.stringify({ policy: { file: 'authz.yaml' }, sources: [source] }))
  const { EDICT_DIRECTORY: _unused, ...env } = world.env
  const asking = { ...world, env }
  const explained = async (...asked: readonly string[]): Promise<string> => {
    const told: string[] = []
    await programOf(asking, told).parseAsync(['node', 'edict', 'policy', 'explain', ...asked])
    return told.join('\n')
  }
  expect(await run(asking, ['--as', 'alice', 'sync'])).toBe('yes')
  expect(await run(asking, ['--as', 'alice', 'lock', key])).toBe('yes')
  const unlock = ['--action', 'unlock', '--policy', key]
  expect(await explained('--actor', 'alice', ...unlock)).toContain(
    `alice may unlock ${key} is false\n  by authz.yaml:6  four_eyes: payments/**\n    actor is "alice"\n    who locked ${key} is "alice"`,
  )
  expect(await explained('--actor', 'bob', ...unlock)).toBe(
    `bob may unlock ${key} is true\n  by authz.yaml:2  rule all`,
  )
  expect(await explained('--actor', 'bob', '--by', 'bob', ...unlock)).toContain('is false')

  const waiting = { ...source, mode: 'plan' }
  await put(folder, 'edict.yaml', JSON.stringify({ policy: { file: 'authz.yaml' }, sources: [waiting] }))
  await put(folder, 'policies/shop/pay/1.0/policy.rego', 'package shop.pay\n\nallow := true\n')
  expect(await run(asking, ['--as', 'alice', 'sync'])).toBe('yes')
  const [plan] = await world.store.plans.list({ status: 'Waiting', limit: 1 }).then(({ items }) => items)
  const approve = ['--action', 'approve', '--target', `plan:${plan?._id}`]
  const answer = await explained('--actor', 'alice', ...approve)
  expect(answer).toContain('alice may approve shop/pay/1.0 is false')
  expect(answer).toContain('key is "shop/pay/1.0"')
  await expect(explained('--actor', 'alice', '--action', 'approve', '--target', 'plan:none')).rejects.toMatchObject({
    code: 'plan_not_found',
  })
})

it('a program that embeds the store is asked who acts, like everybody', async () => {
  const world = await open()
  expect(await run(world, ['sync'])).toBe('yes')
  const { env } = await withTokens(world)
  const edict = await openEdict({ env, cwd: env['EDICT_DATA'] ?? '', signal: new AbortController().signal })
  const lock = async (id: string | null) =>
    edict.store.locks.lock(key, { actor: id === null ? null : await edict.actor(id), reason: null, until: null })
  await expect(lock(null)).rejects.toMatchObject({ code: 'unauthenticated' })
  await expect(lock('vera')).rejects.toMatchObject({ code: 'forbidden' })
  await lock('olaf')
  expect(await edict.store.locks.list()).toMatchObject([{ _id: key, actor: 'olaf' }])
  expect(Object.keys(edict.store)).not.toContain('change')
  await edict.close()
})

it('a store that was opened without saying who may do what changes nothing', async () => {
  const stop = new AbortController()
  const store = openStore({
    uri: mongo.uri,
    database: mongo.database(),
    log: pino({ level: 'silent' }),
    signal: stop.signal,
  })
  await store.ensureCollections()
  await expect(store.locks.lock(key, { actor: null, reason: null, until: null })).rejects.toMatchObject({
    code: 'forbidden',
  })
  await expect(store.requests.submit({ reason: 'sync', source: null, commit: null })).rejects.toMatchObject({
    code: 'forbidden',
  })
  await store.close()
})

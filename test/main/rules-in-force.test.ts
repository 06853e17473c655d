/** The rules file as one process goes by it: taken up when it changes, and not when it cannot be. */
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { pino } from 'pino'
import { policyResource } from '../../src/auth/actions.ts'
import { followRulesFile } from '../../src/main/follow-rules-file.ts'
import { openRules, type ReadRules } from '../../src/main/rules-in-force.ts'
import { person } from '../setup/actors.ts'
import { until } from '../store/harness.ts'

const rulesFor = (locker: string): string => `
rules:
  - { id: admins, actors: [alice], actions: [token], scope: any }
  - { id: admins-admin, actors: [alice], actions: [admin] }
  - { id: lockers, actors: [${locker}], actions: [lock], scope: any }
`
const withoutAdmin = rulesFor('bob').replace(/.*admins-admin.*\n/, '')

let folder = ''
let file = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edict-test-rules-'))
  file = join(folder, 'authz.yaml')
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(() => writeFile(file, rulesFor('bob')))

const open = (given?: string) => openRules({ policy: { file, tests: null }, protected: [] }, given)
type Opened = ReturnType<typeof open>

const mayLock = async ({ authz }: Opened, id: string): Promise<boolean> =>
  (await authz()).decide({ actor: person(id), action: 'lock', resources: [policyResource('a/b/1')] }).allow

it('what is read again decides from then on', async () => {
  const rules = open()
  expect([await mayLock(rules, 'bob'), await mayLock(rules, 'carol')]).toEqual([true, false])
  await writeFile(file, rulesFor('carol'))
  expect(rules.reload().changed).toBe(true)
  expect([await mayLock(rules, 'bob'), await mayLock(rules, 'carol')]).toEqual([false, true])
  expect(rules.reload().changed).toBe(false)
})

it.each([
  ['is not YAML', 'rules: [', 'authz.yaml:'],
  ['leaves nobody who may change the rules', withoutAdmin, 'no rule gives anybody the action admin'],
  ['cannot be read', null, 'cannot be read: there is no such file; relative paths start at the working folder'],
])('a file that %s changes nothing, and it is known why', async (_, text, problem) => {
  const rules = open()
  const before = rules.state()
  if (text === null) await rm(file)
  else await writeFile(file, text)
  expect(rules.reload()).toMatchObject({ changed: true, read: { kind: 'bad' } })
  expect(rules.state()).toMatchObject({ digest: before.digest, since: before.since })
  expect(rules.state().problem?.message).toContain(problem)
  expect([await mayLock(rules, 'bob'), await mayLock(rules, 'carol')]).toEqual([true, false])
  await writeFile(file, rulesFor('bob'))
  expect(rules.reload().changed).toBe(true)
  expect(rules.state()).toEqual(before)
})

it('a process that starts beside others goes by what they go by while the file cannot be taken', async () => {
  await writeFile(file, withoutAdmin)
  expect(() => open()).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  const rules = open(rulesFor('carol'))
  expect(await mayLock(rules, 'carol')).toBe(true)
  expect(rules.state().problem?.message).toContain('admin')
})

describe('a file that changes by itself', () => {
  const follow = (rules: Opened, note?: (read: ReadRules) => Promise<void>) => {
    const stop = new AbortController()
    const log = pino({ level: 'silent' })
    const following = followRulesFile({ rules, log, signal: stop.signal, everyMs: 10, ...(note && { note }) })
    return async () => {
      stop.abort()
      await following
    }
  }

  it('is taken up, written in place or put in place of the other, and noted once', async () => {
    const rules = open()
    const noted: string[] = []
    const stop = follow(rules, async ({ kind, digest }) => void noted.push(`${kind} ${digest}`))
    const digests: (string | null)[] = []
    for (const [name, replace] of [
      ['carol', false],
      ['dora', true],
      ['carol', true],
    ] as const) {
      await writeFile(replace ? `${file}.new` : file, rulesFor(name))
      if (replace) await rename(`${file}.new`, file)
      await until(() => mayLock(rules, name))
      digests.push(rules.state().digest)
    }
    await until(() => noted.length === 3)
    expect(noted).toEqual(digests.map((digest) => `good ${digest}`))
    await stop()
  })

  it('is taken up when a link above it is swapped, as a mounted ConfigMap does', async () => {
    const mount = await mkdtemp(join(folder, 'mount-'))
    const put = async (version: string, locker: string): Promise<void> => {
      await mkdir(join(mount, version))
      await writeFile(join(mount, version, 'authz.yaml'), rulesFor(locker))
      await symlink(version, join(mount, '..data.new'))
      await rename(join(mount, '..data.new'), join(mount, '..data'))
    }
    await put('1', 'bob')
    await symlink('..data/authz.yaml', join(mount, 'authz.yaml'))
    const rules = openRules({ policy: { file: join(mount, 'authz.yaml'), tests: null }, protected: [] })
    const stop = follow(rules)
    await put('2', 'carol')
    await rm(join(mount, '1'), { recursive: true })
    await until(() => mayLock(rules, 'carol'))
    await stop()
  })

  it('and cannot be taken is noted, and again only when it is another one', async () => {
    const rules = open()
    const noted: string[] = []
    const stop = follow(rules, async ({ kind }) => void noted.push(kind))
    await writeFile(file, 'rules: [')
    await until(() => noted.length === 1)
    await writeFile(file, withoutAdmin)
    await until(() => noted.length === 2)
    await writeFile(file, rulesFor('carol'))
    await until(() => mayLock(rules, 'carol'))
    await until(() => noted.length === 3)
    expect(noted).toEqual(['bad', 'bad', 'good'])
    await stop()
  })

  it('is noted later when the store is away', async () => {
    const rules = open()
    let isAway = true
    let asked = 0
    const stop = follow(rules, async () => {
      asked += 1
      if (isAway) throw new Error('away')
    })
    await writeFile(file, rulesFor('carol'))
    await until(() => asked > 2)
    expect(await mayLock(rules, 'carol')).toBe(true)
    isAway = false
    const before = asked
    await until(() => asked > before)
    const after = asked
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(asked).toBe(after)
    await stop()
  })
})

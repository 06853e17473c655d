/**
 * Every operation of the store: it asks the gate before it changes anything, or it only reads, or it is Edict's own
 * book-keeping, which no program that embeds the store is given.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Enforce } from '../../src/auth/enforce.ts'
import { EdictError } from '../../src/errors.ts'
import { openEdict } from '../../src/main/embedded.ts'
import type { Store } from '../../src/store/store.ts'
import { person } from '../setup/actors.ts'
import { useMongo } from '../setup/mongo.ts'
import { applyPlan, open, plan, planRecord, policy, prepared } from './harness.ts'

const mongo = useMongo()
const key = 'g/p/1.0'
const actor = person('pia')
const lease = { holder: 'test', token: 1 } as Parameters<Store['apply']>[0]['lease']
const base = { baseRevision: 1, statuses: [], put: [], modules: [], sources: [] }

/** What it asks for, and how it is called. */
const asking: Readonly<Record<string, readonly [string, (store: Store, ids: Ids) => Promise<unknown>]>> = {
  apply: [`apply policy ${key}`, (store) => store.apply({ plan: plan({ replace: [policy(key)] }), lease, actor })],
  applyStatus: [
    `apply policy ${key}`,
    (store) => store.applyStatus({ plan: { ...base, put: [policy(key)] }, lease, actor }),
  ],
  'audit.erase': ['admin audit audit', (store) => store.audit.erase({ subject: 'x', actor })],
  'locks.lock': [`lock policy ${key}`, (store) => store.locks.lock(key, { actor, reason: null, until: null })],
  'locks.unlock': [`unlock policy ${key}`, (store) => store.locks.unlock(key, { actor })],
  'plans.propose': ['source source platform', (store) => store.plans.propose(planRecord(), actor)],
  'plans.dismiss': [
    'source source platform',
    (store, { waiting }) => store.plans.dismiss(waiting, { status: 'Stale', message: '', actor }),
  ],
  'plans.reject': [
    `approve policy ${key}`,
    (store, { waiting }) => store.plans.reject(waiting, { actor, reason: null }),
  ],
  'holds.release': ['source source platform', (store) => store.holds.release('platform', actor)],
  'requests.submit': [
    'source source platform',
    (store) => store.requests.submit({ reason: 'sync', source: 'platform', commit: null, actor }),
  ],
  'tokens.create': [
    'token token new',
    (store) =>
      store.tokens.create({
        ...{ _id: 'b'.repeat(12), hash: 'a'.repeat(64), actor: 'new', roles: [], groups: [], expires: null, by: actor },
      }),
  ],
  'tokens.revoke': ['token token alice', (store, { token }) => store.tokens.revoke(token, { by: actor })],
  'rulesChanges.announce': [
    'admin authz authz',
    (store) => store.rulesChanges.announce({ actor, from: null, digest: 'd' }),
  ],
  'rulesChanges.refuse': [
    'admin authz authz',
    (store) => store.rulesChanges.refuse({ actor, from: null, digest: 'd', problem: 'p' }),
  ],
}

const reading = [
  ...['head', 'ready', 'audit.verify', 'audit.list', 'audit.each', 'audit.get', 'blobs.get', 'blobs.missing'],
  ...['policies.get', 'policies.list', 'policies.stored', 'policies.whole', 'policies.modules', 'policies.packages'],
  ...['policies.readText', 'locks.get', 'locks.list', 'sources.get', 'sources.list', 'plans.get', 'plans.waiting'],
  ...['plans.list', 'holds.list', 'revisions.list', 'revisions.get', 'revisions.touchedSince', 'revisions.policyAt'],
  ...[
    'revisions.contentAt',
    'revisions.originsOf',
    'requests.find',
    'requests.lastWebhooks',
    'requests.waitFor',
    'rules.all',
    'rules.at',
    'rules.list',
    'rules.get',
  ],
  ...['rules.ofService', 'rules.services', 'tokens.required', 'tokens.list', 'rulesChanges.last', 'replicas.list'],
  ...['replicas.confirm', 'stats.read', 'enforce'],
]

/** Who calls these was let through before, or nobody acts. */
const own = [
  ...['ensureCollections', 'change', 'archive', 'close', 'blobs.put', 'blobs.collectGarbage', 'sources.putStatus'],
  ...['sources.forget', 'revisions.prune', 'requests.take', 'requests.changes', 'requests.withdraw'],
  ...['requests.complete', 'requests.watch', 'tokens.require', 'tokens.used', 'leases.acquire', 'leases.renew'],
  ...['leases.release', 'replicas.beat', 'replicas.tells', 'replicas.remove', 'replicas.forget', 'stats.add'],
]

interface Ids {
  readonly token: string
  readonly waiting: string
}

const namesOf = (store: object): readonly string[] =>
  Object.entries(store).flatMap(([name, part]: [string, unknown]) => {
    if (typeof part === 'function') return [name]
    if (typeof part !== 'object' || part === null || part instanceof Promise) return []
    return Object.entries(part).flatMap(([inner, value]) => (typeof value === 'function' ? [`${name}.${inner}`] : []))
  })

const ofOthers = /^(?:connection|log|abort)\b/

it('each operation is known to ask, to read only, or to be Edict’s own', () => {
  const names = namesOf(open({ uri: mongo.uri, database: mongo.database() })).filter((name) => !ofOthers.test(name))
  expect(names.toSorted()).toEqual([...Object.keys(asking), ...reading, ...own].toSorted())
})

it('a program that embeds the store is given none of Edict’s own', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'edict-test-gate-'))
  const env = { MONGODB_URI: mongo.uri, MONGODB_DATABASE: mongo.database(), EDICT_DATA: cwd, LOG_LEVEL: 'silent' }
  const edict = await openEdict({ env, cwd, signal: new AbortController().signal })
  const offered = namesOf(edict.store)
  expect(offered).toContain('locks.lock')
  expect(offered.filter((name) => own.includes(name))).toEqual([])
  await edict.close()
  await rm(cwd, { recursive: true })
})

it('an operation that changes something asks first, and changes nothing when it is refused', async () => {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database })
  const ids = await filled(store)
  const asked: string[] = []
  const refuse: Enforce = async (who, action, resource) => {
    asked.push(...[resource].flat().map(({ kind, key: what }) => `${who?.id}: ${action} ${kind} ${what}`))
    throw new EdictError('forbidden', 'no')
  }
  const gated = open({ uri: mongo.uri, database, enforce: refuse })
  const { sequence } = await store.head()
  for (const [name, [wanted, call]] of Object.entries(asking)) {
    asked.length = 0
    // oxlint-disable-next-line no-await-in-loop
    await expect(call(gated, ids), name).rejects.toMatchObject({ code: 'forbidden' })
    expect([name, asked]).toEqual([name, [`pia: ${wanted}`]])
  }
  expect(await store.head()).toMatchObject({ sequence })
  expect(await store.requests.take()).toEqual([])
})

/** A policy, a token, and a plan that waits. */
const filled = async (store: Store): Promise<Ids> => {
  await applyPlan(store, { create: [policy(key)] })
  const created = { hash: 'a'.repeat(64), actor: 'alice', roles: ['superuser'], groups: [], expires: null }
  const { token } = await store.tokens.create({ _id: 'a'.repeat(12), ...created, by: person('root') })
  const nothing = { create: [], replace: [], remove: [], keep: 0 }
  const changes = { policies: { ...nothing, replace: [key] }, modules: nothing }
  const waiting = planRecord({ baseRevision: 1, changes })
  await store.plans.propose(waiting, person('root'))
  return { token: token._id, waiting: waiting._id }
}

import { MongoClient, type Collection } from 'mongodb'
import { expect, it } from 'vitest'
import type { AuditDocument } from '../../src/policy/schema.ts'
import { markText, parseMark, type AuditMark } from '../../src/store/audit-chain.ts'
import { useMongo } from '../setup/mongo.ts'
import { applyPlan, digestOf, policy, prepared, type OpenedStore } from './harness.ts'
import { person } from '../setup/actors.ts'

const mongo = useMongo()

interface Log {
  readonly store: OpenedStore
  readonly marks: readonly AuditMark[]
  /** Somebody who writes past Edict. */
  readonly tamper: (work: (audit: Collection<AuditDocument>) => Promise<unknown>) => Promise<void>
  readonly setHead: (fields: Partial<Record<'sequence' | 'auditHash', unknown>>) => Promise<void>
}

/** Five entries. */
async function aLog(): Promise<Log> {
  const database = mongo.database()
  const store = await prepared({ uri: mongo.uri, database })
  const marks: AuditMark[] = []
  for (const actor of ['alice', 'bob', 'alice', 'carol', 'bob']) {
    const changes = [{ key: 'module:rbac/core', before: null, after: 'ab' }]
    const info = {
      actor,
      from: `10.0.0.${marks.length + 1}`,
      action: 'module.put',
      resource: 'module:rbac/core',
      changes,
    }
    marks.push(await store.change({ ...info, details: { n: marks.length } }, async () => null))
  }
  const raw = async (work: (client: MongoClient) => Promise<unknown>): Promise<void> => {
    const client = new MongoClient(mongo.uri)
    await work(client)
    await client.close()
  }
  return {
    store,
    marks,
    tamper: (work) => raw((client) => work(client.db(database).collection('audit'))),
    setHead: (fields) => raw((client) => client.db(database).collection('head').updateOne({}, { $set: fields })),
  }
}

it('holds as it was written, from the beginning and from any mark', async () => {
  const { store, marks } = await aLog()
  const head = { sequence: 5, hash: marks[4]?.hash }
  expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 5, head })
  for (const since of marks) expect(await store.audit.verify({ since })).toMatchObject({ ok: true, head })
})

const wrongs: Record<string, [(audit: Collection<AuditDocument>) => Promise<unknown>, number]> = {
  'altered details': [(audit) => audit.updateOne({ _id: 2 }, { $set: { details: { n: 7 } } }), 2],
  'an altered action': [(audit) => audit.updateOne({ _id: 4 }, { $set: { action: 'nothing' } }), 4],
  'another actor': [(audit) => audit.updateOne({ _id: 3 }, { $set: { actor: 'mallory' } }), 3],
  'another origin': [(audit) => audit.updateOne({ _id: 3 }, { $set: { from: '::1' } }), 3],
  'an actor taken out without its salt': [(audit) => audit.updateOne({ _id: 3 }, { $set: { actor: null } }), 3],
  'another text': [(audit) => audit.updateOne({ _id: 1 }, { $set: { 'changes.0.after': 'cd' } }), 1],
  'another time': [(audit) => audit.updateOne({ _id: 1 }, { $set: { at: new Date(0) } }), 1],
  'an entry taken out': [(audit) => audit.deleteOne({ _id: 3 }), 3],
  'the last entry taken out': [(audit) => audit.deleteOne({ _id: 5 }), 5],
  'two entries exchanged': [
    async (audit) => {
      const [a, b] = [await audit.findOne({ _id: 2 }), await audit.findOne({ _id: 3 })]
      if (a === null || b === null) throw new Error('no entries')
      const [{ _id: _a, ...first }, { _id: _b, ...second }] = [a, b]
      await audit.replaceOne({ _id: 2 }, second)
      await audit.replaceOne({ _id: 3 }, first)
    },
    2,
  ],
}

for (const [what, [wrong, sequence]] of Object.entries(wrongs))
  it(`${what}: does not hold, and is named`, async () => {
    const { store, tamper } = await aLog()
    await tamper(wrong)
    expect(await store.audit.verify()).toMatchObject({ ok: false, sequence })
  })

it('a tail that was cut off together with the head shows to whoever kept a mark', async () => {
  const { store, marks, tamper, setHead } = await aLog()
  await tamper((audit) => audit.deleteMany({ _id: { $gt: 3 } }))
  await setHead({ sequence: 3, auditHash: marks[2]?.hash })
  expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 3 })
  expect(await store.audit.verify({ since: marks[4] })).toMatchObject({ ok: false, sequence: 5 })
})

it('an erased person is in no entry, and the chain still holds', async () => {
  const { store } = await aLog()
  expect(await store.audit.erase({ subject: 'bob', actor: person('dpo') })).toMatchObject({ erased: 2, sequence: 6 })
  expect(await store.audit.erase({ subject: '10.0.0.1', actor: person('dpo') })).toMatchObject({ erased: 1 })
  const entries = await store.audit.list({ limit: 100 })
  expect(JSON.stringify(entries)).not.toContain('bob')
  expect(entries.map(({ actor }) => actor)).toEqual(['dpo', 'dpo', null, 'carol', 'alice', null, 'alice'])
  expect(await store.audit.verify()).toMatchObject({ ok: true, entries: 7 })
})

it('is found by actor, module and time, page by page', async () => {
  const { store } = await aLog()
  const numbers = async (query: Parameters<typeof store.audit.list>[0]) =>
    (await store.audit.list(query)).map(({ _id }) => _id)
  expect(await numbers({ actor: 'bob', limit: 9 })).toEqual([5, 2])
  expect(await numbers({ module: 'rbac/core', limit: 2 })).toEqual([5, 4])
  expect(await numbers({ module: 'rbac/core', before: 4, limit: 9 })).toEqual([3, 2, 1])
  expect(await numbers({ module: 'other', limit: 9 })).toEqual([])
  expect(await numbers({ since: new Date(Date.now() + 60_000), limit: 9 })).toEqual([])
  expect(await numbers({ until: new Date(Date.now() + 60_000), limit: 9 })).toHaveLength(5)
})

it('a mark is read as it was written', () => {
  const mark = { sequence: 12, hash: 'a0'.repeat(32) }
  expect(parseMark(markText(mark))).toEqual(mark)
  for (const text of ['', '12', '12:ab', `x:${mark.hash}`]) expect(parseMark(text)).toBeUndefined()
})

it('an apply names the texts that it changed, and they are kept for as long as the log names them', async () => {
  const store = await prepared({ uri: mongo.uri, database: mongo.database() })
  const first = { ...policy('a/b/1'), rego: 'package a.b\nx := 1' }
  const second = { ...first, rego: 'package a.b\nx := 2', digest: 'other' }
  await applyPlan(store, { create: [first] })
  await applyPlan(store, { replace: [second] })
  await applyPlan(store, { remove: ['a/b/1'] })
  const digests = [first, second].map(({ rego }) => digestOf(Buffer.from(rego)))
  const entries = await store.audit.list({ action: 'sync.apply', limit: 9 })
  expect(entries.map(({ changes }) => changes)).toEqual([
    [{ key: 'policy:a/b/1', before: digests[1], after: null }],
    [{ key: 'policy:a/b/1', before: digests[0], after: digests[1] }],
    [{ key: 'policy:a/b/1', before: null, after: digests[0] }],
  ])
  await store.connection.run((db) => db.collection('versions').deleteMany({}))
  await store.blobs.collectGarbage({ olderThanMs: -1000 })
  for (const digest of digests) expect((await store.blobs.get(digest)).length).toBeGreaterThan(0)
})

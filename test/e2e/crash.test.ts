import { setTimeout as sleep } from 'node:timers/promises'
import type { ClientSession } from 'mongodb'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import type { PolicyDocument } from '../../src/policy/schema.ts'
import { collectionsOf } from '../../src/store/collections.ts'
import { enforceOpen } from '../../src/auth/enforce.ts'
import { openStore } from '../../src/store/store.ts'
import { createPolicies, figure, lock, startReplica, startWorker, timed, unlock } from './deployment.ts'
import { afterwards, type Edict, evaluate, eventually, newDatabase, temporaryFolder } from './edict.ts'

const first = 'load/p0/1.0'

const identity = ({ _id, digest, commit }: PolicyDocument): string => [_id, digest, commit].join(' ')

const startWorld = async (size: number) => {
  const names = Array.from({ length: size }, (_, index) => `load/p${index}/1.0`)
  const modules = Object.fromEntries(
    names.map((name) => [`${name}/policy.rego`, `package load.${name.split('/')[1]}\n\nanswer := data.generation\n`]),
  )
  /** All policies answer with this number. */
  const generation = (number: number): Record<string, string> =>
    Object.fromEntries(names.map((name) => [`${name}/data.json`, JSON.stringify({ generation: number })]))
  const policies = await createPolicies({ ...modules, ...generation(0) })
  const database = newDatabase()
  const workerEnv = { ...database, ...policies.env, EDICT_DATA: await temporaryFolder() }
  const store = openStore({
    enforce: enforceOpen,
    uri: database.MONGODB_URI,
    database: database.MONGODB_DATABASE,
    log: pino({ level: 'silent' }),
    signal: new AbortController().signal,
  })
  afterwards(store.close)
  const collections = collectionsOf(store.connection.db)
  const worker = await startWorker(workerEnv)
  const replica = await startReplica(database)

  /** What the store says at one point in time: one generation, one revision, nothing missing. */
  const stored = async () => {
    const read = async (session: ClientSession) => ({
      head: await collections.head.findOne({ _id: 'head' }, { session }),
      revision: await collections.revisions.findOne({}, { session, sort: { _id: -1 } }),
      documents: await collections.policies.find({}, { session }).toArray(),
    })
    const { head, revision, documents } = await store.connection.client.withSession({ snapshot: true }, read)
    expect(revision).toMatchObject({ _id: head?.revision, policies: size })
    expect([...new Set(documents.map((document) => document.revision))]).toEqual([head?.revision])
    // What the revision says that it consists of is what is in force, and one plan made it.
    const content = await store.revisions.contentAt(head?.revision ?? 0)
    expect(content.policies.map(identity).sort()).toEqual(documents.map(identity).sort())
    expect(await collections.plans.countDocuments({ revision: head?.revision ?? 0, status: 'Applied' })).toBe(1)
    expect(await store.plans.get(content.revision.plan)).toMatchObject({ revision: head?.revision })
    const [data, ...others] = new Set(documents.map((document) => document.data))
    expect([documents.length, others]).toEqual([size, []])
    return { revision: head?.revision, answer: { answer: Number(/\d+/.exec(JSON.stringify(data))?.[0]) } }
  }
  const answers = async () => {
    const replies = await Promise.all(names.map((name) => evaluate(replica, name)))
    return [
      ...new Set(replies.map(({ status, text, headers }) => `${status} ${text} ${headers.get('x-policy-revision')}`)),
    ]
  }
  /**
   * The generation that the store holds and the replica answers, every policy the same. Both are asked again until they
   * agree: a commit that was sent before its sender was killed may come a moment later.
   */
  const settled = async (): Promise<number> => {
    const both = async () => {
      const { revision, answer } = await stored()
      return { answer, wanted: `200 ${JSON.stringify(answer)} ${revision}`, seen: await answers() }
    }
    const { answer, wanted, seen } = await eventually(both, (last) => last.seen.join() === last.wanted)
    expect(seen).toEqual([wanted])
    expect(await store.audit.verify()).toMatchObject({ ok: true })
    return answer.answer
  }
  /** Changes all policies, and ends the worker some time after it has begun to apply that. */
  const cut = async (doomed: Edict, number: number): Promise<void> => {
    await policies.write(generation(number))
    const { revision } = await store.head()
    const begun = async () =>
      (await collections.lease.findOne({ _id: 'cycle' }))?.holder != null || (await store.head()).revision > revision
    // A quick apply is over between two looks: asked without a pause, and a finished one counts as begun.
    for (const end = Date.now() + 10_000; !(await begun());) expect(Date.now()).toBeLessThan(end)
    await sleep(Math.random() * 120)
    await doomed.kill()
  }
  /** What the lease's end is to the next worker, without the wait for it. */
  const endLease = () => collections.lease.updateOne({ _id: 'cycle' }, { $set: { expires: new Date(0) } })
  return { worker, replica, workerEnv, settled, cut, endLease }
}

describe.concurrent('SIGKILL of the worker in the middle of an apply', () => {
  it('leaves nothing half applied, at twenty random moments, and the next worker goes on', async () => {
    const { worker, replica, workerEnv, settled, cut, endLease } = await startWorld(60)
    expect(await settled()).toBe(0)
    let current = worker
    let undone = 0
    for (let round = 1; round <= 20; round++) {
      await cut(current, round)
      // It meets the lease of the killed one, and waits.
      const starting = startWorker(workerEnv)
      starting.catch(() => undefined)
      const number = await settled()
      expect([round - 1, round]).toContain(number)
      if (number < round) undone++
      expect((await lock(replica, first)).status).toBe(200)
      expect((await unlock(replica, first)).status).toBe(200)
      await endLease()
      current = await starting
      expect(await settled()).toBe(round)
    }
    figure(`${undone} of 20 undone`)
  }, 300_000)

  it('keeps nobody from locking, and the next worker waits no longer than for the lease', async () => {
    const { worker, replica, workerEnv, settled, cut } = await startWorld(15)
    await cut(worker, 1)
    const killed = performance.now()
    const starting = startWorker(workerEnv)
    const [ms, locked] = await timed(() => lock(replica, first))
    expect(locked).toMatchObject({ status: 200, json: { silent: [] } })
    expect(ms).toBeLessThan(10_000)
    figure(`a lock during a cut apply takes ${ms.toFixed(0)} ms`)
    expect((await evaluate(replica, first)).status).toBe(403)
    expect((await unlock(replica, first)).status).toBe(200)
    await starting
    expect(performance.now() - killed).toBeLessThan(25_000)
    figure(`the next worker has applied ${(performance.now() - killed).toFixed(0)} ms after the kill`)
    expect(await settled()).toBe(1)
  }, 120_000)
})

import { beforeAll, describe, expect, it } from 'vitest'
import { createRepo } from '../setup/git-repo.ts'
import { allAnswer, answering, figure, lock, startReplica, startWorker, timed, unlock } from './deployment.ts'
import { afterwards, type Edict, evaluate, eventually, newDatabase, syncNow } from './edict.ts'

const free = 'shop/free/1.0'
const price = 'shop/price/1.0'
const stop = 'shop/stop/1.0'

describe('two replicas and a worker on one database', () => {
  let repo: Awaited<ReturnType<typeof createRepo>>
  let a: Edict
  let b: Edict
  let database: ReturnType<typeof newDatabase>

  beforeAll(async () => {
    database = newDatabase()
    repo = await createRepo()
    afterwards(repo.dispose)
    await repo.publish({ ...answering(free, 1), ...answering(price, 1), ...answering(stop, 1) })
    const source = { POLICY_REPO: `file://${repo.bare}`, EDICT_SOURCE: 'shop', SYNC_INTERVAL: '1h' }
    const [, ...replicas] = await Promise.all([
      startWorker({ ...database, ...source }),
      startReplica(database),
      startReplica(database),
    ])
    ;[a, b] = replicas
    await allAnswer([a, b], price, 1)
  })

  it('a commit reaches both', async () => {
    const commit = await repo.publish(answering(price, 2))
    expect((await syncNow(a, 'shop')).json).toMatchObject({ ok: true })
    expect(await allAnswer([a, b], price, 2)).toEqual([{ answer: 2 }, { answer: 2 }])
    const replies = await Promise.all([evaluate(a, price), evaluate(b, price)])
    for (const { headers } of replies) expect(headers.get('x-policy-commit')).toBe(commit)
    const [one, two] = replies.map(({ headers }) => headers.get('x-policy-revision'))
    expect(one).toBe(two)
  })

  it('weakness 4: a lock holds at both the moment that its call returned, 200 times in a row', async () => {
    const times: number[] = []
    const doors = [a, b].flatMap((edict) => [price, `shop/${price}`].map((url) => ({ edict, url })))
    for (let round = 0; round < 200; round++) {
      const { edict, url } = doors[round % doors.length] ?? { edict: a, url: price }
      const [ms, locked] = await timed(() => lock(edict, url))
      const during = await Promise.all(doors.map((door) => evaluate(door.edict, door.url)))
      expect([round, locked.status, ...during.map(({ status }) => status)]).toEqual([round, 200, 403, 403, 403, 403])
      expect(during[0]?.json).toMatchObject({ code: 'policy_locked' })
      const unlocked = await unlock(edict, url)
      const after = await Promise.all([a, b].map((other) => evaluate(other, url)))
      expect([round, unlocked.status, ...after.map(({ status }) => status)]).toEqual([round, 200, 200, 200])
      times.push(ms)
    }
    times.sort((x, y) => x - y)
    figure(`lock with two replicas: median ${times[100]?.toFixed(1)} ms, p95 ${times[190]?.toFixed(1)} ms`)
  }, 120_000)

  it('under a stream of evaluations, none starts after the lock was answered', async () => {
    let locked = false
    let going = true
    const late: number[] = []
    const ask = async (edict: Edict): Promise<void> => {
      while (going) {
        const begunLocked = locked
        const { status } = await evaluate(edict, price)
        if (begunLocked && locked) late.push(status)
      }
    }
    const asking = [a, a, b, b].map(ask)
    for (let round = 0; round < 10; round++) {
      expect((await lock(round % 2 === 0 ? a : b, price)).status).toBe(200)
      locked = true
      await eventually(
        async () => late.length,
        (count) => count >= (round + 1) * 8,
      )
      locked = false
      expect((await unlock(a, price)).status).toBe(200)
    }
    going = false
    await Promise.all(asking)
    expect(late.length).toBeGreaterThanOrEqual(80)
    expect(new Set(late)).toEqual(new Set([403]))
  })

  it('a second lock, a second unlock and an unknown policy are refused, at the other replica, too', async () => {
    const until = new Date(Date.now() + 60_000).toISOString()
    expect((await lock(a, free, { reason: 'audit', until })).json).toMatchObject({ silent: [] })
    for (const url of [free, `shop/${free}`])
      expect(await lock(b, url)).toMatchObject({ status: 403, json: { code: 'already_locked' } })
    expect((await unlock(b, free)).status).toBe(200)
    for (const edict of [a, b])
      expect(await unlock(edict, free)).toMatchObject({ status: 403, json: { code: 'not_locked' } })
    for (const url of ['shop/none/1.0', 'shop/free/2.0', `other/${free}`]) {
      const refused = { status: 404, json: { code: 'policy_not_found' } }
      expect(await lock(a, url)).toMatchObject(refused)
      expect(await unlock(a, url)).toMatchObject(refused)
    }
  })

  it('a lock ends by itself at the time that it was given', async () => {
    const until = new Date(Date.now() + 1_500)
    expect((await lock(a, free, { until: until.toISOString() })).status).toBe(200)
    const both = async () => (await Promise.all([evaluate(a, free), evaluate(b, free)])).map(({ status }) => status)
    expect(await both()).toEqual([403, 403])
    expect(await eventually(both, (statuses) => statuses.every((status) => status === 200))).toEqual([200, 200])
    expect(Date.now()).toBeGreaterThanOrEqual(until.getTime())
    expect((await unlock(b, free)).json).toMatchObject({ code: 'not_locked' })
    expect((await lock(b, free)).status).toBe(200)
    expect(await both()).toEqual([403, 403])
    expect((await unlock(b, free)).status).toBe(200)
  })

  it('a replica that hangs is named, the lock stands and it obeys when it goes on', async () => {
    expect((await evaluate(b, stop)).status).toBe(200)
    process.kill(b.pid, 'SIGSTOP')
    const [ms, answer] = await timed(() => lock(a, stop))
    expect(answer).toMatchObject({ status: 202, json: { code: 'lock_unconfirmed' } })
    expect(answer.json).toMatchObject({ pending: [expect.stringContaining(`-${b.pid}-`)], silent: [] })
    expect(answer.json).toMatchObject({ confirmed: [expect.stringContaining(`-${a.pid}-`)] })
    expect(ms).toBeGreaterThan(3_000)
    expect(ms).toBeLessThan(9_000)
    expect((await evaluate(a, stop)).status).toBe(403)
    process.kill(b.pid, 'SIGCONT')
    const [obeyed, last] = await timed(() =>
      eventually(
        () => evaluate(b, stop),
        ({ status }) => status === 403,
      ),
    )
    expect(last.status).toBe(403)
    figure(`a replica that hung obeys ${obeyed.toFixed(0)} ms after it goes on`)
    const unlocked = await eventually(
      () => unlock(a, stop),
      ({ status }) => status !== 202,
    )
    expect(unlocked).toMatchObject({ status: 200, json: { silent: [] } })
    expect((await evaluate(b, stop)).status).toBe(200)
  })

  it('a replica that was killed is waited for, then counts as silent; one that was stopped is not listed', async () => {
    const killed = await startReplica(database)
    const stopped = await startReplica(database)
    const confirmations = [a, b, killed, stopped].map(({ pid }) => expect.stringContaining(`-${pid}-`))
    expect((await lock(a, free)).json).toEqual({ confirmed: expect.arrayContaining(confirmations), silent: [] })
    expect((await unlock(a, free)).status).toBe(200)
    await killed.kill()
    expect(await stopped.stop()).toBe(0)

    const [living, dead] = [confirmations.slice(0, 2), confirmations.slice(2, 3)]
    const [firstMs, first] = await timed(() => lock(a, free))
    expect(first).toMatchObject({ status: 202, json: { code: 'lock_unconfirmed', pending: dead, silent: [] } })
    expect(first.json).toMatchObject({ confirmed: expect.arrayContaining(living) })
    expect(first.text).not.toContain(`-${stopped.pid}-`)
    expect(firstMs).toBeLessThan(9_000)
    const [ms, second] = await timed(() => unlock(b, free))
    expect(second).toMatchObject({ status: 200, json: { confirmed: expect.arrayContaining(living), silent: dead } })
    expect(second.text).not.toContain(`-${stopped.pid}-`)
    expect(ms).toBeLessThan(5_000)
  })
})

import { writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { isAlive } from '../../src/tools/process-alive.ts'
import { answering, createPolicies, databaseOf, figure, lock, type PolicyFolder, timed, unlock } from './deployment.ts'
import { call, type Edict, eventually, newDatabase, runEdict, startEdict, syncNow, temporaryFolder } from './edict.ts'

const price = 'shop/price/1.0'
const path = `/policy/${price}/evaluation`
const workers = 3

/** A connection for each request: the processes take turns. The status and the body, or why there is none. */
const ask = (url: string): Promise<string> =>
  new Promise((done) => {
    const sent = request(`${url}${path}`, { agent: new Agent({ keepAlive: false }), method: 'POST' }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('error', (error) => done(error.message))
      response.on('end', () => done(`${response.statusCode} ${text}`))
    })
    sent.on('error', (error) => done(error.message))
    sent.setTimeout(15_000, () => sent.destroy(new Error('no answer')))
    sent.end()
  })

const askMany = (url: string, count: number): Promise<readonly string[]> =>
  Promise.all(Array.from({ length: count }, () => ask(url)))

const statuses = (answers: readonly string[]): ReadonlySet<string> =>
  new Set(answers.map((answer) => answer.slice(0, 3)))

interface Line {
  readonly msg: string
  readonly pid: number
  readonly worker?: number
}

const linesOf = (edict: Edict): readonly Line[] =>
  edict
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line): Line => JSON.parse(line))

/** The value of one line of `/metrics`. */
const metric = async (edict: Edict, name: string): Promise<number> => {
  const { text } = await call(`${edict.url}/metrics`)
  const line = text.split('\n').find((found) => found.startsWith(`${name} `))
  return Number(line?.slice(name.length + 1))
}

const counted = `edict_decisions_total{policy="${price}",outcome="value"}`

describe('several processes on one port', () => {
  let policies: PolicyFolder
  let database: ReturnType<typeof newDatabase>
  let config: string
  let edict: Edict

  /** The processes that answer, by what the store knows of them. */
  const replicas = () => databaseOf(database).collection('replicas').find().sort({ _id: 1 }).toArray()
  const pids = async (): Promise<readonly number[]> => (await replicas()).map(({ pid }) => Number(pid))
  const start = async (env: Readonly<Record<string, string>> = {}): Promise<Edict> =>
    startEdict({ ...database, ...policies.env, EDICT_CONFIG: config, ...env })

  beforeAll(async () => {
    policies = await createPolicies(answering(price, 1))
    database = newDatabase()
    config = join(await temporaryFolder(), 'edict.yaml')
    await writeFile(config, `server: { workers: ${workers} }\nlog: { decisions: true }\n`)
    edict = await start()
  })

  it('all answer, each says in the log which it is, and the metrics are those of all', async () => {
    expect(new Set(await askMany(edict.url, 30))).toEqual(new Set(['200 {"answer":1}']))
    const decisions = linesOf(edict).filter(({ msg }) => msg === 'decision')
    expect(new Set(decisions.map(({ worker }) => worker))).toEqual(new Set([1, 2, 3]))
    expect(new Set(decisions.map(({ pid }) => pid))).toEqual(new Set(await pids()))
    expect(await pids()).not.toContain(edict.pid)
    for (let i = 0; i < workers; i++) expect(await metric(edict, counted)).toBe(30)
    expect(await metric(edict, 'edict_decision_duration_seconds_count')).toBe(30)
    expect(await metric(edict, 'edict_processes')).toBe(workers)
    expect(await metric(edict, 'edict_policies')).toBe(1)
  })

  it('what a cycle has made is answered by all when the call for the cycle returns', async () => {
    for (const answer of [2, 3, 4]) {
      await policies.write(answering(price, answer))
      expect((await syncNow(edict, 'local')).json).toMatchObject({ ok: true })
      expect(new Set(await askMany(edict.url, 9))).toEqual(new Set([`200 {"answer":${answer}}`]))
    }
  })

  it('a lock is confirmed by all of them, and none evaluates once it is answered', async () => {
    const names = (await replicas()).map(({ _id }) => String(_id))
    expect(new Set(names.map((name) => name.slice(0, name.lastIndexOf('.')))).size).toBe(1)
    for (let round = 0; round < 30; round++) {
      expect(await lock(edict, price)).toMatchObject({ status: 200, json: { confirmed: names, silent: [] } })
      expect([round, statuses(await askMany(edict.url, 9))]).toEqual([round, new Set(['403'])])
      expect((await unlock(edict, price)).status).toBe(200)
      expect([round, statuses(await askMany(edict.url, 9))]).toEqual([round, new Set(['200'])])
    }
  })

  it('one that is killed is replaced, requests go on meanwhile, no lock waits for it, and no count sinks', async () => {
    const before = await pids()
    const [victim = 0] = before
    const answered = await metric(edict, counted)
    // Who comes later is configured as those that are there.
    await writeFile(config, 'server: { workers: nonsense }\n')
    let over = false
    const answers: string[] = []
    const asking = Array.from({ length: 4 }, async () => {
      while (!over) answers.push(await ask(edict.url))
    })
    process.kill(victim, 'SIGKILL')
    const [ms, now] = await timed(() =>
      eventually(pids, (list) => list.length === workers && !list.includes(victim), 15_000),
    )
    over = true
    await Promise.all(asking)
    figure(`a killed process is replaced after ${ms.toFixed(0)} ms, ${answers.length} requests meanwhile`)
    expect(now.filter((pid) => !before.includes(pid))).toHaveLength(1)
    const failed = answers.filter((answer) => !answer.startsWith('200'))
    // At most what was under way in the one that was killed, and then at once.
    expect(failed).not.toContain('no answer')
    expect(failed.length).toBeLessThanOrEqual(4)
    expect(answers.length).toBeGreaterThan(failed.length)
    expect(await metric(edict, counted)).toBeGreaterThanOrEqual(answered)
    await eventually(
      () => metric(edict, 'edict_processes'),
      (count) => count === workers,
    )
    const [fresh] = now.filter((pid) => !before.includes(pid))
    await eventually(
      async () => (await ask(edict.url), linesOf(edict).some(({ pid, msg }) => pid === fresh && msg === 'decision')),
      (has) => has,
    )

    process.kill(now.find((pid) => pid !== fresh) ?? 0, 'SIGKILL')
    await eventually(
      async () => linesOf(edict).filter(({ msg }) => msg.includes('it is replaced')).length,
      (ended) => ended === 2,
    )
    const locked = await lock(edict, price)
    expect(locked).toMatchObject({ status: 200, json: { silent: [] } })
    expect(statuses(await askMany(edict.url, 9))).toEqual(new Set(['403']))
    expect((await unlock(edict, price)).status).toBe(200)
    expect(await eventually(pids, (list) => list.length === workers, 15_000)).toHaveLength(workers)
  })

  it('one that hangs keeps a lock from being confirmed, by its name', async () => {
    const [hanging] = await replicas()
    process.kill(Number(hanging?.['pid']), 'SIGSTOP')
    const locking = lock(edict, price).finally(() => process.kill(Number(hanging?.['pid']), 'SIGCONT'))
    // The connection may have been given to the very one: then it is answered as soon as it goes on.
    const goesOn = sleep(8_000).then(() => process.kill(Number(hanging?.['pid']), 'SIGCONT'))
    const { status, json } = await locking
    await goesOn
    if (status === 202) expect(json).toMatchObject({ code: 'lock_unconfirmed', pending: [hanging?._id] })
    else expect(status).toBe(200)
    expect(
      await eventually(
        async () => [...statuses(await askMany(edict.url, 9))],
        (all) => all.join() === '403',
      ),
    ).toEqual(['403'])
    expect((await unlock(edict, price)).status).toBe(200)
  })

  it('SIGTERM ends all, answers what was sent before it, and takes all off the list', async () => {
    const living = await pids()
    let stopping = false
    const before: string[] = []
    const asking = Array.from({ length: 8 }, async () => {
      while (!stopping) before.push(await ask(edict.url))
    })
    await sleep(500)
    stopping = true
    const [ms, code] = await timed(edict.stop)
    await Promise.all(asking)
    expect(statuses(before)).toEqual(new Set(['200']))
    expect(code).toBe(0)
    expect(living.filter(isAlive)).toEqual([])
    expect(await replicas()).toEqual([])
    figure(`stopped after ${ms.toFixed(0)} ms`)
  })

  it('none of them outlives a primary that is killed', async () => {
    database = newDatabase()
    const other = await start({ EDICT_WORKERS: '2', EDICT_CONFIG: '' })
    const living = await pids()
    expect(living.filter(isAlive)).toHaveLength(2)
    await other.kill()
    expect(
      await eventually(
        async () => living.filter(isAlive),
        (left) => left.length === 0,
      ),
    ).toEqual([])
  })

  it('a port that is taken is told as with one process', async () => {
    const taken = createServer()
    await new Promise<void>((listening) => taken.listen(0, '127.0.0.1', listening))
    const address = taken.address()
    const PORT = String(typeof address === 'object' && address !== null ? address.port : 0)
    const ended = await runEdict(['serve'], { ...database, ...policies.env, PORT, EDICT_WORKERS: 'auto' })
    taken.close()
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(`127.0.0.1:${PORT} is taken`) })
  })
})

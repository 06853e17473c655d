import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isAlive } from '../../src/tools/process-alive.ts'
import {
  allReady,
  answering,
  createPolicies,
  figure,
  keepAsking,
  lock,
  readiness,
  timed,
  unlock,
} from './deployment.ts'
import { call, evaluate, eventually, runEdict, startEdict, temporaryFolder } from './edict.ts'

const price = 'shop/price/1.0'

const stateOf = async (dataDir: string): Promise<{ readonly pid: number; readonly owner: number }> =>
  JSON.parse(await readFile(join(dataDir, 'mongod', 'state.json'), 'utf8'))

const isGone = (pid: number): Promise<boolean> =>
  eventually(
    async () => !isAlive(pid),
    (gone) => gone,
  )

const serveBeside = { args: ['serve', '--no-sync'] }

describe.concurrent('a second server', { timeout: 90_000 }, () => {
  it('with a PORT and an EDICT_DATA of its own is independent of the first, and leaves no mongod behind', async () => {
    const policies = await createPolicies(answering(price, 1))
    const folders = await Promise.all([temporaryFolder(), temporaryFolder()])
    const start = (EDICT_DATA: string | undefined) => startEdict({ ...policies.env, EDICT_DATA: EDICT_DATA ?? '' })
    const [one, two] = await Promise.all([start(folders[0]), start(folders[1])])
    expect(one.url).not.toBe(two.url)
    expect((await lock(one, price)).json).toMatchObject({ confirmed: [expect.stringContaining(`-${one.pid}-`)] })
    expect((await evaluate(one, price)).status).toBe(403)
    expect((await evaluate(two, price)).json).toEqual({ answer: 1 })
    const [left, right] = await Promise.all(folders.map(stateOf))
    expect(left?.pid).not.toBe(right?.pid)
    expect(await one.stop()).toBe(0)
    expect(isAlive(left?.pid ?? 0)).toBe(false)
    expect((await evaluate(two, price)).json).toEqual({ answer: 1 })
    expect((await lock(two, price)).status).toBe(200)
    expect(await two.stop()).toBe(0)
    expect(isAlive(right?.pid ?? 0)).toBe(false)
  })

  it('on the same folder attaches to the running mongod, and goes on when its owner stops', async () => {
    const policies = await createPolicies(answering(price, 1))
    const EDICT_DATA = await temporaryFolder()
    const owner = await startEdict({ ...policies.env, EDICT_DATA })
    const status = await runEdict(['status', '--json'], { EDICT_DATA })
    expect(status.code).toBe(0)
    expect(JSON.parse(status.stdout)).toMatchObject({ revision: 1, policies: 1, locks: [] })
    const beside = await startEdict({ EDICT_DATA }, serveBeside)
    expect((await stateOf(EDICT_DATA)).owner).toBe(owner.pid)
    expect((await evaluate(beside, price)).json).toEqual({ answer: 1 })
    expect(await lock(owner, price)).toMatchObject({ status: 200, json: { silent: [] } })
    expect((await evaluate(beside, price)).status).toBe(403)
    expect((await unlock(beside, price)).status).toBe(200)

    const load = keepAsking(beside, price)
    expect(await owner.stop()).toBe(0)
    const [ms, took] = await timed(() =>
      eventually(
        () => stateOf(EDICT_DATA),
        (state) => state.owner === beside.pid,
      ),
    )
    expect(took.owner).toBe(beside.pid)
    expect(await allReady([beside])).toEqual([200])
    figure(`the other has taken over mongod after ${ms.toFixed(0)} ms`)
    expect(await lock(beside, price)).toMatchObject({ status: 200, json: { silent: [] } })
    expect((await evaluate(beside, price)).status).toBe(403)
    expect(await load.stop()).toEqual({ 200: expect.any(Number), 403: expect.any(Number) })

    const { pid } = await stateOf(EDICT_DATA)
    expect(await beside.stop()).toBe(0)
    expect(isAlive(pid)).toBe(false)
  })

  it('a start after SIGKILL of the owner works, whether its mongod has gone or was left behind', async () => {
    const policies = await createPolicies(answering(price, 1))
    const EDICT_DATA = await temporaryFolder()
    const env = { ...policies.env, EDICT_DATA }
    const first = await startEdict(env)
    expect((await lock(first, price, { reason: 'stays' })).status).toBe(200)
    await first.kill()
    const [ms, second] = await timed(() => startEdict(env))
    figure(`ready ${ms.toFixed(0)} ms after the kill`)
    expect((await evaluate(second, price)).status).toBe(403)
    const revision = (await call(`${second.url}/api/catalog`)).json
    expect(revision).toMatchObject({ revision: 1, total: 1 })

    // Its watchdog would end the mongod with it; a machine out of memory may take both.
    const { pid } = await stateOf(EDICT_DATA)
    for (const watchdog of await watchdogsOf(pid)) process.kill(watchdog, 'SIGKILL')
    await second.kill()
    expect(isAlive(pid)).toBe(true)
    const [orphanMs, third] = await timed(() => startEdict(env))
    figure(`ready ${orphanMs.toFixed(0)} ms beside an orphaned mongod`)
    expect(await isGone(pid)).toBe(true)
    expect((await evaluate(third, price)).status).toBe(403)
    // Who was killed may not have been silent for 5 s yet.
    expect([200, 202]).toContain((await unlock(third, price)).status)
    expect((await evaluate(third, price)).json).toEqual({ answer: 1 })
    expect(await third.stop()).toBe(0)
  })

  it('a restart is quick and makes no new revision of what has not changed', async () => {
    const policies = await createPolicies({ ...answering(price, 1), ...answering('shop/other/1.0', 1) })
    const EDICT_DATA = await temporaryFolder()
    const env = { ...policies.env, EDICT_DATA }
    const catalog = async (url: string) => (await call(`${url}/api/catalog`)).json
    const first = await startEdict(env)
    const before = await catalog(first.url)
    expect(before).toMatchObject({ revision: 1, total: 2 })
    expect(await first.stop()).toBe(0)
    for (let round = 0; round < 2; round++) {
      const [ms, again] = await timed(() => startEdict(env))
      expect(ms).toBeLessThan(15_000)
      figure(`a restart is ready after ${ms.toFixed(0)} ms`)
      expect(await catalog(again.url)).toEqual(before)
      expect((await readiness(again)).status).toBe(200)
      expect((await evaluate(again, price)).json).toEqual({ answer: 1 })
      expect(await again.stop()).toBe(0)
    }
  })
})

/** The processes of mongodb-memory-server that end a mongod when its parent has gone. */
const watchdogsOf = async (pid: number): Promise<readonly number[]> => {
  const { stdout } = await new Promise<{ stdout: string }>((done) =>
    execFile('ps', ['-eo', 'pid=,args='], (_error, stdout) => done({ stdout })),
  )
  return stdout
    .split('\n')
    .filter((line) => line.includes('mongo_killer') && line.trimEnd().endsWith(` ${pid}`))
    .map((line) => Number(line.trim().split(' ')[0]))
}

import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { isAlive } from '../../src/tools/process-alive.ts'
import { answering, createPolicies, figure, type PolicyFolder, timed } from './deployment.ts'
import { type Edict, newDatabase, startEdict, syncNow, temporaryFolder } from './edict.ts'

const price = 'shop/price/1.0'
const path = `/policy/${price}/evaluation`

/** The status, or why there is none. */
const ask = ({ url, agent }: { url: string; agent: Agent }): Promise<number | string> =>
  new Promise((done) => {
    const sent = request(`${url}${path}`, { agent, method: 'POST' }, (response) => {
      response.on('error', (error) => done(error.message))
      response.on('end', () => done(response.statusCode ?? 0))
      response.resume()
    })
    sent.on('error', (error) => done(error.message))
    sent.end('{"total": 1}')
  })

/** A connection on which a request has begun. */
const begin = (url: string, head: string) => {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) })
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString()))
  const ended = new Promise<string>((done) => {
    socket.on('close', () => done(text))
    socket.on('error', () => done(text))
  })
  socket.write(head)
  return { finish: (rest: string) => socket.write(rest), ended, close: () => socket.destroy() }
}
const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 12\r\n\r\n`

describe('SIGTERM', () => {
  let policies: PolicyFolder

  beforeAll(async () => {
    policies = await createPolicies(answering(price, 1))
  })
  const start = (env: Readonly<Record<string, string>> = {}): Promise<Edict> =>
    startEdict({ ...newDatabase(), ...policies.env, ...env })

  it('during load fails no request that was sent before it, on old and new connections', async () => {
    const edict = await start()
    let sent = false
    let over = false
    const before: (number | string)[] = []
    const after: (number | string)[] = []
    const agents = [new Agent({ keepAlive: true, maxSockets: 16 }), new Agent({ keepAlive: false })]
    const loops = [...Array.from({ length: 16 }, () => agents[0]), ...Array.from({ length: 4 }, () => agents[1])]
    const loading = loops.map(async (agent = new Agent()) => {
      while (!over) {
        const outcomes = sent ? after : before
        const outcome = await ask({ url: edict.url, agent })
        outcomes.push(outcome)
        if (sent && typeof outcome === 'string') return
      }
    })
    await sleep(1_000)
    sent = true
    const [ms, code] = await timed(edict.stop)
    over = true
    await Promise.all(loading)
    for (const agent of agents) agent.destroy()
    expect(new Set(before)).toEqual(new Set([200]))
    expect(before.length).toBeGreaterThan(50)
    expect(code).toBe(0)
    expect(ms).toBeLessThan(8_000)
    figure(
      `stopped under load after ${ms.toFixed(0)} ms, ${before.length} requests before, ${after.filter((outcome) => outcome === 200).length} answered after`,
    )
  })

  it('lets requests finish that have begun, and says that their connection ends', async () => {
    const edict = await start()
    const requests = Array.from({ length: 20 }, () => begin(edict.url, head + '{"tot'))
    await sleep(300)
    const stopping = edict.stop()
    await sleep(500)
    for (const { finish } of requests) finish('al": 1}')
    for (const text of await Promise.all(requests.map(({ ended }) => ended))) {
      expect(text).toMatch(/^HTTP\/1.1 200 /)
      expect(text.toLowerCase()).toContain('connection: close')
      expect(text).toContain('{"answer":1}')
    }
    expect(await stopping).toBe(0)
  })

  it('waits for a client that never finishes no longer than EDICT_SHUTDOWN', async () => {
    const edict = await start({ EDICT_SHUTDOWN: '1s' })
    const idle = begin(edict.url, '')
    const slow = begin(edict.url, head)
    await sleep(200)
    const [ms, code] = await timed(edict.stop)
    expect(code).toBe(0)
    expect(ms).toBeLessThan(9_000)
    expect(await Promise.all([idle.ended, slow.ended])).toEqual(['', ''])
    figure(`stopped with a client that never finishes after ${ms.toFixed(0)} ms`)
  })

  it('answers who waits for a cycle, and ends the embedded mongod with the server', async () => {
    const EDICT_DATA = await temporaryFolder()
    const first = await startEdict({ ...policies.env, EDICT_DATA })
    expect(await first.stop()).toBe(0)
    // Nobody runs the cycle that is asked for.
    const edict = await startEdict({ EDICT_DATA }, { args: ['serve', '--no-sync'] })
    const { pid }: { pid: number } = JSON.parse(await readFile(join(EDICT_DATA, 'mongod', 'state.json'), 'utf8'))
    expect(isAlive(pid)).toBe(true)
    const waiting = Array.from({ length: 5 }, () => syncNow(edict, 'local').then(({ status }) => status, String))
    await sleep(500)
    const [ms, code] = await timed(edict.stop)
    expect(await Promise.all(waiting)).toEqual([202, 202, 202, 202, 202])
    expect(code).toBe(0)
    expect(ms).toBeLessThan(8_000)
    expect(isAlive(pid)).toBe(false)
  })
})

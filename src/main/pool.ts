/**
 * Several processes that answer on one port, each a replica of its own, so that a lock waits for every one of them. This
 * process, the primary, hands out connections, replaces who dies and takes its place among the replicas away at once.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { Config, ConfigOrigin } from '../config.ts'
import { lasting, numbersText, processNumbers, type Numbers } from '../http/numbers.ts'
import type { Store } from '../store/store.ts'
import { sleep } from '../store/wait.ts'
import { tryAddress } from './address.ts'
import type { Front, InForce } from './front.ts'
import type { RulesInForce } from './rules-in-force.ts'
import { startMember, type Exit, type Member } from './pool-member.ts'

export interface PoolOptions {
  readonly config: Config
  readonly origin: ConfigOrigin
  readonly store: Store
  readonly rules: RulesInForce
  readonly uri: string
  readonly log: Logger
  readonly signal: AbortSignal
}

/** Who dies younger than this is replaced later and later. */
const youngMs = 10_000
/** How long a process may take to close beyond its grace for clients. */
const closingMs = 5_000
/** A last heartbeat may still have been on its way when its sender was killed. */
const echoMs = 500

const nothing: InForce = { policies: 0, repositories: [], quarantined: 0, example: null }

export const openPool = ({ config, origin, store, rules, uri, log, signal }: PoolOptions): Front => {
  const { workers, shutdownMs } = config.server
  const pool = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`
  const members = new Set<Member>()
  const closing = new AbortController()
  const ending = new Set<Promise<void>>()
  const own = processNumbers()
  let departed: Promise<Numbers> = Promise.resolve([])
  let hasSynced = false
  let port = config.server.port
  let count = 0
  let youngDeaths = 0

  const start = ({ patient }: { readonly patient: boolean }): Member => {
    const number = ++count
    const replicaId = `${pool}.${number}`
    const given = { origin, uri, replicaId, rules: rules.state().text, number, port, synced: hasSynced, patient }
    const member = startMember(given, { scrape })
    const began = performance.now()
    members.add(member)
    member.listening.then(() => log.debug({ worker: number, workerPid: member.pid }, 'a worker listens'), member.kill)
    void member.exited.then((exit) => track(leave(member, exit, performance.now() - began)))
    return member
  }

  const track = (work: Promise<void>): void => {
    const tracked = work.finally(() => ending.delete(tracked))
    ending.add(tracked)
  }

  const leave = async (member: Member, exit: Exit, livedMs: number): Promise<void> => {
    members.delete(member)
    departed = lasting([await departed, member.lastNumbers()])
    if (exit.code !== 0) await forget(member.replicaId)
    if (closing.signal.aborted) return
    youngDeaths = livedMs < youngMs ? youngDeaths + 1 : 0
    const waitMs = youngDeaths === 0 ? 0 : Math.min(30_000, 100 * 2 ** youngDeaths)
    log.warn({ worker: member.number, workerPid: member.pid, ...exit, waitMs }, 'a worker has ended: it is replaced')
    await sleep(waitMs, closing.signal)
    if (!closing.signal.aborted) start({ patient: true }).listening.catch(explain)
  }

  const forget = async (replicaId: string): Promise<void> => {
    const forgetting = () => store.replicas.forget(replicaId).catch(() => undefined)
    await forgetting()
    track(sleep(echoMs, closing.signal).then(forgetting))
  }

  const explain = (error: unknown): void => {
    if (!closing.signal.aborted) log.error({ err: error }, 'a worker cannot start')
  }

  const scrape = async (): Promise<string> => {
    const theirs = await Promise.all([...members].map((member) => member.numbers()))
    return numbersText([...theirs, await departed, await own()])
  }

  /** Of all that there are now, or undefined when one of them died over it. */
  const askAll = async (sequence: number): Promise<InForce | undefined> => {
    try {
      const asked = [...members].map((it) => it.listening.then(() => it.call('caughtUp', sequence)))
      const [first] = await Promise.all(asked)
      return first
    } catch {
      return undefined
    }
  }

  const end = async (member: Member): Promise<void> => {
    const kill = setTimeout(member.kill, shutdownMs + closingMs)
    member.call('stop', undefined).catch(() => undefined)
    await member.exited
    clearTimeout(kill)
  }

  return {
    listen: async () => {
      ;({ port } = await tryAddress(config.server))
      const started = Array.from({ length: workers }, () => start({ patient: false }))
      const [first] = await Promise.all(started.map(({ listening }) => listening))
      return first ?? { address: config.server.host, port, family: 'IPv4' }
    },
    synced: () => {
      hasSynced = true
      for (const it of members) void it.listening.then(() => it.call('synced', undefined)).catch(() => undefined)
    },
    caughtUp: async (sequence) => {
      for (;;) {
        const found = await askAll(sequence)
        if (found !== undefined || signal.aborted) return found ?? nothing
        await sleep(100, signal)
      }
    },
    close: async () => {
      closing.abort()
      await Promise.all([...members].map(end))
      await Promise.all(ending)
    },
  }
}

/** One process of a pool as its primary sees it. */
import cluster from 'node:cluster'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Numbers } from '../http/numbers.ts'
import { sleep } from '../store/wait.ts'
import { createChannel, type Channel, type Pipe } from './channel.ts'
import type { PrimaryDuties, Start, WorkerDuties } from './duties.ts'
import { watchHandover } from './handover.ts'

export interface Exit {
  readonly code: number | null
  readonly signal: string | null
}

export interface Member {
  readonly number: number
  readonly pid: number
  readonly replicaId: string
  /** Resolves when it listens; rejects with the reason why it does not. */
  readonly listening: Promise<AddressInfo>
  readonly exited: Promise<Exit>
  readonly call: Channel<WorkerDuties>['call']
  /** Now, or what they last were. */
  readonly numbers: () => Promise<Numbers>
  readonly lastNumbers: () => Numbers
  readonly kill: () => void
}

/** A process that is asked for its numbers and does not answer must not keep the others' back. */
const numbersMs = 2_000

export const startMember = (start: Start, duties: Omit<PrimaryDuties, 'up'>): Member => {
  cluster.setupPrimary({ exec: join(import.meta.dirname, 'worker.js'), args: [], serialization: 'advanced' })
  const child = cluster.fork()
  const closeLast = watchHandover(child.process)
  const ignore = (): void => undefined
  const pipe: Pipe = {
    send: (message) => void child.send(message, ignore),
    onMessage: (listener) => child.on('message', listener),
  }
  child.on('error', ignore)
  let isUp: () => void = ignore
  const up = new Promise<void>((resolve) => {
    isUp = resolve
  })
  const channel = createChannel<WorkerDuties>(pipe, { ...duties, up: isUp } satisfies PrimaryDuties)
  // What is sent before its program runs is lost.
  const call: Member['call'] = (name, argument) => up.then(() => channel.call(name, argument))
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code: number | null, signal: string | null) => {
      channel.close()
      closeLast()
      isUp()
      resolve({ code, signal })
    })
  })
  const listening = call('start', start)
  listening.catch(ignore)
  let last: Numbers = []
  const ask = async (): Promise<void> => {
    last = await call('numbers', undefined)
  }
  return {
    number: start.number,
    pid: child.process.pid ?? 0,
    replicaId: start.replicaId,
    listening,
    exited,
    call,
    numbers: async () => {
      await Promise.race([ask().catch(ignore), sleep(numbersMs)])
      return last
    },
    lastNumbers: () => last,
    kill: () => void child.process.kill('SIGKILL'),
  }
}

/** What the processes of a pool ask of each other. Types only. */
import type { AddressInfo } from 'node:net'
import type { ConfigOrigin } from '../config.ts'
import type { Numbers } from '../http/numbers.ts'
import type { InForce } from './front.ts'

export interface Start {
  /** The same for all, whatever has become of the file since. */
  readonly origin: ConfigOrigin
  readonly uri: string
  readonly replicaId: string
  /** The text of the rules in force, for when their file cannot be taken. */
  readonly rules: string
  /** Of this process, for the log. */
  readonly number: number
  readonly port: number
  readonly synced: boolean
  /** There are others that answer: listen only when it can, too. */
  readonly patient: boolean
}

export type WorkerDuties = {
  readonly start: (start: Start) => Promise<AddressInfo>
  readonly synced: () => void
  readonly caughtUp: (sequence: number) => Promise<InForce>
  readonly numbers: () => Promise<Numbers>
  readonly stop: () => void
}

export type PrimaryDuties = {
  /** The process can be called. */
  readonly up: () => void
  readonly scrape: () => Promise<string>
}

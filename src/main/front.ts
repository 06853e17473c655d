/**
 * What answers HTTP: this process (`replica.ts`), or several on one port (`pool.ts`). `edict serve` knows no more of it
 * than this.
 */
import type { AddressInfo } from 'node:net'
import type { PolicyMeta } from '../policy/schema.ts'

export interface Front {
  /** Rejects with `config_invalid` when the address cannot be had. */
  readonly listen: () => Promise<AddressInfo>
  /** A first cycle has read its sources: requests may be sent here. */
  readonly synced: () => void
  /** Resolves when it follows the store and has come as far as `sequence`, or is to stop. */
  readonly caughtUp: (sequence: number) => Promise<InForce>
  /** Drains, and ends. */
  readonly close: () => Promise<void>
}

/** What it answers for. */
export interface InForce {
  readonly policies: number
  readonly repositories: readonly string[]
  readonly quarantined: number
  /** One that can be asked. */
  readonly example: string | null
}

export const inForce = (policies: readonly PolicyMeta[]): InForce => ({
  policies: policies.length,
  repositories: [...new Set(policies.map(({ repository }) => repository))],
  quarantined: policies.filter(({ status }) => status.phase === 'Quarantined').length,
  example: policies.find(({ artifact }) => artifact !== null)?._id ?? null,
})

/** Waiting for the outcomes of requests: one question for all that wait in this process, however many they are. */
import type { CycleOutcome } from '../policy/schema.ts'
import { collectionsOf } from './collections.ts'
import type { Connection } from './connection.ts'
import { sleep } from './wait.ts'

export interface WaitOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** `pending` when the time is up, the signal is aborted, or the request is gone. What waits in a plan is answered so. Rejects when the store is away. */
export type WaitFor = (id: string, options: WaitOptions) => Promise<CycleOutcome | 'pending'>

type Found = { readonly outcome: CycleOutcome | null; readonly waits?: string | null | undefined } | undefined

interface Waiting {
  readonly resolve: (found: Found) => void
  readonly reject: (error: unknown) => void
}

/** What is said of a change while a plan waits with it. */
export function waitingIn(plan: string): CycleOutcome {
  const message = `it waits to be approved with plan ${plan}`
  return { at: new Date(), ok: true, revision: null, message, findings: [], plan, waits: true }
}

export function createOutcomes(connection: Connection): { readonly waitFor: WaitFor } {
  let asking: { readonly waiting: Map<string, Waiting[]> } | null = null

  /** Those who ask in the same turn are answered by the same question. */
  const ask = (id: string): Promise<Found> =>
    new Promise((resolve, reject) => {
      if (asking === null) {
        const round = { waiting: new Map<string, Waiting[]>() }
        asking = round
        setTimeout(() => {
          asking = null
          void answer(round.waiting)
        }, 2)
      }
      asking.waiting.set(id, [...(asking.waiting.get(id) ?? []), { resolve, reject }])
    })

  const answer = async (waiting: ReadonlyMap<string, readonly Waiting[]>): Promise<void> => {
    try {
      const projection = { outcome: 1, waits: 1 } as const
      const found = await connection.run((db) =>
        collectionsOf(db)
          .requests.find({ _id: { $in: [...waiting.keys()] } }, { projection })
          .toArray(),
      )
      const byId = new Map(found.map((request) => [request._id, request]))
      for (const [id, all] of waiting) for (const { resolve } of all) resolve(byId.get(id))
    } catch (error) {
      for (const { reject } of [...waiting.values()].flat()) reject(error)
    }
  }

  return {
    async waitFor(id, { timeoutMs, signal }) {
      const begin = performance.now()
      for (;;) {
        const request = await ask(id)
        if (request === undefined) return 'pending'
        if (request.outcome !== null) return request.outcome
        if (request.waits != null) return waitingIn(request.waits)
        const waited = performance.now() - begin
        if (waited >= timeoutMs || signal?.aborted === true) return 'pending'
        await sleep(waited < 2000 ? 8 : 20, signal)
      }
    },
  }
}

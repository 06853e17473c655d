/**
 * Batches against single requests: the same server, policy and input, one request in flight on each keep-alive
 * connection; decisions per second in rounds that take turns.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load, post, startEdict } from './http.ts'
import { subject, subjectInput, writeSubject } from './policies.ts'
import { median, ratio, round, type Figures } from './report.ts'

const size = 1_000

export const measureBatch = async ({ quick }: { quick: boolean }): Promise<Figures> => {
  const root = mkdtempSync(join(tmpdir(), 'edict-bench-batch-'))
  writeSubject(root)
  const server = await startEdict(root)
  const policy = `/policy/${subject.group}/${subject.name}/${subject.version}`
  const inputs = Array.from({ length: size }, () => subjectInput)
  const candidates = {
    single: { request: post(`${policy}/evaluation`, subjectInput), connections: 32, decisions: 1 },
    batch: { request: post(`${policy}/evaluations`, `{"inputs":[${inputs.join(',')}]}`), connections: 4, decisions: size },
  }
  const rate = async ({ request, connections, decisions }: (typeof candidates)['single']): Promise<number> => {
    const durationMs = quick ? 800 : 3000
    const { perSecond } = await load({ port: server.port, connections, durationMs, requests: [request] })
    return perSecond * decisions
  }
  const single: number[] = []
  const batch: number[] = []
  try {
    for (let turn = -1; turn < (quick ? 3 : 7); turn++) {
      const rates = [await rate(candidates.single), await rate(candidates.batch)] as const
      if (turn < 0) continue
      single.push(rates[0])
      batch.push(rates[1])
    }
  } finally {
    await server.stop()
  }
  return {
    batch: {
      vs_single: ratio(batch, single),
      decisions_per_s: Math.round(median(batch)),
      single_decisions_per_s: Math.round(median(single)),
      us_per_decision: round(1e6 / median(batch)),
    },
  }
}

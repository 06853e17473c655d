/**
 * Batches against single requests: the same server, policy and input, one request in flight on each keep-alive
 * connection; decisions per second in rounds that take turns.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load, post } from './candidate.ts'
import { startEdict } from './http.ts'
import { subject, writeSubject } from './policies.ts'
import { median, ratio, round, type Figures } from './report.ts'

const size = 1_000
const users = ['alice', 'bob', 'carol']
const actions = ['read', 'write', 'delete']

/** All different, and with both answers. */
const inputOf = (index: number): string =>
  JSON.stringify({
    user: users[index % 3],
    action: actions[(index >> 2) % 3],
    resource: { id: `r-${index}`, owner: 'alice' },
  })

export const measureBatch = async ({ quick }: { quick: boolean }): Promise<Figures> => {
  const root = mkdtempSync(join(tmpdir(), 'edict-bench-batch-'))
  writeSubject(root)
  const server = await startEdict(root)
  const policy = `/policy/${subject.group}/${subject.name}/${subject.version}`
  const inputs = Array.from({ length: size }, (_, index) => inputOf(index))
  const single = {
    requests: inputs.slice(0, 200).map((input) => post(`${policy}/evaluation`, input)),
    connections: 32,
    decisions: 1,
  }
  const batch = {
    requests: [post(`${policy}/evaluations`, `{"inputs":[${inputs.join(',')}]}`)],
    connections: 32,
    decisions: size,
  }
  const rate = async ({ requests, connections, decisions }: typeof single): Promise<number> => {
    const durationMs = quick ? 800 : 3000
    return (await load({ port: server.port, connections, durationMs, requests })).perSecond * decisions
  }
  const rates: { readonly single: number; readonly batch: number }[] = []
  try {
    for (let turn = -1; turn < (quick ? 3 : 7); turn++) {
      const measured = { single: await rate(single), batch: await rate(batch) }
      if (turn >= 0) rates.push(measured)
    }
  } finally {
    await server.stop()
  }
  const batches = rates.map((measured) => measured.batch)
  const singles = rates.map((measured) => measured.single)
  return {
    batch: {
      vs_single: ratio(batches, singles),
      decisions_per_s: Math.round(median(batches)),
      single_decisions_per_s: Math.round(median(singles)),
      us_per_decision: round(1e6 / median(batches)),
    },
  }
}

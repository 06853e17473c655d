import { describe, expect, test } from 'vitest'
import { createMetrics } from '../../src/http/metrics.ts'
import { lasting, numbersText, processNumbers } from '../../src/http/numbers.ts'

const registry = {
  stats: () => ({ policies: 7, loaded: 2, bytes: 10, modules: 1, loads: 3, locked: 1 }),
  state: { sequence: 9, revision: 4, loaded: true, ready: true, staleSince: null },
}

const processOf = (decisions: number, state: Partial<typeof registry.state> = {}) => {
  const sources = async () => []
  const metrics = createMetrics({ registry: { ...registry, state: { ...registry.state, ...state } }, sources })
  for (let i = 0; i < decisions; i++)
    metrics.decision('g/p/1', { outcome: i === 0 ? 'undefined' : 'value', seconds: 0.000_02, cost: 5 })
  return metrics
}

describe('the metrics of several processes', () => {
  test('add up what counts, and show once what all share', async () => {
    const all = await Promise.all([processOf(3), processOf(4, { revision: 3 })].map(({ numbers }) => numbers()))
    const lines = (await numbersText([...all, await processNumbers()()])).split('\n')
    for (const line of [
      'edict_decisions_total{policy="g/p/1",outcome="value"} 5',
      'edict_decisions_total{policy="g/p/1",outcome="undefined"} 2',
      'edict_evaluation_cost_total{policy="g/p/1"} 35',
      'edict_decision_duration_seconds_bucket{le="0.00001"} 0',
      'edict_decision_duration_seconds_bucket{le="0.000025"} 7',
      'edict_decision_duration_seconds_bucket{le="+Inf"} 7',
      'edict_decision_duration_seconds_count 7',
      'edict_processes 2',
      'edict_policies 7',
      'edict_policies_loaded 4',
      'edict_revision 3',
      'edict_locks 1',
      'edict_ready 1',
    ])
      expect(lines).toContain(line)
  })

  test('keep what a process has counted when it is gone, and nothing else of it', async () => {
    const gone = await lasting([await processOf(3).numbers(), await processOf(1).numbers()])
    const lines = (await numbersText([gone, await processOf(4).numbers()])).split('\n')
    expect(lines).toContain('edict_decisions_total{policy="g/p/1",outcome="value"} 5')
    expect(lines).toContain('edict_decision_duration_seconds_count 8')
    expect(lines).toContain('edict_processes 1')
    expect(lines).toContain('edict_policies_loaded 2')
  })
})

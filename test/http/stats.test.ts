import { describe, expect, it } from 'vitest'
import { createStatsCounter, type Counted } from '../../src/http/stats-counter.ts'
import { createFixture, throughApp } from './fixture.ts'

const decided = { outcome: 'value', seconds: 0.001, cost: 7 } as const

describe('counted decisions', () => {
  it('are handed over by policy and minute, with a total', async () => {
    const handed: Counted[] = []
    let now = 120_500
    const counter = createStatsCounter({ add: async (counted) => void handed.push(...counted), now: () => now })
    counter.count('a/b/1', decided)
    counter.count('a/b/1', { ...decided, outcome: 'error' })
    counter.count('', { ...decided, outcome: 'not_found' })
    now = 180_000
    counter.count('a/b/1', decided)
    await counter.close()
    expect(handed.map(({ policy, at, decisions, failed, cost }) => [policy, at, decisions, failed, cost])).toEqual([
      ['*', 120_000, 3, 2, 21],
      ['a/b/1', 120_000, 2, 1, 14],
      ['*', 180_000, 1, 0, 7],
      ['a/b/1', 180_000, 1, 0, 7],
    ])
  })

  it('wait while the store is away, and are counted once when it is back', async () => {
    const handed: Counted[] = []
    let away = true
    const add = async (counted: readonly Counted[]): Promise<void> => {
      if (away) throw new Error('away')
      handed.push(...counted)
    }
    const counter = createStatsCounter({ add, now: () => 60_000 })
    counter.count('a/b/1', decided)
    await counter.flush()
    counter.count('a/b/1', decided)
    away = false
    await counter.close()
    expect(handed.map(({ policy, decisions }) => [policy, decisions])).toEqual([
      ['*', 2],
      ['a/b/1', 2],
    ])
  })

  it('are read for every minute, those without a decision as well', async () => {
    const fixture = createFixture()
    const { status, text } = await throughApp(fixture)('/api/stats?policy=a/b/1&minutes=3')
    expect(status).toBe(200)
    const { policy, minutes } = JSON.parse(text)
    expect([policy, minutes.length, minutes[2]]).toMatchObject(['a/b/1', 3, { decisions: 0, failed: 0 }])
  })
})

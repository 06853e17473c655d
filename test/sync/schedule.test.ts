import { expect, test } from 'vitest'
import { createSchedule } from '../../sync/schedule.ts'

function setup(intervalMs = 60_000) {
  let at = 0
  const schedule = createSchedule(
    [
      { name: 'a', intervalMs },
      { name: 'b', intervalMs },
    ],
    { now: () => at, random: () => 0.5 },
  )
  return { schedule, pass: (ms: number) => (at += ms) }
}

test('all are due at the start, and again after their interval', () => {
  const { schedule, pass } = setup()
  expect(schedule.due()).toEqual(['a', 'b'])
  schedule.ran('a', true)
  schedule.ran('b', true)
  expect(schedule.due()).toEqual([])
  expect(schedule.waitMs()).toBe(60_000)
  pass(60_000)
  expect(schedule.due()).toEqual(['a', 'b'])
})

test('a source that cannot be read any more is asked less and less, at least every ten minutes; others are not affected', () => {
  const { schedule, pass } = setup()
  const waits = [true, false, false, false, false, false, false].map((readable) => {
    schedule.ran('a', readable)
    schedule.ran('b', true)
    let waited = 0
    for (; !schedule.due().includes('a'); waited += 30_000) pass(30_000)
    return waited / 60_000
  })
  expect(waits).toEqual([1, 2, 4, 8, 10, 10, 10])
  schedule.ran('a', true)
  pass(60_000)
  expect(schedule.due()).toContain('a')
})

test('a source that was never read is tried after one, two, four seconds, up to its interval', () => {
  const { schedule, pass } = setup(5_000)
  const waits = [1, 2, 3, 4].map(() => {
    schedule.ran('a', false)
    schedule.ran('b', true)
    let waited = 0
    for (; !schedule.due().includes('a'); waited += 500) pass(500)
    return waited
  })
  expect(waits).toEqual([1_000, 2_000, 4_000, 5_000])
})

test('what is hastened during a cycle is due again after it', () => {
  const { schedule } = setup()
  schedule.taken(['a', 'b'])
  schedule.hasten('a')
  schedule.ran('a', true)
  schedule.ran('b', true)
  expect(schedule.due()).toEqual(['a'])
  schedule.taken(['a'])
  schedule.ran('a', true)
  expect(schedule.due()).toEqual([])
})

test('jitter stays within a tenth', () => {
  for (const random of [0, 0.999]) {
    const schedule = createSchedule([{ name: 'a', intervalMs: 1000 }], { now: () => 0, random: () => random })
    schedule.ran('a', true)
    expect(schedule.waitMs()).toBeGreaterThanOrEqual(900)
    expect(schedule.waitMs()).toBeLessThanOrEqual(1100)
  }
})

import { expect, it } from 'vitest'
import { createQueue } from '../../src/opa/queue.ts'

const tasks = () => {
  const started: string[] = []
  const ends = new Map<string, () => void>()
  const task = (name: string) => (): Promise<void> => {
    started.push(name)
    return new Promise((resolve) => ends.set(name, resolve))
  }
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { started, task, end }
}

it('runs so many at once, the others in order', async () => {
  const { started, task, end } = tasks()
  const queue = createQueue(2)
  for (const name of ['a', 'b', 'c', 'd']) void queue(task(name))
  expect(started).toEqual(['a', 'b'])
  await end('b')
  await end('a')
  expect(started).toEqual(['a', 'b', 'c', 'd'])
})

it('an urgent one does not wait for those that run, a second one only for the next to end', async () => {
  const { started, task, end } = tasks()
  const queue = createQueue(2)
  for (const name of ['a', 'b', 'c', 'd']) void queue(task(name))
  void queue(task('urgent'), { urgent: true })
  void queue(task('second'), { urgent: true })
  expect(started).toEqual(['a', 'b', 'urgent'])
  await end('a')
  expect(started.at(-1)).toBe('second')
  await end('b')
  expect(started).toHaveLength(4)
  await end('urgent')
  expect(started.at(-1)).toBe('c')
  await end('second')
  expect(started.at(-1)).toBe('d')
})

it('who has given up before its turn does not run, and keeps no place', async () => {
  const { started, task, end } = tasks()
  const queue = createQueue(1)
  const quit = new AbortController()
  void queue(task('a'))
  const given = expect(queue(task('b'), { signal: quit.signal })).rejects.toThrow('not wanted')
  void queue(task('c'))
  quit.abort(new Error('not wanted'))
  await end('a')
  await given
  expect(started).toEqual(['a', 'c'])
})

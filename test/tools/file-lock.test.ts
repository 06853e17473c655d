import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withFileLock } from '../../src/tools/file-lock.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edict-lock-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('only one holds the lock at a time, and it is gone afterwards', async () => {
  let inside = 0
  let most = 0
  const work = () =>
    withFileLock(join(folder, 'lock'), {}, async () => {
      most = Math.max(most, ++inside)
      await sleep(20)
      inside--
    })
  await Promise.all([work(), work(), work(), work()])
  expect(most).toBe(1)
  expect(await readdir(folder)).toEqual([])
})

test('the lock of a process that is gone is taken over', async () => {
  await writeFile(join(folder, 'lock'), `999999999 ${hostname()} x`)
  expect(await withFileLock(join(folder, 'lock'), {}, () => Promise.resolve('held'))).toBe('held')
})

test('a lock that nobody has touched for long is taken over, one of another host that is touched is not', async () => {
  const lock = join(folder, 'lock')
  await writeFile(lock, `${process.pid} elsewhere x`)
  const waiting = withFileLock(lock, { signal: AbortSignal.timeout(300) }, () => Promise.resolve('held'))
  await expect(waiting).rejects.toThrow()
  await utimes(lock, new Date(0), new Date(0))
  expect(await withFileLock(lock, {}, () => Promise.resolve('held'))).toBe('held')
})

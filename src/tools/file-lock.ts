/**
 * A lock between processes: a file that names its holder, touched while it is held. A lock whose holder is gone (same
 * host, no such process) or silent for 15 s is taken over. Not for threads of one process that need no waiting.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive } from './process-alive.ts'

const silentMs = 15_000
const touchMs = 2_000
const retryMs = 50

export interface FileLockOptions {
  readonly signal?: AbortSignal | undefined
  /** Called once when the lock is held by somebody else. */
  readonly onWait?: () => void
}

export async function withFileLock<T>(file: string, options: FileLockOptions, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true })
  const release = await acquire(file, options)
  try {
    return await work()
  } finally {
    await release()
  }
}

async function acquire(file: string, { signal, onWait }: FileLockOptions): Promise<() => Promise<void>> {
  const mine = `${process.pid} ${hostname()} ${randomUUID()}`
  for (let tries = 0; !(await create(file, mine)); tries++) {
    signal?.throwIfAborted()
    if (tries === 1) onWait?.()
    if ((await isAbandoned(file)) && (await takeOver(file, mine))) break
    await sleep(retryMs)
  }
  const touching = setInterval(() => void utimes(file, new Date(), new Date()).catch(() => undefined), touchMs)
  touching.unref()
  return async () => {
    clearInterval(touching)
    if ((await contentOf(file)) === mine) await rm(file, { force: true })
  }
}

async function create(file: string, mine: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx')
    await handle.writeFile(mine)
    await handle.close()
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'EEXIST' || error.code === 'EPERM')) return false
    throw error
  }
}

async function isAbandoned(file: string): Promise<boolean> {
  const content = await contentOf(file)
  const touched = await stat(file).then(
    (found) => found.mtimeMs,
    () => undefined,
  )
  if (content === undefined || touched === undefined) return false
  if (Date.now() - touched > silentMs) return true
  const [pid, host] = content.split(' ')
  return host === hostname() && pid !== undefined && !isAlive(Number(pid))
}

/** Two may try at once: the last rename wins, and only who still reads its own name after a pause holds the lock. */
async function takeOver(file: string, mine: string): Promise<boolean> {
  const own = `${file}.${randomUUID()}`
  await writeFile(own, mine)
  if (!(await isAbandoned(file))) {
    await rm(own, { force: true })
    return false
  }
  await rename(own, file)
  await sleep(100)
  return (await contentOf(file)) === mine
}

function contentOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined)
}

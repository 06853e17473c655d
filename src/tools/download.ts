/**
 * Fetches a file over HTTP: ten seconds to be answered, thirty without a byte, the digest taken on the way.
 * Keeps nothing of a download that fails; the caller decides whether the digest is the right one.
 */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export interface DownloadOptions {
  readonly connectMs: number
  readonly signal?: AbortSignal | undefined
}

const stallMs = 30_000

export async function downloadText(url: string, options: DownloadOptions): Promise<string> {
  const { response, watch } = await answer(url, options)
  try {
    return await response.text()
  } finally {
    watch.stop()
  }
}

export async function downloadFile(
  url: string,
  file: string,
  options: DownloadOptions,
): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const { response, watch } = await answer(url, options)
  const hash = createHash('sha256')
  let bytes = 0
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      watch.restart(stallMs)
      hash.update(chunk)
      bytes += chunk.length
      next(null, chunk)
    },
  })
  try {
    if (response.body === null) throw new Error(`${url}: empty answer`)
    await pipeline(Readable.from(response.body), meter, createWriteStream(file))
    return { sha256: hash.digest('hex'), bytes }
  } catch (error) {
    await rm(file, { force: true })
    throw watch.expired() ? new Error(`${new URL(url).host} stopped sending`) : plain(error, url)
  } finally {
    watch.stop()
  }
}

async function answer(url: string, { connectMs, signal }: DownloadOptions) {
  const watch = createWatch(connectMs)
  try {
    const response = await fetch(url, { signal: signal ? AbortSignal.any([signal, watch.signal]) : watch.signal })
    if (!response.ok) throw new Error(`${url} answered ${response.status}`)
    watch.restart(stallMs)
    return { response, watch }
  } catch (error) {
    watch.stop()
    throw watch.expired()
      ? new Error(`no answer from ${new URL(url).host} within ${connectMs / 1000} s`)
      : plain(error, url)
  }
}

/** fetch says "fetch failed" and hides why in the cause. */
function plain(error: unknown, url: string): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  if (!(error.cause instanceof Error)) return error
  return new Error(`cannot reach ${new URL(url).host}: ${error.cause.message}`, { cause: error })
}

function createWatch(ms: number) {
  const controller = new AbortController()
  let timer = setTimeout(() => controller.abort(), ms)
  return {
    signal: controller.signal,
    expired: () => controller.signal.aborted,
    restart(next: number) {
      clearTimeout(timer)
      timer = setTimeout(() => controller.abort(), next)
    },
    stop: () => clearTimeout(timer),
  }
}

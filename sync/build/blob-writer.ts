/** Hands blobs to the store in batches while they are made, so that a large build does not hold them all. */
import type { Blob } from '../../src/policy/documents.ts'

const mostBytes = 8 * 1024 * 1024
const mostBlobs = 200

export interface BlobWriter {
  readonly take: (blob: Blob) => Promise<void>
  /** Resolves when everything taken so far is stored. */
  readonly flush: () => Promise<void>
}

/** `blobs` may be anything that takes them. */
export function createBlobWriter(blobs: { readonly put: (blobs: readonly Blob[]) => Promise<unknown> }): BlobWriter {
  let batch: Blob[] = []
  let bytes = 0
  let tail: Promise<unknown> = Promise.resolve()

  function flush(): Promise<unknown> {
    const full = batch
    batch = []
    bytes = 0
    if (full.length > 0) tail = tail.then(() => blobs.put(full))
    tail.catch(() => undefined)
    return tail
  }

  return {
    async take(blob) {
      batch.push(blob)
      bytes += blob.bytes.length
      if (batch.length >= mostBlobs || bytes >= mostBytes) await flush()
    },
    async flush() {
      await flush()
    },
  }
}

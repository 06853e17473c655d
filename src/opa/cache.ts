/**
 * Small files by key in one folder, kept across restarts and shared by processes: written beside and renamed, so that
 * a reader sees a whole file or none. A broken or vanished file is a miss, never an error.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Cache {
  readonly get: (key: string) => Promise<Buffer | undefined>
  readonly put: (key: string, content: string | Uint8Array) => Promise<void>
}

/** `key`: letters, digits, dots and dashes, as digests have them. */
export function createCache({ dir }: { readonly dir: string }): Cache {
  const pathOf = (key: string): string => {
    if (!/^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(key)) throw new Error(`not a cache key: ${JSON.stringify(key)}`)
    return join(dir, key.slice(0, 2), key)
  }
  return {
    get: (key) => readFile(pathOf(key)).catch(() => undefined),
    put: async (key, content) => {
      const path = pathOf(key)
      const beside = `${path}.${randomUUID()}`
      try {
        await mkdir(join(dir, key.slice(0, 2)), { recursive: true })
        await writeFile(beside, content)
        await rename(beside, path)
      } catch {
        await rm(beside, { force: true }).catch(() => undefined)
      }
    },
  }
}

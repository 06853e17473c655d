/** The pinned opa, ready to compile with our extensions, its results kept in the data folder. */
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { capabilities, type Capabilities } from '../extensions/capabilities.ts'
import type { Extension } from '../extensions/extension.ts'
import { findOpa } from './opa/binary.ts'
import { createCache } from './opa/cache.ts'
import { withCache, type CachedOpa } from './opa/cached.ts'
import { createOpa, type OpaOptions } from './opa/run.ts'
import { cacheFolder, type Environment } from './tools/cache-folder.ts'

const run = promisify(execFile)

/** What this opa knows by itself, from `opa capabilities --current`. */
const ownCapabilities = async (path: string, signal: AbortSignal): Promise<Capabilities> => {
  const { stdout } = await run(path, ['capabilities', '--current'], { env: {}, maxBuffer: 64 * 1024 * 1024, signal })
  return JSON.parse(stdout) as Capabilities
}

export const openCompiler = async ({
  extensions,
  dataDir,
  env,
  print,
  signal,
  bounds = {},
}: {
  /** All builtins that policies may call. */
  readonly extensions: readonly Extension[]
  readonly dataDir: string
  readonly env: Environment
  readonly print: (line: string) => void
  readonly signal: AbortSignal
  /** Of its child processes, where they shall be tighter. */
  readonly bounds?: Omit<Partial<OpaOptions>, 'path' | 'capabilities'>
}): Promise<CachedOpa> => {
  const path = await findOpa({ env, cacheDir: cacheFolder(env), log: print, signal })
  const merged = capabilities(await ownCapabilities(path, signal), extensions)
  const opa = createOpa({ path, capabilities: merged, concurrency: Math.max(2, availableParallelism()), ...bounds })
  return withCache(opa, createCache({ dir: join(dataDir, 'opa') }), { signal })
}

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
import { remembered } from './opa/remembered.ts'
import { createOpa, type Opa, type OpaOptions } from './opa/run.ts'
import { cacheFolder, type Environment } from './tools/cache-folder.ts'

const run = promisify(execFile)

/** What this opa knows by itself, from `opa capabilities --current`. */
const ownCapabilities = async (path: string, signal: AbortSignal): Promise<Capabilities> => {
  const { stdout } = await run(path, ['capabilities', '--current'], { env: {}, maxBuffer: 64 * 1024 * 1024, signal })
  return JSON.parse(stdout) as Capabilities
}

export interface CompilerOptions {
  /** All builtins that policies may call. */
  readonly extensions: readonly Extension[]
  readonly env: Environment
  readonly print: (line: string) => void
  readonly signal: AbortSignal
  /** Of its child processes, where they shall be tighter. */
  readonly bounds?: Omit<Partial<OpaOptions>, 'path' | 'capabilities'>
}

const openOpa = async ({ extensions, env, print, signal, bounds = {} }: CompilerOptions): Promise<Opa> => {
  const path = await findOpa({ env, cacheDir: cacheFolder(env), log: print, signal })
  const merged = capabilities(await ownCapabilities(path, signal), extensions)
  return createOpa({ path, capabilities: merged, concurrency: Math.max(2, availableParallelism()), ...bounds })
}

export const openCompiler = async (options: CompilerOptions & { readonly dataDir: string }): Promise<CachedOpa> => {
  const { dataDir, signal } = options
  return withCache(await openOpa(options), createCache({ dir: join(dataDir, 'opa') }), { signal })
}

/** For drafts that come and go: one at a time, with little time and memory, and nothing of them is kept but in memory. */
export const openDraftCompiler = async (options: Omit<CompilerOptions, 'bounds'>): Promise<Opa> =>
  remembered(await openOpa({ ...options, bounds: { concurrency: 1, timeoutMs: 5_000, memoryMb: 512 } }))

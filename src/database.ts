/** Where MongoDB is: the one that is configured, or the embedded one in the data folder. */
import { mkdir } from 'node:fs/promises'
import type { Config } from './config.ts'
import { findMongod } from './store/mongod-binary.ts'
import { startEmbeddedMongod } from './store/embedded.ts'
import { cacheFolder, type Environment } from './tools/cache-folder.ts'

export interface Database {
  readonly uri: string
  /** Stops the embedded one when this process started it. */
  readonly stop: () => Promise<void>
}

export const openDatabase = async ({
  config,
  env,
  print,
  signal,
}: {
  readonly config: Pick<Config, 'dataDir' | 'store'>
  readonly env: Environment
  readonly print: (line: string) => void
  readonly signal: AbortSignal
}): Promise<Database> => {
  await mkdir(config.dataDir, { recursive: true })
  if (config.store.uri !== null) return { uri: config.store.uri.reveal(), stop: async () => undefined }
  const binary = () => findMongod({ env, cacheDir: cacheFolder(env), log: print, signal })
  return startEmbeddedMongod({ dataDir: config.dataDir, binary, log: print, signal })
}

/** Has the tools that a server needs at hand before it starts: opa, and mongod unless MongoDB is elsewhere. */
import { findOpa } from '../opa/binary.ts'
import { findMongod } from '../store/mongod-binary.ts'
import { cacheFolder, type Environment } from './cache-folder.ts'
import type { Log } from './ways.ts'

export async function ensureTools(options: { env: Environment; log: Log; signal?: AbortSignal }): Promise<void> {
  const found = { ...options, cacheDir: cacheFolder(options.env) }
  await findOpa(found)
  if (!options.env['MONGODB_URI']) await findMongod(found)
}

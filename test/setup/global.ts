/** Once per run: finds opa and mongod as the product does, and starts one mongod that test files share. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { findOpa } from '../../src/opa/binary.ts'
import { startEmbeddedMongod } from '../../src/store/embedded.ts'
import { findMongod } from '../../src/store/mongod-binary.ts'
import { cacheFolder } from '../../src/tools/cache-folder.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly opa: string
    readonly mongod: string
    readonly mongoUri: string
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const tools = { env: process.env, cacheDir: cacheFolder(process.env), log: (line: string) => console.log(line) }
  const [opa, mongod] = [await findOpa(tools), await findMongod(tools)]
  const dataDir = await mkdtemp(join(tmpdir(), 'edict-test-'))
  const mongo = await startEmbeddedMongod({ dataDir, binary: mongod, log: () => undefined })
  project.provide('opa', opa)
  project.provide('mongod', mongod)
  project.provide('mongoUri', mongo.uri)
  return async () => {
    await mongo.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

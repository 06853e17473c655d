/**
 * MongoDB for tests: `useMongo()` for a fresh database on the run's shared mongod; `startMongod()` for one of one's own,
 * for tests that stop, kill or restart it.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { afterAll, inject } from 'vitest'
import { startEmbeddedMongod, type EmbeddedMongod } from '../../src/store/embedded.ts'

export interface SharedMongo {
  readonly uri: string
  /** The name of a database that nobody else uses; it is dropped after the test file. */
  readonly database: () => string
}

export function useMongo(): SharedMongo {
  const uri = inject('mongoUri')
  const used: string[] = []
  afterAll(async () => {
    const client = new MongoClient(uri)
    for (const name of used) await client.db(name).dropDatabase()
    await client.close()
  })
  const database = () => {
    const name = `test_${randomBytes(8).toString('hex')}`
    used.push(name)
    return name
  }
  return { uri, database }
}

/** Stops with the test file. Call it again with the same folder to start it there again. */
export async function startMongod(folder?: string): Promise<EmbeddedMongod & { readonly dataDir: string }> {
  const dataDir = folder ?? (await mkdtemp(join(tmpdir(), 'edict-mongod-')))
  const mongo = await startEmbeddedMongod({ dataDir, binary: inject('mongod'), log: () => undefined })
  afterAll(async () => {
    await mongo.stop()
    if (folder === undefined) await rm(dataDir, { recursive: true, force: true })
  })
  return Object.assign(mongo, { dataDir })
}

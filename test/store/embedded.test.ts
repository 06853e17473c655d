import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MongoClient } from 'mongodb'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { startEmbeddedMongod, type EmbeddedMongod } from '../../src/store/embedded.ts'
import { isAlive } from '../../src/tools/process-alive.ts'

let dataDir: string
const running: EmbeddedMongod[] = []
const children: ChildProcess[] = []

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'edict-embedded-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const mongo of running.splice(0)) await mongo.stop()
  await rm(dataDir, { recursive: true, force: true })
})

async function start(): Promise<EmbeddedMongod> {
  const mongo = await startEmbeddedMongod({ dataDir, binary: inject('mongod'), log: () => undefined })
  running.push(mongo)
  return mongo
}

/** Another process that starts (or attaches to) the same store; the compiled code, as in production. */
async function startElsewhere(): Promise<ChildProcess> {
  const module = new URL('../../dist/src/store/embedded.js', import.meta.url).href
  const options = JSON.stringify({ dataDir, binary: inject('mongod') })
  const script = `import { startEmbeddedMongod } from ${JSON.stringify(module)}
    const mongo = await startEmbeddedMongod({ ...${options}, log: () => {} })
    process.on('SIGTERM', async () => { await mongo.stop(); process.exit(0) })
    setInterval(() => {}, 1000)
    console.log(mongo.owned ? 'owner' : 'attached')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  await once(child.stdout, 'data')
  return child
}

const state = async () => JSON.parse(await readFile(join(dataDir, 'mongod', 'state.json'), 'utf8'))

async function write(mongo: EmbeddedMongod, name: string): Promise<readonly unknown[]> {
  const client = new MongoClient(mongo.uri, { serverSelectionTimeoutMS: 10_000 })
  try {
    const things = client.db('test').collection('things')
    await client.withSession((session) =>
      session.withTransaction(() => things.insertOne({ name }, { session }), { writeConcern: { w: 'majority' } }),
    )
    return (await things.find().sort({ _id: 1 }).toArray()).map((thing) => thing['name'])
  } finally {
    await client.close()
  }
}

test('a fresh folder has a primary with transactions within seconds, and keeps its data and port over a restart', async () => {
  const began = Date.now()
  const first = await start()
  expect(Date.now() - began).toBeLessThan(10_000)
  expect(first.owned).toBe(true)
  expect(await write(first, 'one')).toEqual(['one'])
  await first.stop()
  const again = await start()
  expect(again.uri).toBe(first.uri)
  expect(await write(again, 'two')).toEqual(['one', 'two'])
})

test('when another program took the remembered port, it moves to another one and keeps its data', async () => {
  const first = await start()
  await write(first, 'one')
  await first.stop()
  const squatter = createServer().listen((await state()).port, '127.0.0.1')
  await once(squatter, 'listening')
  const began = Date.now()
  const moved = await start()
  expect(Date.now() - began).toBeLessThan(20_000)
  expect(moved.uri).not.toBe(first.uri)
  expect(await write(moved, 'two')).toEqual(['one', 'two'])
  squatter.close()
})

test('two processes that start at once share one mongod', async () => {
  const [mongo] = await Promise.all([start(), startElsewhere()])
  expect(await write(mongo, 'one')).toEqual(['one'])
  expect(isAlive((await state()).pid)).toBe(true)
})

test('a second process attaches, and starts mongod again at the same port when the owner stops', async () => {
  const owner = await startElsewhere()
  const attached = await start()
  expect(attached.owned).toBe(false)
  await write(attached, 'one')
  owner.kill('SIGTERM')
  await once(owner, 'exit')
  expect(await write(attached, 'two')).toEqual(['one', 'two'])
  expect(attached.owned).toBe(true)
})

test('stopping an attached process leaves mongod to its owner', async () => {
  const owner = await start()
  const other = await startElsewhere()
  other.kill('SIGTERM')
  await once(other, 'exit')
  expect(await write(owner, 'one')).toEqual(['one'])
})

test('after SIGKILL of its owner the next start has the data, and no mongod lingers', async () => {
  const owner = await startElsewhere()
  const { pid } = await state()
  owner.kill('SIGKILL')
  await once(owner, 'exit')
  const next = await start()
  expect(next.owned).toBe(true)
  expect(await write(next, 'one')).toEqual(['one'])
  expect(isAlive(pid)).toBe(false)
})

test('after SIGKILL of mongod itself it is started again at the same port with its data', async () => {
  const mongo = await start()
  await write(mongo, 'one')
  const { pid } = await state()
  process.kill(pid, 'SIGKILL')
  while (isAlive(pid)) await sleep(10)
  expect(await write(mongo, 'two')).toEqual(['one', 'two'])
})

test('a folder that mongod cannot read is an error that says so', async () => {
  const first = await start()
  await first.stop()
  await writeFile(join(dataDir, 'mongod', 'db', 'storage.bson'), 'not BSON')
  await expect(start()).rejects.toThrow(/mongod did not start on/)
})

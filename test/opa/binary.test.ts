import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createServer as createSocketServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findOpa, opaVersion, releaseAsset } from '../../src/opa/binary.ts'

const fakeOpa = (version: string) => `#!/bin/sh\necho "Version: ${version}"\n`

let folder: string
let cacheDir: string
let server: Server | undefined
let said: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edict-opa-'))
  cacheDir = join(folder, 'cache')
  said = []
})
afterEach(async () => {
  server?.closeAllConnections()
  server?.close()
  server = undefined
  await rm(folder, { recursive: true, force: true })
})

async function program(name: string, text: string): Promise<string> {
  const file = join(folder, name)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, text)
  await chmod(file, 0o755)
  return file
}

/** Plays the host of the releases. */
async function releases(files: Readonly<Record<string, string>>): Promise<string> {
  server = createServer((request, response) => {
    const text = files[request.url ?? '']
    response.writeHead(text === undefined ? 404 : 200).end(text)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : ''
}

const asset = `/v${opaVersion}/${releaseAsset(process.platform, process.arch)}`
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const find = (env: Record<string, string>, options: { releases?: string; connectMs?: number } = {}) =>
  findOpa({
    env,
    cacheDir,
    log: (line) => said.push(line),
    connectMs: 2_000,
    releases: 'http://127.0.0.1:9/nothing',
    ...options,
  })

test('OPA_PATH of the pinned version is used', async () => {
  const file = await program('mine/opa', fakeOpa(opaVersion))
  expect(await find({ OPA_PATH: file, PATH: '' })).toBe(file)
})

test('OPA_PATH of another version is refused, and says which one is needed', async () => {
  const file = await program('mine/opa', fakeOpa('1.0.0'))
  await expect(find({ OPA_PATH: file, PATH: '' })).rejects.toThrow(/is opa 1\.0\.0; Edict needs exactly opa 1\.22\.2/)
})

test('OPA_PATH that is not there is refused', async () => {
  await expect(find({ OPA_PATH: join(folder, 'none'), PATH: '' })).rejects.toThrow(/is not a working opa/)
})

test('the first opa on PATH of the pinned version is used, others are passed over', async () => {
  await program('a/opa', fakeOpa('0.70.0'))
  const second = await program('b/opa', fakeOpa(opaVersion))
  expect(await find({ PATH: `${join(folder, 'a')}:${join(folder, 'b')}` })).toBe(second)
})

test('the release is fetched once, checked against its sha256, and answers from the cache without a network', async () => {
  const text = fakeOpa(opaVersion)
  const url = await releases({ [asset]: text, [`${asset}.sha256`]: `${sha256(text)}  opa\n` })
  const file = await find({ PATH: '' }, { releases: url })
  expect(file.startsWith(cacheDir)).toBe(true)
  expect(await readdir(cacheDir)).toEqual([`opa-${opaVersion}`])
  expect(await find({ PATH: '' })).toBe(file)
})

test('two that need it at once fetch it once', async () => {
  const text = fakeOpa(opaVersion)
  const url = await releases({ [asset]: text, [`${asset}.sha256`]: sha256(text) })
  const [one, two] = await Promise.all([find({ PATH: '' }, { releases: url }), find({ PATH: '' }, { releases: url })])
  expect(one).toBe(two)
  expect(said.filter((line) => line.includes('ready'))).toHaveLength(1)
})

test('a release that does not have its published sha256 is refused and leaves nothing behind', async () => {
  const url = await releases({ [asset]: fakeOpa(opaVersion), [`${asset}.sha256`]: sha256('something else') })
  await expect(find({ PATH: '' }, { releases: url })).rejects.toThrow(/its release says [0-9a-f]{64}: refused/)
  expect(await readdir(cacheDir)).toEqual([])
})

test('a release that is another version than it says is refused', async () => {
  const text = fakeOpa('1.22.1')
  const url = await releases({ [asset]: text, [`${asset}.sha256`]: sha256(text) })
  await expect(find({ PATH: '' }, { releases: url })).rejects.toThrow(/does not run as opa 1\.22\.2 \(1\.22\.1\)/)
})

test('when nothing is reached, the error says what was tried, why it failed, and what to do', async () => {
  const error = await find({ PATH: '' }).catch((thrown: unknown) => thrown)
  expect(String(error)).toMatch(/opa 1\.22\.2 is needed and could not be had:/)
  expect(String(error)).toMatch(/the official release: cannot reach 127\.0\.0\.1:9/)
  expect(String(error)).toMatch(/there is no go on PATH/)
  expect(String(error)).toMatch(/set OPA_PATH/)
})

test('a host that takes the connection and stays silent is given up after the time to connect', async () => {
  const silent = createSocketServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const address = silent.address()
  const url = typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : ''
  const began = Date.now()
  await expect(find({ PATH: '' }, { releases: url, connectMs: 300 })).rejects.toThrow(/no answer from .* within 0\.3 s/)
  expect(Date.now() - began).toBeLessThan(5_000)
  silent.close()
})

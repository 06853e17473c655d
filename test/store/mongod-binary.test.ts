import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findMongod, type FetchMongod } from '../../src/store/mongod-binary.ts'

const fakeMongod = (version: string) => `#!/bin/sh\necho "db version v${version}"\n`

let folder: string
let cacheDir: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edict-mongod-binary-'))
  cacheDir = join(folder, 'cache')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function program(name: string, text: string): Promise<string> {
  const file = join(folder, name)
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, text)
  await chmod(file, 0o755)
  return file
}

const way = (name: string, text: string | Error): FetchMongod => ({
  name,
  fetch: async (into) => {
    if (text instanceof Error) throw text
    await writeFile(join(into, 'mongod'), text)
    return join(into, 'mongod')
  },
})
const find = (env: Record<string, string>, ...ways: readonly FetchMongod[]) =>
  findMongod({ env, cacheDir, log: () => undefined, ways: () => ways })

test('MONGOD_PATH comes first, then PATH, then the cache', async () => {
  const cached = await program('cache/mongod', fakeMongod('6.0.5'))
  expect(await find({ PATH: '' })).toBe(cached)
  const onPath = await program('bin/mongod', fakeMongod('7.0.1'))
  expect(await find({ PATH: join(folder, 'bin') })).toBe(onPath)
  const named = await program('mine/mongod', fakeMongod('8.0.0'))
  expect(await find({ PATH: join(folder, 'bin'), MONGOD_PATH: named })).toBe(named)
})

test('a mongod on PATH that is too old is passed over, MONGOD_PATH of such a one is refused', async () => {
  const old = await program('bin/mongod', fakeMongod('4.4.0'))
  const fetched = await find({ PATH: `${join(folder, 'bin')}` }, way('a download', fakeMongod('8.2.6')))
  expect(fetched).toBe(join(cacheDir, 'mongod'))
  await expect(find({ PATH: '', MONGOD_PATH: old })).rejects.toThrow(
    /is MongoDB 4\.4\.0; Edict needs MongoDB 6 or newer/,
  )
})

test('the next way is tried when one fails, and nothing but the binary is kept', async () => {
  const file = await find({ PATH: '' }, way('one', new Error('no network')), way('two', fakeMongod('6.0.5')))
  expect(await readdir(cacheDir)).toEqual(['mongod'])
  expect(await find({ PATH: '' })).toBe(file)
})

test('what does not run here is not kept, and the missing library is named', async () => {
  const broken = '#!/bin/sh\necho "error while loading shared libraries: libcurl.so.4: cannot open" >&2; exit 127\n'
  await expect(find({ PATH: '' }, way('a wheel', broken))).rejects.toThrow(/libcurl 4 is missing[^]*set MONGOD_PATH/)
  expect(await readdir(cacheDir)).toEqual([])
})

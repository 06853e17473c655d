/**
 * Finds the one pinned version of the `opa` CLI: OPA_PATH, PATH, the cache folder, the official release, `go install`.
 * Another version is never used, because its compiler may decide differently. Runs nothing but `opa version` and `go`.
 */
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { EdictError } from '../errors.ts'
import type { Environment } from '../tools/cache-folder.ts'
import { command, lastWords } from '../tools/command.ts'
import { downloadFile, downloadText } from '../tools/download.ts'
import { exe, isExecutable, programsOnPath } from '../tools/executable.ts'
import { withFileLock } from '../tools/file-lock.ts'
import { reach } from '../tools/reach.ts'
import { firstWay, type Log } from '../tools/ways.ts'

export const opaVersion = '1.22.2'

/** The module's entry in the Go checksum database; every `go install`ed binary carries it. */
const goModule = 'github.com/open-policy-agent/opa'
const goModuleSum = 'h1:WzqReKk2VjcvBN/NQTlcIxKqFPKpzIdb6KYMHzPEbe0='

export interface FindOpaOptions {
  readonly env: Environment
  readonly cacheDir: string
  readonly log: Log
  readonly signal?: AbortSignal | undefined
  /** Where releases lie, for tests. */
  readonly releases?: string
  readonly connectMs?: number
}

export async function findOpa(options: FindOpaOptions): Promise<string> {
  const { env, cacheDir, log, signal } = options
  if (env['OPA_PATH']) return configured(resolve(env['OPA_PATH']))
  for (const file of await programsOnPath('opa', env)) {
    if ((await versionOf(file)) === opaVersion) return file
  }
  const cached = join(cacheDir, `opa-${opaVersion}${exe}`)
  if (await isExecutable(cached)) return cached
  const onWait = () => log(`opa ${opaVersion}: another process is fetching it, waiting …`)
  return withFileLock(`${cached}.lock`, { signal, onWait }, async () => {
    if (await isExecutable(cached)) return cached
    return firstWay({
      tool: `opa ${opaVersion}`,
      ways: [
        { name: 'the official release', take: () => fromRelease(cached, options) },
        {
          name: `it with "go install ${goModule}@v${opaVersion}" (a minute or two)`,
          take: () => fromGo(cached, options),
        },
      ],
      advice: `Install opa ${opaVersion} (https://www.openpolicyagent.org/docs#1-download-opa) and put it on PATH, or set OPA_PATH to it.`,
      log,
      signal,
    })
  })
}

async function configured(file: string): Promise<string> {
  const version = await versionOf(file)
  if (version === opaVersion) return file
  const found = version === undefined ? 'is not a working opa' : `is opa ${version}`
  throw new EdictError(
    'tool_unavailable',
    `OPA_PATH: ${file} ${found}; Edict needs exactly opa ${opaVersion}. Unset OPA_PATH to have it fetched, or set it to that version.`,
  )
}

async function versionOf(file: string): Promise<string | undefined> {
  const said = await command(file, ['version'], { env: {}, timeoutMs: 20_000 })
  return said.code === 0 ? /^Version:\s*v?(\S+)/m.exec(said.stdout)?.[1] : undefined
}

/** No digest is pinned: the release's own `.sha256` file is what each download is checked against. */
async function fromRelease(cached: string, options: FindOpaOptions): Promise<string> {
  const { signal, connectMs = 10_000, releases = `https://${goModule}/releases/download` } = options
  const asset = releaseAsset(process.platform, process.arch)
  if (asset === undefined) throw new Error(`there is none for ${process.platform} ${process.arch}`)
  const url = `${releases}/v${opaVersion}/${asset}`
  const expected = /^[0-9a-f]{64}/i.exec(await downloadText(`${url}.sha256`, { connectMs, signal }))?.[0]?.toLowerCase()
  if (expected === undefined) throw new Error(`${url}.sha256 holds no sha256`)
  return place(cached, async (folder) => {
    const file = join(folder, asset)
    const { sha256 } = await downloadFile(url, file, { connectMs, signal })
    if (sha256 !== expected) throw new Error(`${url} has sha256 ${sha256}, its release says ${expected}: refused`)
    return file
  })
}

export function releaseAsset(platform: NodeJS.Platform, arch: string): string | undefined {
  const assets: Readonly<Record<string, string>> = {
    'linux x64': 'opa_linux_amd64_static',
    'linux arm64': 'opa_linux_arm64_static',
    'darwin x64': 'opa_darwin_amd64',
    'darwin arm64': 'opa_darwin_arm64_static',
    'win32 x64': 'opa_windows_amd64.exe',
  }
  return assets[`${platform} ${arch}`]
}

async function fromGo(cached: string, { env, signal, connectMs = 10_000 }: FindOpaOptions): Promise<string> {
  const [go] = await programsOnPath('go', env)
  if (go === undefined) throw new Error('there is no go on PATH')
  const proxies = await command(go, ['env', 'GOPROXY'], { env, timeoutMs: 20_000 })
  const proxy = /https?:\/\/[^,|\s]+/.exec(proxies.stdout)?.[0]
  if (proxy !== undefined) await reach(proxy, { env, connectMs })
  return place(cached, async (folder) => {
    const flags = `${env['GOFLAGS'] ?? ''} -modcacherw`.trim()
    const { GOOS: _os, GOARCH: _arch, ...rest } = env
    const buildEnv = { ...rest, GOBIN: folder, GOFLAGS: flags, CGO_ENABLED: '0' }
    const target = `${goModule}@v${opaVersion}`
    const built = await command(go, ['install', '-trimpath', target], {
      env: buildEnv,
      cwd: folder,
      timeoutMs: 900_000,
      signal,
    })
    if (built.code !== 0) throw new Error(lastWords(built))
    const file = join(folder, `opa${exe}`)
    const contents = await command(go, ['version', '-m', file], { env, timeoutMs: 20_000 })
    if (!contents.stdout.includes(goModuleSum))
      throw new Error(`the module that go fetched is not ${goModuleSum}: refused`)
    return file
  })
}

/** Makes the file in a folder beside its place, checks that it runs, then moves it there in one step. */
async function place(cached: string, make: (folder: string) => Promise<string>): Promise<string> {
  const cacheDir = resolve(cached, '..')
  await mkdir(cacheDir, { recursive: true })
  const folder = await mkdtemp(join(cacheDir, '.opa-'))
  try {
    const file = await make(folder)
    await chmod(file, 0o755)
    const version = await versionOf(file)
    if (version !== opaVersion)
      throw new Error(`what came does not run as opa ${opaVersion} (${version ?? 'no version'})`)
    await rename(file, cached)
    return cached
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * A Git repository as a source: a bare mirror, read at a commit. An unchanged branch costs one fetch of nothing.
 * Never checks out, runs no hook, follows no symlink and no submodule; shows no credential.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { sha256 } from '../../src/policy/digest.ts'
import type { GitSourceConfig } from '../../src/config.ts'
import { EdictError } from '../../src/errors.ts'
import type { Fragment } from '../../src/policy/schema.ts'
import { defaultFileLimits, type FileLimits } from '../sources/file-rules.ts'
import { gitEnvironment } from './environment.ts'
import { toSourceError } from './errors.ts'
import { createMirror, MissingBranch } from './mirror.ts'
import { createTreeReader, MissingPath } from './tree.ts'
import { parseGitUrl } from './url.ts'
import { createGit, GitFailure } from './git.ts'
import { SourceError, type Blame, type Source } from '../sources/source.ts'

/** Addresses: of who wrote it, who committed it, and whom its message names as having written it, too. */
const authorFormat = '--format=%ae%n%ce%n%(trailers:key=Co-authored-by,valueonly)'

/** With more than these, all that the source has counts. */
const mostPaths = 500

export function createGitSource(
  config: GitSourceConfig,
  {
    dataDir,
    log,
    limits = defaultFileLimits,
    env = {},
    timeoutMs = 60_000,
  }: {
    readonly dataDir: string
    readonly log: Logger
    readonly limits?: FileLimits
    readonly env?: Readonly<Record<string, string | undefined>>
    readonly timeoutMs?: number
  },
): Source {
  const { name, branch } = config
  const path = config.path.replace(/^\/+|\/+$/g, '')
  const location = parseGitUrl(name, config.url)
  checkBranch(name, branch)
  const id = sha256(location.url).slice(0, 16)
  const root = join(dataDir, 'git')
  const home = join(root, 'home')
  const dir = join(root, `${name.replace(/[^A-Za-z0-9_-]/g, '_')}-${id}.git`)
  const globalConfig = `${dir}config`
  const environment = gitEnvironment({
    location,
    credentials: config.credentials,
    gitDir: dir,
    home,
    globalConfig,
    env,
  })
  const git = createGit({ cwd: home, environment, timeoutMs })
  const mirror = createMirror({ git, dir, url: location.url, branch, log: log.child({ source: name }) })
  const tree = createTreeReader({ git, source: name, path, limits })
  const blames = new Map<string, Promise<Blame | null>>()
  let current: Fragment | undefined

  async function prepare(): Promise<void> {
    await mkdir(home, { recursive: true })
    await writeFileOnce(globalConfig, safeDirectory(location.protocol === 'file' ? location.url : null))
  }

  async function read(commit: string, signal: AbortSignal | undefined): Promise<Fragment> {
    const options = signal === undefined ? {} : { signal }
    const [{ files, findings }, about] = await Promise.all([
      tree.read(commit, options),
      lastCommit(commit, null, options),
    ])
    return {
      source: name,
      kind: 'git',
      commit,
      revision: `${branch}@sha1:${commit}`,
      author: about?.author ?? null,
      committedAt: about?.date ?? null,
      files,
      findings: findings.map((finding) => ({ ...finding, commit })),
    }
  }

  async function lastCommit(
    commit: string,
    file: string | null,
    options: { readonly signal?: AbortSignal },
  ): Promise<Blame | null> {
    const only = file === null ? [] : ['--', path === '' ? file : `${path}/${file}`]
    const shown = await git.run(
      ['log', '-1', '--no-mailmap', '--format=%H%x00%an <%ae>%x00%cI', commit, ...only],
      options,
    )
    const [id = '', author = '', date = ''] = shown.trim().split('\0')
    return id === '' ? null : { commit: id, author, date: new Date(date) }
  }

  async function load(signal: AbortSignal | undefined): Promise<Fragment> {
    const options = signal === undefined ? {} : { signal }
    await prepare()
    const commit = await mirror.fetch(options)
    if (current?.commit === commit) return current
    try {
      return await read(commit, signal)
    } catch (error) {
      if (!(error instanceof GitFailure)) throw error
      log.warn({ source: name }, 'the git mirror lacks objects: making it anew')
      await mirror.discard()
      return read(await mirror.fetch(options), signal)
    }
  }

  return {
    name,
    kind: 'git',
    describe: () => `${location.url}#${branch}${path === '' ? '' : `:${path}`}`,

    async load({ signal }) {
      try {
        const fragment = await load(signal)
        if (fragment.commit !== current?.commit) blames.clear()
        current = fragment
        return fragment
      } catch (error) {
        signal?.throwIfAborted()
        if (error instanceof GitFailure) throw toSourceError(error, location.url, environment.secrets)
        if (error instanceof MissingBranch)
          throw new SourceError(
            'FetchFailed',
            `${location.url}: ${error.isEmpty ? error.message : `there is no branch "${branch}"`}`,
          )
        if (error instanceof MissingPath)
          throw new SourceError('FetchFailed', `${location.url}: the folder "${path}" ${error.message} on "${branch}"`)
        throw error
      }
    },

    async authors({ from, to, paths }) {
      const inside = paths.length > mostPaths ? [''] : paths
      const within = inside
        .map((one) => [path, one].filter((part) => part !== '').join('/'))
        .filter((one) => one !== '')
      const log = (range: string) =>
        git.run(
          ['--literal-pathspecs', 'log', '--full-history', '--no-mailmap', authorFormat, range, '--', ...within],
          {},
        )
      const isCommit = from !== null && /^[0-9a-f]{40,64}$/.test(from)
      // What was in force may be gone with a force push: then all that is known counts.
      const shown = await (isCommit ? log(`${from}..${to}`).catch(() => log(to)) : log(to))
      return [...new Set(shown.match(/[^\s<>,]+@[^\s<>,]+/g)?.map((address) => address.toLowerCase()))]
    },

    blame(file, commit) {
      const key = `${commit}:${file}`
      const known = blames.get(key) ?? lastCommit(commit, file, {}).catch(() => null)
      blames.set(key, known)
      return known
    },
  }
}

function checkBranch(source: string, branch: string): void {
  if (!/^[^\s~^:?*[\\\-/][^\s~^:?*[\\]*$/.test(branch) || /\.\.|@\{|\/\/|\.lock$|\/$/.test(branch))
    throw new EdictError('config_invalid', `source ${source}: "${branch}" is not a branch name`)
}

/** A repository named by the operator may belong to another user; git asks for this word in a global file. */
function safeDirectory(fileUrl: string | null): string {
  if (fileUrl === null) return ''
  const quoted = fileUrl.slice('file://'.length).replace(/["\\]/g, '\\$&')
  return [quoted, `${quoted}/.git`].map((path) => `[safe]\n\tdirectory = "${path}"\n`).join('')
}

/** Renamed into place: another process may read it at this moment. */
async function writeFileOnce(path: string, text: string): Promise<void> {
  const fresh = `${path}.${randomUUID()}.new`
  await writeFile(fresh, text)
  await rename(fresh, path)
}

/** A real Git repository for tests: a bare one that is served, and a work folder that pushes to it. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rename as moveFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface TestRepo {
  /** The folder that holds the bare repository, to be served by `startGitServer`. */
  readonly root: string
  /** Path of the bare repository, `file://` reachable. */
  readonly bare: string
  /** Path of the work folder. */
  readonly work: string
  /** Name of the bare repository under `root`: `policies.git`. */
  readonly name: string
  readonly write: (files: Readonly<Record<string, string | Uint8Array>>) => Promise<void>
  readonly remove: (path: string) => Promise<void>
  readonly rename: (from: string, to: string) => Promise<void>
  readonly symlink: (path: string, target: string) => Promise<void>
  /** Commits everything and answers the commit id. */
  readonly commit: (message?: string, options?: { readonly author?: string }) => Promise<string>
  readonly push: (branch?: string) => Promise<void>
  readonly forcePush: (branch?: string) => Promise<void>
  /** `write` (null removes), `commit` and `push` in one. Answers the commit id. */
  readonly publish: (files: Readonly<Record<string, string | Uint8Array | null>>, message?: string) => Promise<string>
  /** Any git command in the work folder; answers its output without the last line end. */
  readonly git: (args: readonly string[], input?: string | Uint8Array) => Promise<string>
  readonly dispose: () => Promise<void>
}

const identity = {
  GIT_AUTHOR_NAME: 'Ada Author',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada Author',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
}

export async function createRepo({
  name = 'policies.git',
  branch = 'main',
  root,
}: { readonly name?: string; readonly branch?: string; readonly root?: string } = {}): Promise<TestRepo> {
  const base = root ?? (await mkdtemp(join(tmpdir(), 'edict-repo-')))
  const bare = join(base, name)
  const work = await mkdtemp(join(tmpdir(), 'edict-work-'))
  await runGit(base, ['init', '-q', '--bare', `--initial-branch=${branch}`, bare])
  await runGit(bare, ['config', 'http.receivepack', 'true'])
  await runGit(work, ['init', '-q', `--initial-branch=${branch}`])
  await runGit(work, ['remote', 'add', 'origin', bare])

  const write: TestRepo['write'] = async (files) => {
    for (const [path, content] of Object.entries(files)) {
      // oxlint-disable-next-line no-await-in-loop
      await mkdir(dirname(join(work, path)), { recursive: true })
      // oxlint-disable-next-line no-await-in-loop
      await writeFile(join(work, path), content)
    }
  }
  const remove = (path: string): Promise<void> => rm(join(work, path), { recursive: true })
  const commit: TestRepo['commit'] = async (message = 'change', { author } = {}) => {
    await runGit(work, ['add', '-A'])
    const by = author === undefined ? [] : [`--author=${author}`]
    await runGit(work, ['commit', '-q', '--allow-empty', '-m', message, ...by])
    return runGit(work, ['rev-parse', 'HEAD'])
  }
  const push: TestRepo['push'] = async (to = branch) => {
    await runGit(work, ['push', '-q', 'origin', `HEAD:refs/heads/${to}`])
  }

  return {
    root: base,
    bare,
    work,
    name,
    write,
    remove,
    commit,
    push,
    async rename(from, to) {
      await mkdir(dirname(join(work, to)), { recursive: true })
      await moveFile(join(work, from), join(work, to))
    },
    async symlink(path, target) {
      await mkdir(dirname(join(work, path)), { recursive: true })
      await symlink(target, join(work, path))
    },
    async forcePush(to = branch) {
      await runGit(work, ['push', '-q', '--force', 'origin', `HEAD:refs/heads/${to}`])
    },
    async publish(files, message) {
      const gone = Object.keys(files).filter((path) => files[path] === null)
      await Promise.all(gone.map(remove))
      await write(
        Object.fromEntries(Object.entries(files).flatMap(([path, text]) => (text === null ? [] : [[path, text]]))),
      )
      const id = await commit(message)
      await push()
      return id
    },
    git: (args, input) => runGit(work, args, input),
    async dispose() {
      await rm(work, { recursive: true, force: true })
      await rm(root === undefined ? base : bare, { recursive: true, force: true })
    },
  }
}

function runGit(cwd: string, args: readonly string[], input?: string | Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...identity }
    const child = execFile('git', args, { cwd, env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trimEnd())
      else reject(new Error(`git ${args.join(' ')}: ${stderr}`))
    })
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input ?? '')
  })
}

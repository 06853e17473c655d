/** A Git repository behind a real Git server, and an `edict serve` that follows it: what most end-to-end tests start from. */
import { createRepo, type TestRepo } from '../setup/git-repo.ts'
import { startGitServer, type GitServer } from '../setup/git-http.ts'
import { afterwards, call, newDatabase, startEdict, syncNow, type Edict, type Reply } from './edict.ts'

export interface ServedRepo {
  readonly repo: TestRepo
  readonly git: GitServer
  readonly edict: Edict
  /** The variables that it runs with; a second process with them works on the same database. */
  readonly env: Readonly<Record<string, string>>
  /** `write` (null removes), commit, push and a sync that is waited for. Answers the commit and how the cycle ended. */
  readonly release: (
    files: Readonly<Record<string, string | Uint8Array | null>>,
    message?: string,
  ) => Promise<{ readonly commit: string; readonly outcome: Outcome }>
  readonly sync: () => Promise<Outcome>
}

export interface FindingSeen {
  readonly code: string
  readonly severity: string
  readonly message: string
  readonly file?: string
  readonly line?: number
  readonly commit?: string
  readonly author?: string
}

export interface Outcome {
  readonly ok: boolean
  readonly revision: number | null
  readonly message: string
  readonly findings: readonly FindingSeen[]
}

/** A repository that a test file ends with. */
export const newRepo = async (options: Parameters<typeof createRepo>[0] = {}): Promise<TestRepo> => {
  const repo = await createRepo(options)
  afterwards(() => repo.dispose())
  return repo
}

export const newGitServer = async (options: Parameters<typeof startGitServer>[0]): Promise<GitServer> => {
  const git = await startGitServer(options)
  afterwards(() => git.close())
  return git
}

export const serveRepo = async ({
  files,
  login,
  env = {},
  source = 'platform',
}: {
  readonly files: Readonly<Record<string, string | Uint8Array>>
  readonly login?: { readonly user: string; readonly password: string }
  readonly env?: Readonly<Record<string, string>>
  readonly source?: string
}): Promise<ServedRepo> => {
  const repo = await newRepo()
  await repo.publish(files, 'first')
  const git = await newGitServer({ root: repo.root, ...login })
  const all = {
    ...newDatabase(),
    POLICY_REPO: `${git.url}/${repo.name}`,
    EDICT_SOURCE: source,
    SYNC_INTERVAL: '1h',
    ...(login && { POLICY_REPO_USER: login.user, POLICY_REPO_PASS: login.password }),
    ...env,
  }
  const edict = await startEdict(all)
  const sync = async (): Promise<Outcome> => outcomeOf(await syncNow(edict, source))
  return {
    repo,
    git,
    edict,
    env: all,
    sync,
    async release(changed, message) {
      const commit = await repo.publish(changed, message)
      return { commit, outcome: await sync() }
    },
  }
}

export const outcomeOf = ({ status, text, json }: Reply): Outcome => {
  if (status !== 200) throw new Error(`the sync was answered with ${status}: ${text}`)
  return json as Outcome
}

/** `package <group>.<name>` with one rule. */
export const rego = (group: string, name: string, rule: string): string => `package ${group}.${name}\n\n${rule}\n`

export const showPolicy = (edict: Pick<Edict, 'url'>, policy: string): Promise<Reply> =>
  call(`${edict.url}/policy/${policy}`)

export const showSource = (edict: Pick<Edict, 'url'>, source = 'platform'): Promise<Reply> =>
  call(`${edict.url}/api/sources/${source}`)

/** The sources of the configuration: their schema in `edict.yaml`, and the one that environment variables can name. */
import { basename, resolve } from 'node:path'
import { z } from 'zod'
import type { Outbound } from '../../extensions/extension.ts'
import type { GitSourceConfig, RetiredSource, Secret, SourceConfig } from '../config.ts'
import { rulesDataId } from '../policy/rules.ts'
import type { SourceScope } from '../policy/scope.ts'
import { outboundOf, sourceHttp } from './outbound.ts'
import { scopeSchema } from './scopes.ts'
import { sourceLimits } from './source-limits.ts'
import { duration, flag, readSecret, secretOf, secretReference } from './values.ts'

type Env = Readonly<Record<string, string | undefined>>

const name = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/, 'must be 1–64 letters, digits, dots, underscores or hyphens')
  .describe('The source’s name, `{repository}` in URLs. Default: the last segment of its URL or folder, without .git.')

const common = {
  name: name.optional(),
  interval: duration.optional().describe('How often it is polled. Default 60s.'),
  webhook: z
    .strictObject({ secret: secretReference })
    .optional()
    .describe('The secret that webhook signatures are checked with. Without one, webhooks are refused.'),
  scope: scopeSchema.optional(),
  mode: z
    .enum(['apply', 'plan'])
    .optional()
    .describe('`plan`: what it changes waits until somebody approves its plan. Default: `apply`.'),
  strict: flag.optional().describe('As `evaluation.strict`, for its policies.'),
  tests: flag
    .optional()
    .describe(
      '`false`: its policies are published without their tests being run. Default: tests that fail keep a policy back.',
    ),
  http: sourceHttp.optional(),
  retire: flag
    .optional()
    .describe(
      'Removes all that is in force of it, and reads it no more. A source that is only left out removes nothing.',
    ),
  limits: sourceLimits.optional(),
}

const gitSource = z.strictObject({
  ...common,
  git: z
    .strictObject({
      url: z.string().min(1).describe('https, ssh, file, or http to loopback. Holds no credential.'),
      branch: z.string().min(1).default('main').describe('The branch that is followed.'),
      path: z.string().default('').describe('Folder inside the repository.'),
      token: secretReference.optional().describe('Sent as the password over HTTPS.'),
      user: z.string().optional().describe('User for HTTPS, with password.'),
      password: secretReference.optional().describe('Password for HTTPS.'),
      sshKey: z.string().optional().describe('Path of a private key file.'),
      knownHosts: z.string().optional().describe('Path of a known_hosts file. Default: the user’s own.'),
    })
    .describe('A Git repository.'),
})

const directorySource = z.strictObject({
  ...common,
  directory: z.string().min(1).describe('A local directory, watched for changes.'),
})

const apiSource = z.strictObject({
  name: common.name,
  strict: common.strict,
  http: common.http,
  scope: common.scope,
  mode: common.mode,
  limits: common.limits,
  api: z.strictObject({}).describe('Modules and rules that are changed over HTTP and kept in the store.'),
})

/** Where it came from need not be said any more. */
const retiredSource = z.strictObject({ ...common, name, retire: z.literal(true) })

/** One source as it stands in `edict.yaml`. */
export const sourceSchema = z.union([gitSource, directorySource, apiSource, retiredSource])

type Written = z.infer<typeof gitSource> | z.infer<typeof directorySource> | z.infer<typeof apiSource>
export type Problem = (message: string) => void

const secret = (reference: z.infer<typeof secretReference> | undefined, env: Env, problem: Problem): Secret | null => {
  if (reference === undefined) return null
  const value = readSecret(reference, env)
  if (!('problem' in value)) return value
  problem(value.problem)
  return null
}

const parse = (entry: unknown, problem: Problem): Written | undefined => {
  const has = (key: string) => typeof entry === 'object' && entry !== null && key in entry
  const schema = has('git') ? gitSource : has('directory') ? directorySource : has('api') ? apiSource : undefined
  if (schema === undefined) {
    problem(
      has('retire') ? 'must have the name of what is retired' : 'must have git, directory or api, or retire: true',
    )
    return undefined
  }
  const parsed = schema.safeParse(entry)
  if (parsed.success) return parsed.data
  for (const { path, message } of parsed.error.issues) problem([...path, message].join(' '))
  return undefined
}

export const defaultName = (place: string): string => basename(place.replace(/[/\\]+$/, '')).replace(/\.git$/, '')

const gitCredentials = (git: Extract<Written, { git: unknown }>['git'], env: Env, problem: Problem) => {
  const token = secret(git.token, env, problem)
  const password = secret(git.password, env, problem)
  const ways = [git.token, git.password, git.sshKey].filter((way) => way !== undefined)
  if (ways.length > 1) problem('give one of token, user with password, or sshKey')
  if (git.user !== undefined && git.password === undefined) problem('a user needs a password')
  if (git.sshKey !== undefined)
    return { kind: 'ssh', keyFile: resolve(git.sshKey), knownHostsFile: git.knownHosts ?? null } as const
  if (password !== null) return { kind: 'password', user: git.user ?? 'git', password } as const
  return token === null ? ({ kind: 'none' } as const) : ({ kind: 'token', token } as const)
}

/** Undefined when it says nothing of its own; `rules` are those of all sources. */
const outbound = (
  written: z.infer<typeof sourceHttp> | undefined,
  { env, rules, problem }: { readonly env: Env; readonly rules: Outbound['rules']; readonly problem: Problem },
): Outbound | undefined => {
  if (written === undefined) return undefined
  const secrets = Object.entries(written.secrets).flatMap(([key, reference]) => {
    const value = secret(reference, env, problem)
    return value === null ? [] : [[key, value] as const]
  })
  return outboundOf(written.allow ?? rules, new Map(secrets))
}

/** The name of a source that is only to be removed; its credentials may be gone already. */
const retiredName = (entry: unknown): string | undefined => {
  const asked = z.looseObject({ retire: flag, name: name.optional() }).safeParse(entry)
  if (!asked.success || !asked.data.retire) return undefined
  const place = z
    .object({ git: z.object({ url: z.string() }) })
    .or(z.object({ directory: z.string() }))
    .safeParse(entry)
  const from = place.success ? ('git' in place.data ? place.data.git.url : place.data.directory) : undefined
  return asked.data.name ?? (from === undefined ? undefined : defaultName(from))
}

/** It has nothing to poll: a look now and then finds what was changed past it. */
const apiConfig = (name = 'api') => ({ name, kind: 'api', intervalMs: 600_000, webhookSecret: null }) as const

/** The table of rules is the API's whatever its scope; which services there may be, `modules` says. */
const withRules = (scope: SourceScope | undefined): SourceScope | undefined =>
  scope && { ...scope, data: [...scope.data, rulesDataId] }

/** The API, when the environment asks for it. */
export const environmentApi = (env: Env, problem: Problem): readonly SourceConfig[] => {
  const wanted = flag.safeParse(env['EDICT_API'] || 'false')
  if (!wanted.success) problem('EDICT_API: must be true or false')
  return wanted.data === true ? [apiConfig()] : []
}

/** One source of the file with its secrets read and its defaults filled in; undefined when it is not one. */
export const resolveSource = (
  entry: unknown,
  { env, cwd, rules = [] }: { env: Env; cwd: string; rules?: Outbound['rules'] },
  problem: Problem,
): SourceConfig | RetiredSource | undefined => {
  const retired = retiredName(entry)
  if (retired !== undefined) return { kind: 'retired', name: retired }
  const written = parse(entry, problem)
  if (written === undefined) return undefined
  const { strict, scope, limits } = written
  const tests = 'tests' in written ? written.tests : undefined
  const { mode } = written
  const settings = { strict, scope, limits, tests, outbound: outbound(written.http, { env, rules, problem }) }
  if ('api' in written) return { ...apiConfig(written.name), ...settings, mode, scope: withRules(scope) }
  const shared = {
    ...settings,
    intervalMs: written.interval ?? 60_000,
    webhookSecret: secret(written.webhook?.secret, env, problem),
    mode,
  }
  if ('directory' in written) {
    const directory = resolve(cwd, written.directory)
    return { ...shared, kind: 'directory', name: written.name ?? defaultName(directory), directory }
  }
  const { url, branch, path } = written.git
  const credentials = gitCredentials(written.git, env, problem)
  return { ...shared, kind: 'git', name: written.name ?? defaultName(url), url, branch, path, credentials }
}

/** The variables that configure one source alone; the first six are named as the Go policy service names them. */
export const sourceVariables = {
  POLICY_REPO: 'URL of a Git repository of policies.',
  POLICY_REPO_BRANCH: 'Its branch. Default: main.',
  POLICY_REPO_FOLDER: 'Folder inside it.',
  POLICY_REPO_USER: 'User for HTTPS.',
  POLICY_REPO_PASS: 'Password for HTTPS.',
  SYNC_INTERVAL: 'How often it is polled. Default: 60s.',
  POLICY_REPO_TOKEN: 'Token for HTTPS, instead of user and password.',
  POLICY_REPO_SSH_KEY: 'Path of a private key file for SSH.',
  POLICY_REPO_KNOWN_HOSTS: 'Path of a known_hosts file for SSH.',
  EDICT_WEBHOOK_SECRET: 'Secret that webhook signatures are checked with.',
  EDICT_DIRECTORY: 'A local directory of policies, instead of POLICY_REPO.',
  EDICT_MODE: '`plan`: what it changes waits until somebody approves its plan. Default: `apply`.',
  EDICT_API: '`true`: modules and rules may be changed over HTTP. Goes with the sources of `edict.yaml`, too.',
  EDICT_SOURCE: 'The source’s name, instead of the last segment of its URL or folder.',
} as const

const environmentCredentials = (env: Env): GitSourceConfig['credentials'] => {
  if (env['POLICY_REPO_SSH_KEY']) {
    const knownHostsFile = env['POLICY_REPO_KNOWN_HOSTS'] || null
    return { kind: 'ssh', keyFile: resolve(env['POLICY_REPO_SSH_KEY']), knownHostsFile }
  }
  if (env['POLICY_REPO_TOKEN']) return { kind: 'token', token: secretOf(env['POLICY_REPO_TOKEN']) }
  if (env['POLICY_REPO_PASS'])
    return { kind: 'password', user: env['POLICY_REPO_USER'] || 'git', password: secretOf(env['POLICY_REPO_PASS']) }
  return { kind: 'none' }
}

/** The source that the environment names, if it names one. */
export const environmentSource = (
  { env, cwd }: { env: Env; cwd: string },
  problem: Problem,
): SourceConfig | undefined => {
  const url = env['POLICY_REPO'] || undefined
  const directory = env['EDICT_DIRECTORY'] || undefined
  if (url !== undefined && directory !== undefined) problem('POLICY_REPO and EDICT_DIRECTORY are both set; give one')
  const place = url ?? directory
  if (place === undefined) return undefined
  const interval = duration.safeParse(env['SYNC_INTERVAL'] || '60s')
  if (!interval.success) problem(`SYNC_INTERVAL ${interval.error.issues[0]?.message ?? 'is invalid'}`)
  const named = name.safeParse(env['EDICT_SOURCE'] || defaultName(place))
  if (!named.success) problem(`the source’s name ${named.error.issues[0]?.message ?? 'is invalid'}; set EDICT_SOURCE`)
  const mode = z.enum(['apply', 'plan']).safeParse(env['EDICT_MODE'] || 'apply')
  if (!mode.success) problem('EDICT_MODE must be apply or plan')
  const shared = {
    name: named.data ?? '',
    mode: mode.data,
    intervalMs: interval.data ?? 60_000,
    webhookSecret: env['EDICT_WEBHOOK_SECRET'] ? secretOf(env['EDICT_WEBHOOK_SECRET']) : null,
  }
  if (url === undefined) return { ...shared, kind: 'directory', directory: resolve(cwd, place) }
  const branch = env['POLICY_REPO_BRANCH'] || 'main'
  const path = env['POLICY_REPO_FOLDER'] ?? ''
  return { ...shared, kind: 'git', url, branch, path, credentials: environmentCredentials(env) }
}

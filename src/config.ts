/**
 * The configuration: `edict.yaml`, or environment variables alone for one source. Every key is declared once here with
 * its variable, schema, default and doc; `docs/config.md` and the editor schema are generated from it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import type { Outbound } from '../extensions/extension.ts'
import { readAuth } from './config/auth.ts'
import { keys, type KeyName, type KeyValues } from './config/keys.ts'
import { outboundOf } from './config/outbound.ts'
import { librariesSchema, protectedSchema } from './config/scopes.ts'
import type { SourceLimits } from './config/source-limits.ts'
import { environmentApi, environmentSource, resolveSource } from './config/sources.ts'
import { secretOf } from './config/values.ts'
import { EdictError } from './errors.ts'
import { shippedSource } from './policy/rbac.ts'
import type { Library, SourceScope } from './policy/scope.ts'

/** A value that is a secret: held, never printed. */
export interface Secret {
  readonly reveal: () => string
}

/** What its policies may do; undefined: as those of all sources. */
export interface SourceSettings {
  /** `plan`: what it changes waits until somebody approves its plan. */
  readonly mode?: 'apply' | 'plan' | undefined
  readonly strict?: boolean | undefined
  /** false: its policies are published without their tests being run. */
  readonly tests?: boolean | undefined
  readonly outbound?: Outbound | undefined
  /** What it may declare; undefined: everything. */
  readonly scope?: SourceScope | undefined
  readonly limits?: SourceLimits | undefined
}

export interface GitSourceConfig extends SourceSettings {
  readonly name: string
  readonly kind: 'git'
  readonly url: string
  readonly branch: string
  /** Folder inside the repository, `""` for its root. */
  readonly path: string
  readonly credentials:
    | { readonly kind: 'none' }
    | { readonly kind: 'token'; readonly token: Secret }
    | { readonly kind: 'password'; readonly user: string; readonly password: Secret }
    | { readonly kind: 'ssh'; readonly keyFile: string; readonly knownHostsFile: string | null }
  readonly intervalMs: number
  readonly webhookSecret: Secret | null
}

export interface DirectorySourceConfig extends SourceSettings {
  readonly name: string
  readonly kind: 'directory'
  /** Absolute path. */
  readonly directory: string
  readonly intervalMs: number
  readonly webhookSecret: Secret | null
}

/** Modules and rules that are kept in the store and changed over HTTP. */
export interface ApiSourceConfig extends SourceSettings {
  readonly name: string
  readonly kind: 'api'
  readonly intervalMs: number
  readonly webhookSecret: null
}

export type SourceConfig = GitSourceConfig | DirectorySourceConfig | ApiSourceConfig

/** Configured to be removed. */
export interface RetiredSource {
  readonly kind: 'retired'
  readonly name: string
}

export interface Limits {
  /** Bytes of a request body. */
  readonly maxBody: number
  /** Inputs of a JSON batch. */
  readonly maxBatch: number
  /** Bytes of a JSON batch. */
  readonly maxBatchBody: number
  /** Levels of nesting in an input. */
  readonly maxDepth: number
  /** Units of work for one evaluation. */
  readonly budget: number
  /** Bytes of memory for one evaluation. */
  readonly maxMemory: number
  /** Bytes of one data.json. */
  readonly maxData: number
  /** Requests in flight at once. */
  readonly maxConcurrent: number
  /** Bytes of request headers. */
  readonly maxHeaders: number
  /** Milliseconds for a client to send its whole request. */
  readonly requestTimeoutMs: number
  /** Loaded policies kept in memory. */
  readonly maxLoaded: number
  /** How many revisions are kept, and how long. */
  readonly revisions: number
  readonly revisionAgeMs: number
}

export interface AuthConfig {
  /** By configuration; `open`: as long as the store does not say otherwise. */
  readonly mode: 'open' | 'required'
  /** EDICT_AUTH=open was said explicitly. */
  readonly explicit: boolean
  readonly bootstrap: Secret | null
  readonly oidc: OidcConfig | null
  /** Groups of policies that are evaluated with a credential only. */
  readonly evaluate: readonly string[]
  /** A minute; 0: any number. */
  readonly maxFailures: number
  readonly maxMutations: number
}

/** How the console signs users in: all of it is public. */
export interface ConsoleClient {
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly parameters: Readonly<Record<string, string>>
}

export interface OidcConfig {
  readonly issuer: string
  readonly audience: string
  readonly algorithms: readonly string[]
  readonly clockSkewMs: number
  /** How long keys are good that cannot be fetched anew. */
  readonly keysForMs: number
  /** Dotted paths in the token. */
  readonly claims: { readonly actor: string; readonly roles: string; readonly groups: string }
  readonly prefix: string
  /** null: the console takes pasted tokens only. */
  readonly console: ConsoleClient | null
}

export interface Config {
  readonly server: {
    readonly host: string
    readonly port: number
    readonly shutdownMs: number
    /** Processes that answer; 1: this one. */
    readonly workers: number
    /** What a replica does that has lost the store. */
    readonly stale: 'serve' | 'refuse'
    /** Addresses and networks. */
    readonly trustedProxies: readonly string[]
  }
  /** One folder for the embedded database, Git mirrors, caches and state. Absolute. */
  readonly dataDir: string
  readonly store: { readonly uri: Secret | null; readonly database: string }
  readonly auth: AuthConfig
  readonly limits: Limits
  readonly log: {
    readonly level: 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
    readonly decisions: boolean
    readonly decisionInput: boolean
    readonly decisionHeaders: boolean
    readonly print: boolean
  }
  readonly evaluation: { readonly strict: boolean; readonly maxWaitMs: number; readonly outbound: Outbound }
  /** Where the management of modules is offered: `/api`, `/auth-api/api`. */
  readonly api: { readonly prefixes: readonly string[] }
  /** Folder of own extension functions. Absolute. */
  readonly extensions: string | null
  readonly sources: readonly SourceConfig[]
  /** Names of sources of which nothing shall stay in force. */
  readonly retired: readonly string[]
  readonly libraries: readonly Library[]
  /** Who may do what. Absolute paths; null: what is shipped decides, there are no tests. */
  readonly policy: { readonly file: string | null; readonly tests: string | null }
  /** Patterns of policies and shared modules that rules may leave out. */
  readonly protected: readonly string[]
  /** Who acts on the command line, unless it says otherwise. */
  readonly cli: { readonly actor: string | null }
}

type Env = Readonly<Record<string, string | undefined>>

const fileProblems = (path: string, text: string): { value: unknown; problems: string[] } => {
  const document = parseDocument(text, { prettyErrors: true })
  const problems = document.errors.map((error) => `${path}: ${error.message}`)
  return { value: problems.length > 0 ? {} : (document.toJS() ?? {}), problems }
}

const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((node, part) => {
    return typeof node === 'object' && node !== null ? Reflect.get(node, part) : undefined
  }, value)

/** Dotted paths of everything written in the file, arrays as leaves. */
const written = (value: unknown, prefix = ''): string[] => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [prefix]
  return Object.entries(value).flatMap(([part, child]) => written(child, prefix === '' ? part : `${prefix}.${part}`))
}

const readKeys = (file: unknown, env: Env, problems: string[]): KeyValues => {
  const read = (name: KeyName): unknown => {
    const { path, env: variable, schema, default: fallback } = keys[name]
    const fromEnv = env[variable]
    const inFile = at(file, path)
    const place = fromEnv !== undefined && fromEnv !== '' ? variable : path
    const parsed = schema.safeParse(place === variable ? fromEnv : (inFile ?? fallback))
    if (parsed.success) return parsed.data
    problems.push(`${place}: ${parsed.error.issues.map((issue) => issue.message).join('; ')}`)
    return undefined
  }
  // Each value was parsed by its own key's schema just above.
  return Object.fromEntries(Object.keys(keys).map((name) => [name, read(name as KeyName)])) as unknown as KeyValues
}

const readSources = (
  file: unknown,
  context: { env: Env; cwd: string; rules: Outbound['rules'] },
  problems: string[],
): Pick<Config, 'sources' | 'retired'> => {
  const fromEnv = environmentSource(context, (message) => problems.push(message))
  const listed = at(file, 'sources')
  const api = environmentApi(context.env, (message) => problems.push(message))
  if (listed === undefined) return { sources: [...(fromEnv === undefined ? [] : [fromEnv]), ...api], retired: [] }
  if (fromEnv !== undefined) problems.push('sources: both edict.yaml and the environment name sources; use one')
  const entries = z.array(z.unknown()).safeParse(listed)
  if (!entries.success) problems.push('sources: must be a list')
  const written = (entries.data ?? []).flatMap((entry, index) => {
    return resolveSource(entry, context, (message) => problems.push(`sources[${index}]: ${message}`)) ?? []
  })
  const isApi = ({ kind }: (typeof written)[number]) => kind === 'api'
  const all = written.some(isApi) ? written : [...written, ...api]
  if (all.filter(isApi).length > 1) problems.push('sources: there is one API')
  const names = all.map(({ name }) => name)
  const twice = names.filter((name, index) => names.indexOf(name) !== index)
  for (const name of new Set(twice)) problems.push(`sources: the name ${name} is used twice`)
  if (names.includes(shippedSource)) problems.push(`sources: the name ${shippedSource} is taken by what Edict ships`)
  return {
    sources: all.filter((source) => source.kind !== 'retired'),
    retired: all.filter(({ kind }) => kind === 'retired').map(({ name }) => name),
  }
}

const readLibraries = (file: unknown, sources: readonly SourceConfig[], problems: string[]): readonly Library[] => {
  const parsed = librariesSchema.safeParse(at(file, 'libraries') ?? [])
  if (!parsed.success)
    problems.push(...parsed.error.issues.map(({ path, message }) => ['libraries', ...path, message].join(' ')))
  const libraries = parsed.data ?? []
  for (const { source } of libraries)
    if (!sources.some(({ name }) => name === source)) problems.push(`libraries: there is no source ${source}`)
  return libraries
}

const readProtected = (file: unknown, problems: string[]): readonly string[] => {
  const parsed = protectedSchema.safeParse(at(file, 'protected') ?? [])
  if (!parsed.success)
    problems.push(...parsed.error.issues.map(({ path, message }) => ['protected', ...path, message].join(' ')))
  return parsed.data ?? []
}

const fileOf = (cwd: string, written: string): string | null => (written === '' ? null : resolve(cwd, written))

/** What a configuration is made of. The same origin makes the same one again, except that files of secrets are read anew. */
export interface ConfigOrigin {
  readonly env: Env
  readonly cwd: string
  /** Absolute. */
  readonly path: string
  /** What stands in the file; null: there is none. */
  readonly text: string | null
}

/** @throws EdictError `config_invalid` when a file that was named does not exist. */
export const readOrigin = ({ env, cwd, file }: { env: Env; cwd: string; file?: string | undefined }): ConfigOrigin => {
  const named = file ?? (env['EDICT_CONFIG'] || undefined)
  const path = resolve(cwd, named ?? 'edict.yaml')
  const explicit = named !== undefined
  if (explicit && !existsSync(path)) throw new EdictError('config_invalid', `The configuration ${path} does not exist.`)
  return { env, cwd, path, text: existsSync(path) ? readFileSync(path, 'utf8') : null }
}

/**
 * Reads `edict.yaml` (or `file`) and the environment; a variable wins over the file.
 * @throws EdictError `config_invalid` that lists every problem at once.
 */
export const loadConfig = (options: Parameters<typeof readOrigin>[0]): Config => parseConfig(readOrigin(options))

/** @throws EdictError `config_invalid` that lists every problem at once. */
export const parseConfig = ({ env, cwd, path, text }: ConfigOrigin): Config => {
  const { value, problems } = text === null ? { value: {}, problems: [] } : fileProblems(path, text)
  const known = new Set<string>([
    ...Object.values(keys).map((key) => key.path),
    'sources',
    'libraries',
    'protected',
    '',
  ])
  const isSecret = (path: string): boolean => path === 'auth.bootstrap' || path.startsWith('auth.bootstrap.')
  for (const path of written(value)) if (!known.has(path) && !isSecret(path)) problems.push(`${path}: unknown key`)
  const values = readKeys(value, env, problems)
  const { sources, retired } = readSources(value, { env, cwd, rules: values.httpAllow ?? [] }, problems)
  const libraries = readLibraries(value, sources, problems)
  const protectedKeys = readProtected(value, problems)
  const auth = readAuth({ values, bootstrap: at(value, 'auth.bootstrap'), env }, (problem) => problems.push(problem))
  if (problems.length > 0)
    throw new EdictError('config_invalid', `The configuration is not valid:\n  ${problems.join('\n  ')}`, {
      errors: problems.map((message) => ({ code: 'config_invalid', message })),
    })
  return {
    server: {
      host: values.host,
      port: values.port,
      shutdownMs: values.shutdown,
      workers: values.workers,
      stale: values.stale,
      trustedProxies: values.trustedProxies,
    },
    dataDir: resolve(cwd, values.data),
    store: { uri: values.uri === '' ? null : secretOf(values.uri), database: values.database },
    auth,
    limits: {
      maxBody: values.maxBody,
      maxBatch: values.maxBatch,
      maxBatchBody: values.maxBatchBody,
      maxDepth: values.maxDepth,
      budget: values.budget,
      maxMemory: values.maxMemory,
      maxData: values.maxData,
      maxConcurrent: values.maxConcurrent,
      maxHeaders: values.maxHeaders,
      requestTimeoutMs: values.requestTimeout,
      maxLoaded: values.maxLoaded,
      revisions: values.revisions,
      revisionAgeMs: values.revisionAge,
    },
    log: {
      level: values.logLevel,
      decisions: values.logDecisions,
      decisionInput: values.logInput,
      decisionHeaders: values.logHeaders,
      print: values.logPrint,
    },
    evaluation: { strict: values.strict, maxWaitMs: values.maxWait, outbound: outboundOf(values.httpAllow) },
    api: { prefixes: values.prefixes },
    extensions: values.extensions === '' ? null : resolve(cwd, values.extensions),
    sources,
    retired,
    libraries,
    policy: { file: fileOf(cwd, values.policyFile), tests: fileOf(cwd, values.policyTests) },
    protected: protectedKeys,
    cli: { actor: values.cliActor === '' ? null : values.cliActor },
  }
}

/**
 * The one hardened environment of every git child: no prompt, no hook, no configuration but ours, one transport.
 * Secrets travel in variables of the child (`GIT_CONFIG_VALUE_n`), never in an argument or a file.
 */
import type { GitSourceConfig } from '../../src/config.ts'
import type { GitUrl } from './url.ts'

export interface GitEnvironment {
  readonly variables: Readonly<Record<string, string>>
  /** Texts that must never be shown. */
  readonly secrets: readonly string[]
}

/** Only these pass from the process's own environment. */
const inherited = [
  'PATH',
  'HTTPS_PROXY',
  'https_proxy',
  'ALL_PROXY',
  'all_proxy',
  'NO_PROXY',
  'no_proxy',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'SSH_AUTH_SOCK',
] as const

export function gitEnvironment({
  location,
  credentials,
  gitDir,
  home,
  globalConfig,
  env,
}: {
  readonly location: GitUrl
  readonly credentials: GitSourceConfig['credentials']
  readonly gitDir: string
  /** An empty folder. */
  readonly home: string
  readonly globalConfig: string
  readonly env: Readonly<Record<string, string | undefined>>
}): GitEnvironment {
  const login = basicLogin(location, credentials)
  const header = login === null ? null : Buffer.from(`${login.user}:${login.password}`).toString('base64')
  const config: [string, string][] = [
    ['core.hooksPath', '/dev/null'],
    ['core.fsmonitor', 'false'],
    ['core.symlinks', 'false'],
    ['core.attributesFile', '/dev/null'],
    ['protocol.allow', 'never'],
    [`protocol.${location.protocol}.allow`, 'always'],
    ['credential.helper', ''],
    // With credentials a redirect would carry them to another host. Without, it may at least not change the transport.
    ['http.followRedirects', login === null && location.protocol === 'https' ? 'initial' : 'false'],
    ['http.lowSpeedLimit', '1000'],
    ['http.lowSpeedTime', '30'],
    ['fetch.recurseSubmodules', 'false'],
    ['submodule.recurse', 'false'],
    ['gc.autoDetach', 'false'],
    ['maintenance.autoDetach', 'false'],
    // transfer.fsckObjects stays off: it refuses whole repositories for old, harmless warts (and for names that we
    // report as findings); objects are hashed and connected either way, and nothing is ever checked out.
    ...(location.protocol === 'http' ? [['http.proxy', ''] as [string, string]] : []),
    ...(header === null ? [] : [['http.extraHeader', `Authorization: Basic ${header}`] as [string, string]]),
  ]
  const variables: Record<string, string> = {
    PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin',
    ...pick(env, inherited),
    HOME: home,
    XDG_CONFIG_HOME: home,
    LC_ALL: 'C',
    LANG: 'C',
    GIT_DIR: gitDir,
    GIT_CEILING_DIRECTORIES: gitDir,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_GLOBAL: globalConfig,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TEMPLATE_DIR: '',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'false',
    SSH_ASKPASS: 'false',
    GIT_ALLOW_PROTOCOL: location.protocol,
    GIT_LITERAL_PATHSPECS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_CONFIG_COUNT: String(config.length),
    ...(location.protocol === 'ssh' ? { GIT_SSH_COMMAND: sshCommand(credentials), GIT_SSH_VARIANT: 'ssh' } : {}),
  }
  config.forEach(([key, value], index) => {
    variables[`GIT_CONFIG_KEY_${index}`] = key
    variables[`GIT_CONFIG_VALUE_${index}`] = value
  })
  const secrets = [header, login?.password, login?.user, location.password].filter((text) => isSecret(text))
  return { variables, secrets: secrets.flatMap((text) => [text, encodeURIComponent(text)]) }
}

/** User names that are public knowledge or too short to be worth hiding are not redacted. */
function isSecret(text: string | null | undefined): text is string {
  return text != null && text !== '' && !Object.values(tokenUsers).includes(text) && text !== defaultTokenUser
}

const defaultTokenUser = 'oauth2'
/** The user name that goes with a token, where a forge cares. */
const tokenUsers: Readonly<Record<string, string>> = {
  'github.com': 'x-access-token',
  'bitbucket.org': 'x-token-auth',
}

function basicLogin(location: GitUrl, credentials: GitSourceConfig['credentials']) {
  if (location.protocol !== 'https' && location.protocol !== 'http') return null
  if (credentials.kind === 'token')
    return {
      user: tokenUsers[new URL(location.url).hostname] ?? defaultTokenUser,
      password: credentials.token.reveal().trim(),
    }
  if (credentials.kind === 'password') return { user: credentials.user, password: credentials.password.reveal() }
  if (location.user === null && location.password === null) return null
  return { user: location.user ?? defaultTokenUser, password: location.password ?? '' }
}

export function sshCommand(credentials: GitSourceConfig['credentials']): string {
  const options = ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'ConnectTimeout=10', 'ForwardAgent=no']
  if (credentials.kind === 'ssh') {
    options.push('IdentitiesOnly=yes', 'IdentityAgent=none', `IdentityFile=${sshPath(credentials.keyFile)}`)
    if (credentials.knownHostsFile !== null)
      options.push(`UserKnownHostsFile=${sshPath(credentials.knownHostsFile)}`, 'GlobalKnownHostsFile=/dev/null')
  }
  return ['ssh', '-F', '/dev/null', ...options.flatMap((option) => ['-o', shellQuote(option)])].join(' ')
}

/** ssh splits a value at spaces and expands `%`. */
const sshPath = (path: string): string => `"${path.replaceAll('%', '%%')}"`
/** GIT_SSH_COMMAND is read by a shell. */
const shellQuote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

function pick(env: Readonly<Record<string, string | undefined>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
}

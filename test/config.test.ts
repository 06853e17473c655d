import { mkdtempSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../src/config.ts'
import { EdictError } from '../src/errors.ts'

const folder = (yaml?: string) => {
  const cwd = mkdtempSync(join(tmpdir(), 'edict-config-'))
  if (yaml !== undefined) writeFileSync(join(cwd, 'edict.yaml'), yaml)
  return cwd
}

const problemsOf = (yaml: string | undefined, env: Record<string, string> = {}): string[] => {
  try {
    loadConfig({ env, cwd: folder(yaml) })
  } catch (error) {
    if (error instanceof EdictError) return error.errors.map(({ message }) => message)
    throw error
  }
  return []
}

describe('the configuration', () => {
  it('has a default for everything', () => {
    const cwd = folder()
    const config = loadConfig({ env: {}, cwd })
    expect(config.server).toEqual({
      host: '127.0.0.1',
      port: 8081,
      shutdownMs: 10_000,
      workers: 1,
      stale: 'serve',
      trustedProxies: [],
    })
    expect(config.dataDir).toBe(join(cwd, '.edict'))
    expect(config.sources).toEqual([])
  })

  it('takes a number of processes, or one for each core', () => {
    const workers = (EDICT_WORKERS: string) => loadConfig({ env: { EDICT_WORKERS }, cwd: folder() }).server.workers
    expect([workers('auto'), workers('3'), workers('1')]).toEqual([availableParallelism(), 3, 1])
    expect(() => workers('many')).toThrow('EDICT_WORKERS: is neither auto nor a number from 1 to 256')
    for (const wrong of ['0', '1.5', '-1', '10000']) expect(() => workers(wrong)).toThrow('EDICT_WORKERS: ')
  })

  it('takes one source from the variables of the Go policy service', () => {
    const env = { POLICY_REPO: 'https://git.example.org/a/policies.git', POLICY_REPO_USER: 'u', POLICY_REPO_PASS: 'p' }
    const [source] = loadConfig({ env: { ...env, SYNC_INTERVAL: '120s' }, cwd: folder() }).sources
    expect(source).toMatchObject({ name: 'policies', kind: 'git', branch: 'main', path: '', intervalMs: 120_000 })
    expect(source?.kind === 'git' && source.credentials.kind).toBe('password')
  })

  it('reads edict.yaml, and a variable wins over it', () => {
    const yaml = `
server: { port: 9000 }
limits: { maxBody: 2MB }
sources:
  - name: platform
    git: { url: https://git.example.org/p.git, token: { env: TOKEN } }
    webhook: { secret: { env: HOOK } }
    interval: 5s
  - directory: ./policies
`
    const cwd = folder(yaml)
    const config = loadConfig({ env: { PORT: '9001', TOKEN: 't0ken', HOOK: 'h00k' }, cwd })
    expect(config.server.port).toBe(9001)
    expect(config.limits.maxBody).toBe(2_000_000)
    expect(config.sources.map(({ name }) => name)).toEqual(['platform', 'policies'])
    expect(config.sources[0]?.webhookSecret?.reveal()).toBe('h00k')
  })

  it('says what the policies of a source may do, and what those of all others may', () => {
    const yaml = `
evaluation: { strict: true, maxWait: 2s }
http: { allow: [api.example.org, { host: db.internal:5984, private: true }, 127.0.0.1:8181] }
sources:
  - directory: ./a
  - directory: ./b
    strict: false
    http: { allow: [b.example.org], secrets: { client: { env: CLIENT_KEY } } }
  - directory: ./c
    http: { secrets: { client: { env: CLIENT_KEY } } }
`
    const config = loadConfig({ env: { CLIENT_KEY: 'pem' }, cwd: folder(yaml) })
    const all = [
      { host: 'api.example.org', private: false },
      { host: 'db.internal', port: 5984, private: true },
      { host: '127.0.0.1', port: 8181, private: true },
    ]
    expect(config.evaluation).toMatchObject({ strict: true, maxWaitMs: 2_000, outbound: { rules: all } })
    const [a, b, c] = config.sources
    expect([a?.strict, a?.outbound]).toEqual([undefined, undefined])
    expect([b?.strict, b?.outbound?.rules]).toEqual([false, [{ host: 'b.example.org', private: false }]])
    expect(b?.outbound?.secret('client')).toBe('pem')
    expect(b?.outbound?.secret('CLIENT_KEY')).toBeUndefined()
    expect(c?.outbound?.rules).toEqual(all)
  })

  it('refuses limits of a source that are none', () => {
    const limits = '{ budget: 0, maxMemory: lots, policies: { a: { depth: 1 } } }'
    expect(problemsOf(`sources: [{ directory: a, limits: ${limits} }]`)).toEqual([
      expect.stringMatching(/^sources\[0\]: limits budget /),
      'sources[0]: limits maxMemory is not a size such as 1MB or 512KiB',
      expect.stringMatching(/^sources\[0\]: limits policies a .*depth/),
    ])
  })

  it('takes allowed hosts from a variable, and refuses what is none', () => {
    const { evaluation } = loadConfig({ env: { EDICT_HTTP_ALLOW: 'a.example.org, [::1]:80' }, cwd: folder() })
    expect(evaluation.outbound.rules.map(({ port }) => port)).toEqual([undefined, 80])
    expect(problemsOf('http: { allow: [https://x] }')).toEqual([expect.stringContaining('https://x is not a host')])
    expect(problemsOf('sources: [{ directory: a, http: { allow: ["x y"] } }]')).toEqual([
      expect.stringContaining('x y is not a host'),
    ])
  })

  it('says what each source may declare, what all may use, and which sources are to be removed', () => {
    const { sources, retired, libraries } = loadConfig({
      env: {},
      cwd: folder(`
libraries: [{ source: platform, modules: [lib/**] }]
sources:
  - { name: platform, directory: a, scope: { policies: [gaiax/**], modules: [lib/**], read: { data: [] } } }
  - { name: all, directory: b }
  - { name: gone, retire: true }
  - { git: { url: https://git.example.org/old.git, token: { env: GONE_TOO } }, retire: true }
`),
    })
    expect(sources.map(({ name, scope }) => [name, scope])).toEqual([
      ['platform', { policies: ['gaiax/**'], modules: ['lib/**'], data: [], read: { data: [] } }],
      ['all', undefined],
    ])
    expect(retired).toEqual(['gone', 'old'])
    expect(libraries).toEqual([{ source: 'platform', modules: ['lib/**'], data: [] }])
  })

  it.each([
    ['[{ directory: a, scope: { policies: [/gaiax] } }]', 'is not a pattern'],
    ['[{ directory: a, scope: { modules: [a**/b] } }]', '** must stand alone'],
    ['[{ directory: a, scope: { rules: [x] } }]', 'rules'],
    ['[{ name: a, retire: true }, { directory: a }]', 'the name a is used twice'],
    ['[{ name: edict, directory: a }]', 'the name edict is taken'],
    ['[{ retire: true }]', 'must have the name of what is retired'],
  ])('refuses the sources %s', (sources, problem) => {
    expect(problemsOf(`sources: ${sources}`)).toEqual([expect.stringContaining(problem)])
  })

  it('refuses a library of a source that there is not', () => {
    expect(problemsOf('sources: [{ directory: a }]\nlibraries: [{ source: b }]')).toEqual([
      'libraries: there is no source b',
    ])
  })

  it('never prints a secret', () => {
    const env = {
      POLICY_REPO: 'https://git.example.org/p.git',
      POLICY_REPO_TOKEN: 'very-secret',
      MONGODB_URI: 'mongodb://u:very-secret@h',
    }
    const config = loadConfig({ env, cwd: folder() })
    expect(JSON.stringify(config)).not.toContain('very-secret')
    expect(inspect(config)).not.toContain('very-secret')
  })

  it('reports all problems at once, each with its place', () => {
    const yaml = `
server: { port: 99999, prot: 1 }
limits: { maxBody: lots }
sources:
  - git: { url: https://git.example.org/p.git, token: { env: MISSING } }
  - directory: a
    name: p
  - directory: b
    colour: red
`
    const problems = problemsOf(yaml)
    expect(problems).toEqual([
      'server.prot: unknown key',
      expect.stringContaining('server.port:'),
      'limits.maxBody: is not a size such as 1MB or 512KiB',
      'sources[0]: the environment variable MISSING is not set',
      expect.stringContaining('sources[2]:'),
      'sources: the name p is used twice',
    ])
  })

  it('refuses a secret that is written down', () => {
    const yaml = 'sources: [{ git: { url: "https://git.example.org/p.git", token: abc } }]'
    expect(problemsOf(yaml)).toHaveLength(1)
  })

  it('says how the console signs users in, with a client of a provider that is configured as well', () => {
    const yaml = `
auth:
  oidc:
    issuer: https://login.example.org/realms/main
    audience: edict
    console: { clientId: edict-console, scopes: [openid, profile], parameters: 'resource=https://e.example.org&x=1' }
`
    expect(loadConfig({ env: {}, cwd: folder(yaml) }).auth.oidc?.console).toEqual({
      clientId: 'edict-console',
      scopes: ['openid', 'profile'],
      parameters: { resource: 'https://e.example.org', x: '1' },
    })
    const bearerOnly = yaml.replace(/ {4}console.*\n/, '')
    expect(loadConfig({ env: {}, cwd: folder(bearerOnly) }).auth.oidc?.console).toBeNull()
  })

  it('refuses a client of the console that could sign nobody in', () => {
    const oidc = '{ issuer: https://login.example.org, audience: edict, console: { clientId: c, '
    expect(problemsOf('auth: { oidc: { console: { clientId: c } } }')).toEqual([
      'auth.oidc.console.clientId: needs auth.oidc.issuer and auth.oidc.audience',
    ])
    expect(problemsOf(`auth: { oidc: ${oidc} scopes: profile } } }`)).toEqual([
      'auth.oidc.console.scopes: openid is one of them',
    ])
    expect(problemsOf(`auth: { oidc: ${oidc} parameters: 'state=mine' } } }`)).toEqual([
      expect.stringContaining('auth.oidc.console.parameters: is not a query such as'),
    ])
  })

  it('says where the YAML is broken', () => {
    expect(problemsOf('server: { port: 1').join()).toContain('line')
  })

  it('refuses a file that was named and is not there', () => {
    expect(() => loadConfig({ env: {}, cwd: folder(), file: 'nowhere.yaml' })).toThrow(/nowhere\.yaml does not exist/)
  })
})

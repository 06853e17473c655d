/**
 * Changes through the API, on two servers and one database: from the call until both decide by it, also while a repository
 * is being compiled; and what 100,000 rules cost, to change and to decide by.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbeddedMongod } from '../src/store/embedded.ts'
import { findMongod } from '../src/store/mongod-binary.ts'
import { cacheFolder } from '../src/tools/cache-folder.ts'
import { startServer, type ServerProcess } from './process.ts'
import { writeGenerated } from './policies.ts'
import { median, round, type Figures } from './report.ts'

const identity = ['-c', 'user.name=bench', '-c', 'user.email=bench@example.org', '-c', 'commit.gpgsign=false']
const log = (): void => undefined

const startEdict = (env: Readonly<Record<string, string>>, flags: readonly string[]): Promise<ServerProcess> =>
  startServer({
    command: process.execPath,
    args: () => [join(import.meta.dirname, '../src/cli.js'), 'serve', ...flags],
    env: { LOG_LEVEL: 'error', EDICT_HOST: '127.0.0.1', ...env },
    path: '/readiness',
  })

const extra = (role: string) =>
  `package rbac\n\nrole_check(assignment) if {\n\tassignment.role == "${role}"\n\tinput.action == "export"\n}\n`

const inputOf = (role: string, action: string) => ({
  user: { status: 'active', assignments: [{ role, resource_type: 'project', resource_id: 'p' }] },
  action,
  resource: { type: 'workflow', project_id: 'p' },
})

const ask = async (port: number, path: string, body: unknown): Promise<unknown> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: JSON.stringify(body) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`)
  return JSON.parse(text)
}

const allows = async (port: number, role: string, action: string): Promise<boolean> => {
  const answer = (await ask(port, '/v1/data/rbac/allow', { input: inputOf(role, action) })) as { result?: unknown }
  return answer.result === true
}

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** From the call until every server decides by it. */
const inForce = (ports: readonly number[], change: () => Promise<unknown>, role: string): Promise<number> =>
  timed(async () => {
    await change()
    for (const port of ports) while (!(await allows(port, role, 'export'))) await sleep(2)
  })

const repeated = async (times: number, work: (index: number) => Promise<number>): Promise<readonly number[]> => {
  const all: number[] = []
  for (let index = 0; index < times; index++) all.push(await work(index))
  return all
}

/** Microseconds of one decision, asked one after the other: the engine and the door, on a warm server. */
const latency = async (port: number, role: string): Promise<number> => {
  const one = () => timed(() => allows(port, role, 'export'))
  await repeated(200, one)
  return median(await repeated(500, one)) * 1000
}

const createRepository = () => {
  const root = mkdtempSync(join(tmpdir(), 'edict-bench-repo-'))
  const git = (...args: string[]) => execFileSync('git', ['-C', root, ...identity, ...args], { stdio: 'ignore' })
  git('init', '-q', '-b', 'main')
  writeGenerated(root, 1)
  const commit = () => {
    git('add', '-A')
    git('commit', '-q', '-m', 'policies')
  }
  commit()
  return { root, commit }
}

export const measureApi = async ({ quick }: { quick: boolean }): Promise<Figures> => {
  const folder = mkdtempSync(join(tmpdir(), 'edict-bench-api-'))
  const binary = () =>
    findMongod({ env: process.env, cacheDir: cacheFolder(process.env), log, signal: AbortSignal.timeout(600_000) })
  const mongod = await startEmbeddedMongod({ dataDir: join(folder, 'db'), binary, log })
  const repository = createRepository()
  const env = { MONGODB_URI: mongod.uri, EDICT_DIRECTORY: '', EDICT_DATA: join(folder, 'a') }
  const git = { POLICY_REPO: `file://${repository.root}`, EDICT_SOURCE: 'bench', SYNC_INTERVAL: '1h' }
  const servers: ServerProcess[] = []
  try {
    servers.push(await startEdict({ ...env, ...git, EDICT_API: 'true' }, []))
    servers.push(await startEdict({ ...env, EDICT_DATA: join(folder, 'b') }, ['--no-sync']))
    const ports = servers.map(({ port }) => port)
    const [port = 0] = ports
    const upload = (role: string) => () =>
      ask(port, '/api/policies/upload', { module_name: `rbac/${role}`, rego_code: extra(role) })
    const addRule = (role: string) => () =>
      ask(port, '/api/rules', { service_name: 'one', resource_type: 'workflow', role, action: 'export' })

    await ask(port, '/api/rules', { service_name: 'one', resource_type: 'workflow', role: 'first', action: 'export' })
    const uploads = await repeated(quick ? 5 : 15, (n) => inForce(ports, upload(`up${n}`), `up${n}`))
    writeGenerated(repository.root, quick ? 40 : 200)
    repository.commit()
    let syncing = true
    const sync = fetch(`http://127.0.0.1:${port}/api/sources/bench/sync?wait=300`, { method: 'POST' }).then(
      () => (syncing = false),
    )
    const during: number[] = []
    for (let n = 0; syncing && n < 5; n++) during.push(await inForce(ports, upload(`during${n}`), `during${n}`))
    await sync

    await repeated(10, (n) => inForce(ports, addRule(`few${n}`), `few${n}`))
    const few = await latency(port, 'few3')
    const wanted = quick ? 20_000 : 100_000
    const filling = await repeated(wanted / 20_000, (n) => fill(port, n * 20_000, 20_000))
    const changes = await repeated(quick ? 3 : 7, (n) => inForce(ports, addRule(`many${n}`), `many${n}`))
    const many = await latency(port, 'few3')
    return {
      api: {
        upload_in_force_ms: Math.round(median(uploads)),
        upload_during_sync_ms: Math.round(median(during)),
        rules: wanted,
        rules_import_s: round(filling.reduce((sum, ms) => sum + ms, 0) / 1000),
        rule_in_force_ms: Math.round(median(changes)),
        decision_10_rules_us: Math.round(few),
        decision_many_rules_us: Math.round(many),
      },
    }
  } finally {
    for (const server of servers) await server.stop()
    await mongod.stop()
    rmSync(folder, { recursive: true, force: true })
    rmSync(repository.root, { recursive: true, force: true })
  }
}

const fill = (port: number, from: number, count: number): Promise<number> => {
  const rules = Array.from({ length: count }, (_, index) => ({
    service_name: `service${(from + index) % 50}`,
    resource_type: `type${Math.floor((from + index) / 1000)}`,
    role: `role${(from + index) % 100}`,
    action: `action${from + index}`,
  }))
  return timed(() => ask(port, '/api/rules/bulk', { rules }))
}

/**
 * Decisions over HTTP against `opa run --server` and two echoes. One process: Edict, OPA with `GOMAXPROCS=1`, a Hono
 * route. All cores: Edict with a process for each, OPA, a bare `node:http` server with as many processes. The same policy,
 * data, input and generator; alternating rounds; figures are ratios, requests per second, and CPU time per request.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { candidate, compete, cpus, p50s, p99s, post, rates, type Candidate, type Rounds } from './candidate.ts'
import { subject, subjectInput, writeGenerated, writeSubject } from './policies.ts'
import { startServer, type ServerProcess } from './process.ts'
import { median, ratio, round, type Figures } from './report.ts'

const here = import.meta.dirname
type Env = Readonly<Record<string, string>>

export const startEdict = async (directory: string, env: Env = {}): Promise<ServerProcess> => {
  const data = mkdtempSync(join(tmpdir(), 'edict-bench-'))
  const server = await startServer({
    command: process.execPath,
    args: () => [join(here, '../src/cli.js'), 'serve'],
    env: { EDICT_DIRECTORY: directory, EDICT_DATA: data, LOG_LEVEL: 'warn', ...env },
    path: '/readiness',
    // A thousand policies are compiled before it is ready: 40 s on a quiet machine.
    startSeconds: 600,
  })
  const stop = async (): Promise<void> => {
    await server.stop()
    rmSync(data, { recursive: true, force: true })
  }
  return { ...server, stop }
}

const startOpa = (opa: string, folder: string, env: Env = {}): Promise<ServerProcess> =>
  startServer({
    command: opa,
    args: (port) => ['run', '--server', '--log-level=error', `--addr=127.0.0.1:${port}`, folder],
    env,
    path: '/health',
  })

const startScript = (file: string, env: Env = {}): Promise<ServerProcess> =>
  startServer({ command: process.execPath, args: () => [join(here, file)], env, path: '/health' })

const startBare = () => startScript('bare.js', { WORKERS: String(availableParallelism()) })
const allCores = { EDICT_WORKERS: 'auto' }

const rounds = (quick: boolean): Rounds => ({ count: quick ? 3 : 7, durationMs: quick ? 800 : 3000, connections: 32 })
const toMs = (microseconds: readonly number[]): number => round(median(microseconds) / 1000, 3)

/** With one small policy. In a full run also with other numbers of connections. */
const measureOne = async ({ opa, quick }: { opa: string; quick: boolean }): Promise<Figures> => {
  const root = mkdtempSync(join(tmpdir(), 'edict-bench-policies-'))
  writeSubject(root)
  const folder = join(root, subject.group, subject.name, subject.version)
  const edictRequest = post(`/policy/${subject.group}/${subject.name}/${subject.version}/evaluation`, subjectInput)
  const opaRequest = post('/v1/data/bench/roles', `{"input":${subjectInput}}`)
  const echoRequest = post('/echo', subjectInput)
  const servers: ServerProcess[] = []
  const enter = async (starting: Promise<ServerProcess>, request: string): Promise<Candidate> => {
    const server = await starting
    servers.push(server)
    return candidate(server, [request])
  }
  try {
    const single = {
      edict: await enter(startEdict(root), edictRequest),
      opa: await enter(startOpa(opa, folder, { GOMAXPROCS: '1' }), opaRequest),
      echo: await enter(startScript('echo.js'), echoRequest),
    }
    const all = {
      edict: await enter(startEdict(root, allCores), edictRequest),
      opa: await enter(startOpa(opa, folder), opaRequest),
      bare: await enter(startBare(), echoRequest),
    }
    await compete([...Object.values(single), ...Object.values(all)], rounds(quick))
    const http = {
      vs_opa: ratio(rates(single.edict), rates(single.opa)),
      vs_opa_all_cores: ratio(rates(all.edict), rates(all.opa)),
      vs_echo: ratio(rates(single.edict), rates(single.echo)),
      vs_bare: ratio(rates(all.edict), rates(all.bare)),
      cpu_vs_opa: ratio(cpus(all.edict), cpus(all.opa)),
      p99_vs_bare: ratio(p99s(all.edict), p99s(all.bare)),
      requests_per_s: Math.round(median(rates(single.edict))),
      opa_requests_per_s: Math.round(median(rates(single.opa))),
      echo_requests_per_s: Math.round(median(rates(single.echo))),
      all_cores_requests_per_s: Math.round(median(rates(all.edict))),
      opa_all_cores_requests_per_s: Math.round(median(rates(all.opa))),
      bare_requests_per_s: Math.round(median(rates(all.bare))),
      cpu_us: round(median(cpus(all.edict)), 1),
      opa_cpu_us: round(median(cpus(all.opa)), 1),
      p50_ms: toMs(p50s(single.edict)),
      p99_ms: toMs(p99s(single.edict)),
      all_cores_p99_ms: toMs(p99s(all.edict)),
      bare_p99_ms: toMs(p99s(all.bare)),
    }
    return quick ? { http } : { http, ...(await measureConnections(all)) }
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

const measureConnections = async (all: Readonly<Record<'edict' | 'opa' | 'bare', Candidate>>): Promise<Figures> => {
  const figures: Record<string, number> = {}
  for (const connections of [1, 8, 64, 256]) {
    await compete(Object.values(all), { count: 5, durationMs: 1500, connections })
    figures[`vs_opa_${connections}`] = ratio(rates(all.edict), rates(all.opa))
    figures[`vs_bare_${connections}`] = ratio(rates(all.edict), rates(all.bare))
    figures[`p99_vs_bare_${connections}`] = ratio(p99s(all.edict), p99s(all.bare))
  }
  return { http_connections: figures }
}

/** With a thousand different policies in rotation. */
const measureRotation = async (opa: string): Promise<Figures> => {
  const root = mkdtempSync(join(tmpdir(), 'edict-bench-rotation-'))
  const policies = 1000
  writeGenerated(root, policies)
  const requests = (path: (index: number) => string, body: (input: string) => string): readonly string[] =>
    Array.from({ length: policies }, (_, index) => {
      const input = JSON.stringify({ tenant: `tenant-${index}`, roles: ['admin'], amount: 5 })
      return post(path(index), body(input))
    })
  const [edictServer, opaServer] = await Promise.all([startEdict(root, allCores), startOpa(opa, root)])
  try {
    const edict = candidate(
      edictServer,
      requests(
        (index) => `/policy/bench/p${index}/1.0/evaluation`,
        (input) => input,
      ),
    )
    const other = candidate(
      opaServer,
      requests(
        (index) => `/v1/data/bench/p${index}`,
        (input) => `{"input":${input}}`,
      ),
    )
    await compete([edict, other], { count: 5, durationMs: 3000, connections: 32 })
    return {
      http_rotation: {
        policies,
        vs_opa: ratio(rates(edict), rates(other)),
        cpu_vs_opa: ratio(cpus(edict), cpus(other)),
        requests_per_s: Math.round(median(rates(edict))),
        p99_ms: toMs(p99s(edict)),
      },
    }
  } finally {
    await Promise.all([edictServer.stop(), opaServer.stop()])
  }
}

export const measureHttp = async (options: { opa: string; quick: boolean }): Promise<Figures> => ({
  ...(await measureOne(options)),
  ...(options.quick ? {} : await measureRotation(options.opa)),
})

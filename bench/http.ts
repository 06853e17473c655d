/**
 * Decisions over HTTP, one process each: Edict, `opa run --server` at GOMAXPROCS=1 and with all cores, and a Hono echo.
 * The same policy, data, input and generator; alternating rounds; figures are requests per second and ratios.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { LoadOptions, LoadResult } from './load.ts'
import { subject, subjectInput, writeSubject } from './policies.ts'
import { startServer, type ServerProcess } from './process.ts'
import { median, ratio, round, type Figures } from './report.ts'

const run = promisify(execFile)
const here = import.meta.dirname

export const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
  `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

export const load = async (options: LoadOptions): Promise<LoadResult> => {
  const { stdout } = await run(process.execPath, [join(here, 'load.js'), JSON.stringify(options)])
  const result = JSON.parse(stdout) as LoadResult
  if (result.failures > 0) throw new Error(`${result.failures} of ${result.requests} requests failed`)
  return result
}

interface Candidate {
  readonly server: ServerProcess
  readonly request: string
  readonly rounds: LoadResult[]
}

const candidate = (server: ServerProcess, path: string, body: string): Candidate => ({
  server,
  request: post(path, body),
  rounds: [],
})

export const startEdict = (directory: string, env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> =>
  startServer({
    command: process.execPath,
    args: () => [join(here, '../src/cli.js'), 'serve'],
    env: {
      EDICT_DIRECTORY: directory,
      EDICT_DATA: mkdtempSync(join(tmpdir(), 'edict-bench-')),
      LOG_LEVEL: 'warn',
      ...env,
    },
    path: '/readiness',
  })

const startOpa = (opa: string, folder: string, env: Readonly<Record<string, string>>): Promise<ServerProcess> =>
  startServer({
    command: opa,
    args: (port) => ['run', '--server', '--log-level=error', `--addr=127.0.0.1:${port}`, folder],
    env,
    path: '/health',
  })

export const measureHttp = async ({ opa, quick }: { opa: string; quick: boolean }): Promise<Figures> => {
  const root = mkdtempSync(join(tmpdir(), 'edict-bench-policies-'))
  writeSubject(root)
  const folder = join(root, subject.group, subject.name, subject.version)
  const path = `/policy/${subject.group}/${subject.name}/${subject.version}/evaluation`
  const opaBody = `{"input":${subjectInput}}`
  const servers = await Promise.all([
    startEdict(root),
    startOpa(opa, folder, { GOMAXPROCS: '1' }),
    startOpa(opa, folder, {}),
    startServer({ command: process.execPath, args: () => [join(here, 'echo.js')], path: '/health' }),
  ])
  try {
    const [edictServer, opaServer, opaAllServer, echoServer] = servers
    const edict = candidate(edictServer, path, subjectInput)
    const opaOne = candidate(opaServer, '/v1/data/bench/roles', opaBody)
    const opaAll = candidate(opaAllServer, '/v1/data/bench/roles', opaBody)
    const echo = candidate(echoServer, '/echo', subjectInput)
    const all = [edict, opaOne, opaAll, echo]
    const rounds = quick ? 3 : 7
    const durationMs = quick ? 800 : 3000
    for (let round = -1; round < rounds; round++)
      for (const { server, request, rounds: results } of all) {
        const result = await load({ port: server.port, connections: 32, durationMs, requests: [request] })
        if (round >= 0) results.push(result)
      }
    const rate = ({ rounds }: Candidate): number[] => rounds.map(({ perSecond }) => perSecond)
    return {
      http: {
        vs_opa: ratio(rate(edict), rate(opaOne)),
        vs_opa_all_cores: ratio(rate(edict), rate(opaAll)),
        vs_echo: ratio(rate(edict), rate(echo)),
        requests_per_s: Math.round(median(rate(edict))),
        opa_requests_per_s: Math.round(median(rate(opaOne))),
        opa_all_cores_requests_per_s: Math.round(median(rate(opaAll))),
        echo_requests_per_s: Math.round(median(rate(echo))),
        p50_ms: round(median(edict.rounds.map(({ p50 }) => p50)) / 1000, 3),
        p99_ms: round(median(edict.rounds.map(({ p99 }) => p99)) / 1000, 3),
      },
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

/** Servers under the same load, one after the other in rounds that take turns. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { family } from './cpu.ts'
import type { LoadOptions, LoadResult } from './load.ts'
import type { ServerProcess } from './process.ts'

const run = promisify(execFile)
const maxBuffer = 64 * 1024 * 1024

export const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
  `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

export const load = async (options: LoadOptions): Promise<LoadResult> => {
  const generator = run(process.execPath, [join(import.meta.dirname, 'load.js')], { maxBuffer })
  generator.child.stdin?.end(JSON.stringify(options))
  const result = JSON.parse((await generator).stdout) as LoadResult
  if (result.failures > 0) throw new Error(`${result.failures} of ${result.requests} requests failed`)
  return result
}

export interface Candidate {
  readonly server: ServerProcess
  readonly requests: readonly string[]
  /** Of the last competition. */
  readonly rounds: LoadResult[]
}

export const candidate = (server: ServerProcess, requests: readonly string[]): Candidate => ({
  server,
  requests,
  rounds: [],
})

export interface Rounds {
  readonly count: number
  readonly durationMs: number
  readonly connections: number
}

/** Until the compilers of V8 have done with what a request runs through. */
const warmRequests = 20_000

/** A first round of each is for warming up. */
export const compete = async (all: readonly Candidate[], { count, ...options }: Rounds): Promise<void> => {
  for (const { rounds } of all) rounds.length = 0
  for (let round = -1; round < count; round++)
    for (const { server, requests, rounds } of all) {
      const atLeast = round < 0 ? warmRequests : 0
      const result = await load({ port: server.port, requests, pids: family(server.pid), atLeast, ...options })
      if (round >= 0) rounds.push(result)
    }
}

export const rates = ({ rounds }: Candidate): number[] => rounds.map(({ perSecond }) => perSecond)
export const cpus = ({ rounds }: Candidate): number[] => rounds.map(({ cpu }) => cpu)
export const p50s = ({ rounds }: Candidate): number[] => rounds.map(({ p50 }) => p50)
export const p99s = ({ rounds }: Candidate): number[] => rounds.map(({ p99 }) => p99)

/**
 * One child process inside bounds: no environment, time, address space and output limited, killed with SIGKILL.
 * What the child is told stands in arguments alone; the shell line that lowers the limit is a constant.
 */
import { spawn, type ChildProcess } from 'node:child_process'

export interface Bounds {
  readonly timeoutMs: number
  /** What the child may use; its address space may be 2 GB more, which Go reserves without using it. */
  readonly memoryMb: number
  /** Bytes of its output, or of the file it writes. */
  readonly maxOutput: number
}

export type Ended =
  | { readonly kind: 'exited'; readonly code: number; readonly stdout: Buffer; readonly stderr: string }
  | { readonly kind: 'timeout' | 'memory' | 'output' | 'crashed'; readonly detail: string }

export interface Call {
  readonly path: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly bounds: Bounds
  readonly signal?: AbortSignal | undefined
}

export function runBounded({ path, args, cwd, bounds, signal }: Call): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = start(path, args, cwd, bounds)
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    let size = 0
    let stopped: 'timeout' | 'output' | undefined
    const stop = (why: 'timeout' | 'output'): void => {
      stopped ??= why
      child.kill('SIGKILL')
    }
    const abort = (): void => void child.kill('SIGKILL')
    const timer = setTimeout(() => stop('timeout'), bounds.timeoutMs)
    signal?.addEventListener('abort', abort, { once: true })
    const collect = (chunks: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length
      if (size > bounds.maxOutput) stop('output')
      else chunks.push(chunk)
    }
    child.stdout?.on('data', collect(stdout))
    child.stderr?.on('data', collect(stderr))
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    child.once('error', (cause) => {
      settle()
      reject(cause)
    })
    child.once('close', (code, killedBy) => {
      settle()
      if (signal?.aborted === true) reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
      else
        resolve(
          ending({
            code,
            killedBy,
            stopped,
            bounds,
            stdout: Buffer.concat(stdout),
            stderr: Buffer.concat(stderr).toString(),
          }),
        )
    })
  })
}

const limitAndRun = 'ulimit -v "$1" && shift && exec "$@"'

function start(path: string, args: readonly string[], cwd: string, bounds: Bounds): ChildProcess {
  // A short-lived process: one thread and rare garbage collection cost a quarter less; GOMEMLIMIT still bounds it.
  const env = { GOMEMLIMIT: `${bounds.memoryMb}MiB`, GOGC: '400', GOMAXPROCS: '1' }
  const options = { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'] }
  if (process.platform !== 'linux') return spawn(path, args, options)
  const kilobytes = String((bounds.memoryMb + 2048) * 1024)
  return spawn('/bin/sh', ['-c', limitAndRun, 'sh', kilobytes, path, ...args], options)
}

interface Closed {
  readonly code: number | null
  readonly killedBy: NodeJS.Signals | null
  readonly stopped: 'timeout' | 'output' | undefined
  readonly bounds: Bounds
  readonly stdout: Buffer
  readonly stderr: string
}

const outOfMemory = /out of memory|cannot allocate memory|failed to reserve|errno=12\b/i
const crash = /^(panic:|fatal error:|runtime:|SIG[A-Z]+:)/m

function ending({ code, killedBy, stopped, bounds, stdout, stderr }: Closed): Ended {
  if (stopped === 'timeout') return { kind: 'timeout', detail: `it ran longer than ${bounds.timeoutMs} ms` }
  if (stopped === 'output') return { kind: 'output', detail: `it wrote more than ${bounds.maxOutput} bytes` }
  if (code !== 0 && outOfMemory.test(stderr))
    return { kind: 'memory', detail: `it needed more than ${bounds.memoryMb} MB` }
  if (code === null) return { kind: 'crashed', detail: `it was killed by ${killedBy ?? 'a signal'}` }
  if (code !== 0 && crash.test(stderr)) return { kind: 'crashed', detail: firstLine(stderr) }
  return { kind: 'exited', code, stdout, stderr }
}

function firstLine(text: string): string {
  return text.slice(0, 300).split('\n')[0] ?? ''
}

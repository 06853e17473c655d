/**
 * The one place that starts git. Commands go through simple-git; only `cat-file --batch`, which must stream, is a child
 * of its own. Both get the same hardened environment (`environment.ts`) and end with the signal.
 */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { simpleGit } from 'simple-git'
import type { GitEnvironment } from './environment.ts'
import { endProcessesWith } from './reaper.ts'

export interface Git {
  /** Standard output, or a `GitFailure`. */
  readonly run: (args: readonly string[], options: { readonly signal?: AbortSignal }) => Promise<string>
  /** The content of each object, one after another; null for one that is missing. */
  readonly readObjects: (
    oids: readonly string[],
    onObject: (oid: string, content: Buffer | null) => void,
    options: { readonly signal?: AbortSignal },
  ) => Promise<void>
}

export class GitFailure extends Error {
  override readonly name = 'GitFailure'
  readonly timedOut: boolean

  /** `message` is what git printed; not yet redacted. */
  constructor(message: string, timedOut = false) {
    super(message)
    this.timedOut = timedOut
  }
}

export function createGit({
  cwd,
  environment,
  timeoutMs = 60_000,
}: {
  readonly cwd: string
  readonly environment: GitEnvironment
  /** Silence after which a command is ended. */
  readonly timeoutMs?: number
}): Git {
  const { variables } = environment
  return {
    async run(args, { signal }) {
      signal?.throwIfAborted()
      const stop = new AbortController()
      const word = randomUUID()
      const { promise: abandoned, reject: abandon } = deferred()
      const end = (reason: unknown): void => {
        abandon(reason)
        stop.abort()
        void endProcessesWith(`${marker}=${word}`)
      }
      const onAbort = (): void => end(signal?.reason)
      signal?.addEventListener('abort', onAbort, { once: true })
      const silence = setTimeout(() => end(new GitFailure('git was silent for too long', true)), timeoutMs)
      const git = simpleGit({
        baseDir: cwd,
        abort: stop.signal,
        completion: { onClose: true, onExit: false },
        allowEnvironment: Object.keys(variables).filter((name) => name.startsWith('GIT_') || name === 'SSH_ASKPASS'),
        unsafe: allowedForOurOwnEnvironment,
        errors: failOnAnyExitCode,
      })
        .env({ ...variables, [marker]: word })
        .outputHandler((_command, stdout, stderr) => {
          for (const stream of [stdout, stderr]) stream.on('data', () => silence.refresh())
        })
      try {
        return await Promise.race([git.raw([...args]), abandoned])
      } catch (error) {
        signal?.throwIfAborted()
        if (error instanceof GitFailure) throw error
        throw new GitFailure(error instanceof Error ? error.message : String(error))
      } finally {
        clearTimeout(silence)
        signal?.removeEventListener('abort', onAbort)
      }
    },

    async readObjects(oids, onObject, { signal }) {
      if (oids.length === 0) return
      const child = spawn('git', ['cat-file', '--batch'], {
        cwd,
        env: { ...variables },
        stdio: ['pipe', 'pipe', 'pipe'],
        ...(signal === undefined ? {} : { signal }),
      })
      let complaint = ''
      child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2_000)))
      child.stdin.on('error', () => undefined)
      const closed = once(child, 'close')
      closed.catch(() => undefined)
      child.stdin.end(oids.map((oid) => `${oid}\n`).join(''))
      try {
        await readBatch(child.stdout, oids, onObject)
        await closed
      } catch (error) {
        child.kill()
        signal?.throwIfAborted()
        throw new GitFailure(complaint === '' ? String(error) : complaint)
      }
    },
  }
}

/** Names one command's processes, see `reaper.ts`. */
const marker = 'EDICT_GIT_COMMAND'

function deferred(): { readonly promise: Promise<never>; readonly reject: (reason: unknown) => void } {
  let reject: (reason: unknown) => void = () => undefined
  const promise = new Promise<never>((_, fail) => (reject = fail))
  promise.catch(() => undefined)
  return { promise, reject }
}

/** simple-git refuses these by default because they often come from outside; here we alone write them. */
const allowedForOurOwnEnvironment = {
  allowUnsafeAskPass: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeCredentialHelper: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeHooksPath: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafeSshCommand: true,
  allowUnsafeTemplateDir: true,
} as const

function failOnAnyExitCode(
  error: Buffer | Error | undefined,
  result: { readonly exitCode: number; readonly stdErr: readonly Buffer[] },
): Buffer | Error | undefined {
  if (error !== undefined || result.exitCode === 0) return error
  const printed = Buffer.concat([...result.stdErr])
  return printed.length > 0 ? printed : Buffer.from(`fatal: git ended with ${String(result.exitCode)}`)
}

/** `<oid> blob <size>\n<content>\n` or `<oid> missing\n`, in the order asked for. */
async function readBatch(
  stdout: Readable,
  oids: readonly string[],
  onObject: (oid: string, content: Buffer | null) => void,
): Promise<void> {
  let chunks: Buffer[] = []
  let held = 0
  let needed = 0
  let answered = 0
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    held += chunk.length
    if (held < needed) continue
    let rest: Buffer = Buffer.concat(chunks)
    needed = 0
    while (needed === 0) {
      const end = rest.indexOf(10)
      if (end < 0) break
      const [oid = '', type = '', size = ''] = rest.subarray(0, end).toString('latin1').split(' ')
      const start = end + 1
      const stop = type === 'blob' ? start + Number(size) : start
      if (type === 'blob' && rest.length <= stop) {
        needed = stop + 1
        break
      }
      onObject(oid, type === 'blob' ? rest.subarray(start, stop) : null)
      rest = rest.subarray(type === 'blob' ? stop + 1 : start)
      answered += 1
    }
    chunks = [rest]
    held = rest.length
  }
  if (answered !== oids.length) throw new Error(`git cat-file answered ${answered} of ${oids.length} objects`)
}

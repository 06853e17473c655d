/** Server processes under test: started on loopback, waited for, always ended. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ServerProcess {
  readonly port: number
  readonly pid: number
  readonly stop: () => Promise<void>
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })

const answers = async (url: string): Promise<boolean> => {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

/** Starts `command`, and waits until `path` answers 200. */
export const startServer = async (options: {
  readonly command: string
  readonly args: (port: number) => readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly path: string
  readonly startSeconds?: number
}): Promise<ServerProcess> => {
  const { command, args, env = {}, path, startSeconds = 120 } = options
  const port = await freePort()
  const child = spawn(command, args(port), {
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  running.add(child)
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000)
  })
  const exited = new Promise<void>((resolve) => {
    child.on('exit', () => {
      running.delete(child)
      resolve()
    })
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await Promise.race([exited, sleep(15_000, undefined, { ref: false })])
    child.kill('SIGKILL')
  }
  for (const until = Date.now() + startSeconds * 1000; Date.now() < until; await sleep(50)) {
    if (await answers(`http://127.0.0.1:${port}${path}`)) return { port, pid: child.pid ?? 0, stop }
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}: ${said}`)
  }
  await stop()
  throw new Error(`${command} did not answer on ${path} within ${startSeconds} s: ${said}`)
}

/** Runs one tool to its end and keeps what it said. Never throws: a tool that cannot start has `code: null`. No shell. */
import { spawn } from 'node:child_process'
import type { Environment } from './cache-folder.ts'

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly env: Environment
  readonly cwd?: string
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

const keptBytes = 64 * 1024

export function command(file: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((done) => {
    const child = spawn(file, [...args], {
      env: { ...options.env },
      cwd: options.cwd,
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      signal: options.signal,
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => (stdout = `${stdout}${String(chunk)}`.slice(-keptBytes)))
    child.stderr.on('data', (chunk) => (stderr = `${stderr}${String(chunk)}`.slice(-keptBytes)))
    child.on('error', (error) => done({ code: null, stdout, stderr: error.message }))
    child.on('close', (code) => done({ code, stdout, stderr }))
  })
}

/** The last lines of what a tool said, for an error message. */
export function lastWords(result: CommandResult, lines = 3): string {
  const said = (result.stderr.trim() || result.stdout.trim()).split('\n').filter((line) => line.trim() !== '')
  return said.slice(-lines).join('\n') || `exit code ${result.code}`
}

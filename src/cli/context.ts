/** What every command is handed, and how a command line ends. */
import type { Command } from 'commander'
import { loadConfig, type Config } from '../config.ts'
import { EdictError } from '../errors.ts'
import type { RunOptions } from '../main/deployment.ts'
import type { Finding } from '../policy/schema.ts'
import { createProgressBar } from '../progress.ts'

/** 0 done, 1 failed, 2 wrong usage or configuration, 3 done with findings. */
export const exit = { done: 0, failed: 1, usage: 2, findings: 3 } as const

/** Of commands that say what would change: 0 nothing to do, 1 failed, 2 changes wait, 3 findings, 4 tests failed. */
export const planExit = { done: 0, failed: 1, pending: 2, findings: 3, testsFailed: 4 } as const

/** For findings; null when none is an error. */
export const findingsExit = (findings: readonly Finding[]): number | null => {
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (errors.length === 0) return null
  return errors.every(({ code }) => code === 'test_failed') ? planExit.testsFailed : planExit.findings
}

export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** `--config`. */
  readonly file: () => string | undefined
  /** `--as`. */
  readonly as: () => string | undefined
  /** `--server`; otherwise commands work on the store itself. */
  readonly server: () => string | undefined
  /** `--break-glass`. */
  readonly breakGlass: () => string | undefined
  /** What was asked for, without options. */
  readonly command: () => string
  readonly signal: AbortSignal
  /** On standard output. */
  readonly print: (text: string) => void
  /** Tells people something where the output may be parsed. */
  readonly tell: (text: string) => void
  /** What runs until it is stopped has done its work then, however early that is. */
  readonly untilStopped: (running: Promise<void>) => Promise<void>
}

export type AddCommand = (program: Command, context: Context) => void

export const configOf = ({ env, cwd, file }: Pick<Context, 'env' | 'cwd' | 'file'>): Config =>
  loadConfig({ env, cwd, file: file() })

/** For a command that runs once, on the store itself. Who means a server must not change another store unawares. */
export const runOptions = (context: Context, config: Config = configOf(context)): RunOptions => {
  const { env, signal, tell } = context
  if (context.server() !== undefined)
    throw new EdictError('config_invalid', 'This command does not go through a server: leave --server out.')
  const as = context.as() ?? config.cli.actor
  const acting = { as, breakGlass: context.breakGlass() ?? null, command: context.command() }
  return { config, env, signal, acting, print: tell, onProgress: createProgressBar(process.stderr) }
}

export const asJson = (value: unknown): string => JSON.stringify(value, null, 2)

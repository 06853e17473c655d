#!/usr/bin/env node
/**
 * The command line: `edict serve | sync | status | rules`. Reads the environment, has `main/` build and join the parts, prints
 * for people (or `--json`), and turns outcomes into exit codes.
 */
import { Command } from 'commander'
import { rulesCommand } from './cli/rules.ts'
import { loadConfig, parseConfig, readOrigin } from './config.ts'
import { EdictError } from './errors.ts'
import { runServer } from './main/serve.ts'
import { readStatus } from './main/status.ts'
import { runSync, runWorker } from './main/sync.ts'
import { createProgressBar } from './progress.ts'
import { statusText } from './status-text.ts'
import { version } from './version.ts'

/** 0 done, 1 failed, 2 wrong usage or configuration, 3 done with findings. */
const exit = { done: 0, failed: 1, usage: 2, findings: 3 } as const

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => {
    if (stop.signal.aborted) process.exit(exit.failed)
    stop.abort()
  })

const isStop = (error: unknown): boolean =>
  stop.signal.aborted &&
  ((error instanceof EdictError && error.code === 'shutting_down') ||
    (error instanceof Error && error.name === 'AbortError'))

/** What runs until it is stopped has done its work then, however early that is. */
const untilStopped = (running: Promise<void>): Promise<void> =>
  running.catch((error: unknown) => {
    if (!isStop(error)) throw error
  })

interface Shared {
  readonly config?: string
}

const place = () => ({ env: process.env, cwd: process.cwd(), file: program.opts<Shared>().config })

const print = (text: string): void => void process.stdout.write(`${text}\n`)
/** Where a command whose output may be parsed tells people something. */
const tell = (text: string): void => void process.stderr.write(`${text}\n`)

const program = new Command('edict')
  .description('Git-synced policy evaluation server that embeds OPA as WebAssembly')
  .version(version)
  .showHelpAfterError()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? exit.done : exit.usage))
  .option('-c, --config <file>', 'configuration file (default: edict.yaml in the working folder)')

program
  .command('serve')
  .description('serve decisions, and keep the sources in sync')
  .option('--no-sync', 'serve only; a worker elsewhere syncs')
  .action(async ({ sync }: { sync: boolean }) => {
    const origin = readOrigin(place())
    const config = parseConfig(origin)
    const onProgress = createProgressBar(process.stderr)
    await untilStopped(runServer({ config, origin, env: process.env, sync, print, onProgress, signal: stop.signal }))
  })

program
  .command('sync')
  .description('run one sync cycle, or follow the sources with --watch')
  .option('--watch', 'keep running: poll, watch and answer requests')
  .option('--source <name>', 'only this source')
  .option('--confirm <commit>', 'apply the mass deletion of this very commit')
  .option('--json', 'print the outcome as JSON')
  .action(async (options: { watch?: boolean; source?: string; confirm?: string; json?: boolean }) => {
    const onProgress = createProgressBar(process.stderr)
    const common = { config: loadConfig(place()), env: process.env, onProgress, signal: stop.signal }
    if (options.watch) return untilStopped(runWorker({ ...common, print }))
    const { source = null, confirm = null } = options
    const outcome = await runSync({ ...common, source, confirm, print: tell })
    print(options.json ? JSON.stringify(outcome, null, 2) : outcome.text)
    const findings = outcome.findings.some(({ severity }) => severity === 'error')
    process.exitCode = !outcome.ok ? exit.failed : findings ? exit.findings : exit.done
  })

program
  .command('status')
  .description('show the sources, the revision in force, quarantined and locked policies')
  .option('--json', 'print JSON')
  .action(async ({ json }: { json?: boolean }) => {
    const config = loadConfig(place())
    const status = await readStatus({ config, env: process.env, print: tell, signal: stop.signal })
    print(json ? JSON.stringify(status, null, 2) : statusText(status))
  })

program.addCommand(rulesCommand({ env: process.env, print, tell }))

/** What is the caller's to mend is told without a stack. */
const describe = (error: unknown): string => {
  if (error instanceof EdictError && error.fault !== 'ours') return error.message
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? `\n  caused by: ${error.cause.message}` : ''
  return error instanceof EdictError ? `${error.message}${cause}` : (error.stack ?? error.message)
}

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`edict: ${isStop(error) ? 'stopped before it was done' : describe(error)}\n`)
  process.exitCode = error instanceof EdictError && error.code === 'config_invalid' ? exit.usage : exit.failed
}

#!/usr/bin/env node
/**
 * The command line. Reads the environment, hands it to the commands (`cli/`, one file each), which have `main/` build and
 * join the parts, and turns errors into exit codes.
 */
import { Command } from 'commander'
import { addApply } from './cli/apply.ts'
import { addAudit } from './cli/audit.ts'
import { addCompose } from './cli/compose.ts'
import { addConfirm } from './cli/confirm.ts'
import { type AddCommand, type Context, exit } from './cli/context.ts'
import { addPlan } from './cli/plan.ts'
import { addPolicy } from './cli/policy.ts'
import { addRelease } from './cli/release.ts'
import { addRollback } from './cli/rollback.ts'
import { rulesCommand } from './cli/rules.ts'
import { addServe } from './cli/serve.ts'
import { addStatus } from './cli/status.ts'
import { addSync } from './cli/sync.ts'
import { addToken } from './cli/token.ts'
import { EdictError } from './errors.ts'
import { version } from './version.ts'

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

const program = new Command('edict')
  .description('Git-synced policy evaluation server that embeds OPA as WebAssembly')
  .version(version)
  .showHelpAfterError()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? exit.done : exit.usage))
  .option('-c, --config <file>', 'configuration file (default: edict.yaml in the working folder)')
  .option('--as <actor>', 'who acts, in commands that work on the store itself (default: cli.actor)')
  .option(
    '--break-glass <reason>',
    'pass by the rules, in commands that work on the store itself; the audit log says so',
  )

const commands: readonly AddCommand[] = [
  addServe,
  addSync,
  addStatus,
  addCompose,
  addPlan,
  addApply,
  addRollback,
  addConfirm,
  addRelease,
  addPolicy,
  addAudit,
  addToken,
]
const context: Context = {
  env: process.env,
  cwd: process.cwd(),
  file: () => program.opts<{ readonly config?: string }>().config,
  as: () => program.opts<{ readonly as?: string }>().as,
  breakGlass: () => program.opts<{ readonly breakGlass?: string }>().breakGlass,
  command: () => program.args.join(' '),
  signal: stop.signal,
  print: (text) => void process.stdout.write(`${text}\n`),
  tell: (text) => void process.stderr.write(`${text}\n`),
  untilStopped: (running) =>
    running.catch((error: unknown) => {
      if (!isStop(error)) throw error
    }),
}

for (const add of commands) add(program, context)
program.addCommand(rulesCommand(context))

/** What is the caller's to mend is told without a stack. */
const describe = (error: unknown): string => {
  if (error instanceof EdictError && error.fault !== 'ours') return error.message
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? `\n  caused by: ${error.cause.message}` : ''
  return error instanceof EdictError ? `${error.message}${cause}` : (error.stack ?? error.message)
}

/** Where 2 means that changes are pending, nothing else may mean it. */
const saysPending = () => ['compose', 'plan', 'apply'].includes(program.args[0] ?? '')

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`edict: ${isStop(error) ? 'stopped before it was done' : describe(error)}\n`)
  const isUsage = error instanceof EdictError && error.code === 'config_invalid' && !saysPending()
  process.exitCode = isUsage ? exit.usage : exit.failed
}

#!/usr/bin/env node
/**
 * The command line. Reads the environment, hands it to the commands (`cli/`, one file each), which have `main/` build and
 * join the parts, and turns errors into exit codes.
 */
import { exit } from './cli/context.ts'
import { createProgram } from './cli/program.ts'
import { EdictError } from './errors.ts'

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

const program = createProgram({
  env: process.env,
  cwd: process.cwd(),
  signal: stop.signal,
  print: (text) => void process.stdout.write(`${text}\n`),
  tell: (text) => void process.stderr.write(`${text}\n`),
  untilStopped: (running) =>
    running.catch((error: unknown) => {
      if (!isStop(error)) throw error
    }),
})

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

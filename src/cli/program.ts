/** The whole command line: options of all commands, and the commands, one file each. */
import { Command } from 'commander'
import { addApply } from './apply.ts'
import { addAudit } from './audit.ts'
import { addCompletion } from './completion.ts'
import { addCompose } from './compose.ts'
import { addConfirm } from './confirm.ts'
import { type AddCommand, type Context, exit } from './context.ts'
import { addLists } from './lists.ts'
import { addLock } from './lock.ts'
import { addPlan } from './plan.ts'
import { addPolicy } from './policy.ts'
import { addRelease } from './release.ts'
import { addReload } from './reload.ts'
import { addRollback } from './rollback.ts'
import { rulesCommand } from './rules.ts'
import { addServe } from './serve.ts'
import { addStatus } from './status.ts'
import { addSync } from './sync.ts'
import { addToken } from './token.ts'
import { version } from '../version.ts'

/** What the root knows; the rest of a context is asked of the command line itself. */
export type Surroundings = Pick<Context, 'env' | 'cwd' | 'signal' | 'print' | 'tell' | 'untilStopped'>

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
  addReload,
  addLock,
  addLists,
  addCompletion,
]

export const createProgram = (surroundings: Surroundings): Command => {
  const program = new Command('edict')
    .description('Git-synced policy evaluation server that embeds OPA as WebAssembly')
    .version(version)
    .showHelpAfterError()
    .exitOverride((error) => process.exit(error.exitCode === 0 ? exit.done : exit.usage))
    .option('-c, --config <file>', 'configuration file (default: edict.yaml in the working folder)')
    .option('--as <actor>', 'who acts, in commands that work on the store itself (default: cli.actor)')
    .option('--server <url>', 'work through this running server, with the token of EDICT_TOKEN or EDICT_TOKEN_FILE')
    .option(
      '--break-glass <reason>',
      'pass by the rules, in commands that work on the store itself; the audit log says so',
    )
  const context: Context = {
    ...surroundings,
    file: () => program.opts<{ readonly config?: string }>().config,
    as: () => program.opts<{ readonly as?: string }>().as,
    server: () => program.opts<{ readonly server?: string }>().server,
    breakGlass: () => program.opts<{ readonly breakGlass?: string }>().breakGlass,
    command: () => program.args.join(' '),
  }
  for (const add of commands) add(program, context)
  program.addCommand(rulesCommand(context))
  return program
}

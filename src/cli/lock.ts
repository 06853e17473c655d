/** `edict lock`, `edict unlock`: answers when every live server has heard of it; exit code 3 when one has not in time. */
import { EdictError } from '../errors.ts'
import type { Confirmation } from '../store/replicas.ts'
import { type AddCommand, asJson, type Context, exit } from './context.ts'
import { operationsOf } from './operations.ts'

const tellOf = (
  { print, tell }: Context,
  done: string,
  confirmation: Confirmation,
  json: boolean | undefined,
): void => {
  const { confirmed, silent, pending } = confirmation
  print(json ? asJson(confirmation) : `${done}${confirmed.length > 0 ? `, confirmed by ${confirmed.join(', ')}` : ''}`)
  if (silent.length > 0) tell(`not heard of lately: ${silent.join(', ')}`)
  if (pending.length > 0) tell(`not confirmed in time by ${pending.join(', ')}; it stands all the same`)
  process.exitCode = pending.length > 0 ? exit.findings : exit.done
}

const instant = (written: string | undefined): Date | null => {
  if (written === undefined) return null
  const date = new Date(written)
  if (!Number.isNaN(date.getTime()) && date.getTime() > Date.now()) return date
  throw new EdictError('config_invalid', `--until ${written} is no time to come: write 2026-12-24T18:00:00Z.`)
}

export const addLock: AddCommand = (program, context) => {
  program
    .command('lock')
    .description('lock a policy: no live server evaluates it any more when this returns')
    .argument('<policy>', 'group/name/version')
    .option('--reason <text>', 'why, for people')
    .option('--until <time>', 'when the lock ends by itself')
    .option('--json', 'print JSON')
    .action(async (key: string, { reason, until, json }: { reason?: string; until?: string; json?: boolean }) => {
      const lock = { reason: reason ?? null, until: instant(until) }
      tellOf(context, `${key} is locked`, await operationsOf(context).lock(key, lock), json)
    })
  program
    .command('unlock')
    .description('unlock a policy')
    .argument('<policy>', 'group/name/version')
    .option('--json', 'print JSON')
    .action(async (key: string, { json }: { json?: boolean }) =>
      tellOf(context, `${key} is unlocked`, await operationsOf(context).unlock(key), json),
    )
}

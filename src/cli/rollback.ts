/** `edict rollback REVISION`: back to that revision's content, as a new revision. */
import { EdictError } from '../errors.ts'
import { runRollback } from '../main/once.ts'
import { type AddCommand, runOptions } from './context.ts'
import { tellReport } from './report.ts'

interface Options {
  readonly reason?: string
  readonly json?: boolean
}

export const addRollback: AddCommand = (program, context) =>
  void program
    .command('rollback')
    .description('go back to a revision; the sources that it turns back are held until they are released')
    .argument('<revision>')
    .option('--reason <text>', 'why, for people')
    .option('--json', 'print JSON')
    .action(async (written: string, { reason, json }: Options) => {
      const revision = Number(written)
      if (!Number.isSafeInteger(revision) || revision < 1)
        throw new EdictError('config_invalid', `${written} is not a revision: name one by its number.`)
      const report = await runRollback({ ...runOptions(context), revision, reason: reason ?? null })
      tellReport(context, report, json)
    })

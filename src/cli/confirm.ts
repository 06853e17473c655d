/** `edict confirm SOURCE`: applies the commit that is held back because it removes so much. */
import { runConfirm } from '../main/once.ts'
import { type AddCommand, runOptions } from './context.ts'
import { tellReport } from './report.ts'

interface Options {
  readonly commit?: string
  readonly json?: boolean
}

export const addConfirm: AddCommand = (program, context) =>
  void program
    .command('confirm')
    .description('apply the commit of a source that is held back because it removes so much')
    .argument('<source>')
    .option('--commit <id>', 'only if it is this one')
    .option('--json', 'print JSON')
    .action(async (source: string, { commit, json }: Options) => {
      const report = await runConfirm({ ...runOptions(context), source, commit: commit ?? null })
      tellReport(context, report, json)
    })

/** `edict release SOURCE`: follows a source again that was turned back, or whose commit was rejected. */
import { runRelease } from '../main/once.ts'
import { type AddCommand, runOptions } from './context.ts'
import { tellReport } from './report.ts'

export const addRelease: AddCommand = (program, context) =>
  void program
    .command('release')
    .description('follow a held source again, and sync it now')
    .argument('<source>')
    .option('--json', 'print JSON')
    .action(async (source: string, { json }: { json?: boolean }) => {
      tellReport(context, await runRelease({ ...runOptions(context), source }), json)
    })

/** `edict status`. */
import { readStatus } from '../main/status.ts'
import { statusText } from '../status-text.ts'
import { type AddCommand, asJson, runOptions } from './context.ts'

export const addStatus: AddCommand = (program, context) =>
  void program
    .command('status')
    .description('show the sources, the revision in force, quarantined and locked policies')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const status = await readStatus(runOptions(context))
      context.print(json ? asJson(status) : statusText(status))
    })

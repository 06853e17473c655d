/** `edict apply [DIR…]`: one cycle; with `--plan`, the plan that waits is approved. */
import { runCycleOnce, withDirectories } from '../main/once.ts'
import { type AddCommand, configOf, planExit, runOptions } from './context.ts'
import { tellReport } from './report.ts'

interface Options {
  readonly plan?: string
  readonly json?: boolean
}

export const addApply: AddCommand = (program, context) =>
  void program
    .command('apply')
    .description('apply what the configured sources, or directories (DIR or NAME=DIR), change')
    .argument('[dir...]')
    .option('--plan <id>', 'approve this plan, which waits')
    .option('--json', 'print JSON')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? planExit.done : planExit.failed))
    .action(async (directories: readonly string[], { plan, json }: Options) => {
      const config = withDirectories(configOf(context), directories, context.cwd)
      const report = await runCycleOnce({ ...runOptions(context, config), approve: plan ?? null })
      tellReport(context, report, json)
    })

/** `edict plan [DIR…]`: what `edict apply` would change. Writes nothing. */
import { runPlan, withDirectories } from '../main/once.ts'
import { planText } from '../plan-text.ts'
import { type AddCommand, asJson, configOf, findingsExit, planExit, runOptions } from './context.ts'

export const addPlan: AddCommand = (program, context) =>
  void program
    .command('plan')
    .description('show what would change: of the configured sources, or of directories (DIR or NAME=DIR)')
    .argument('[dir...]')
    .option('--json', 'print JSON')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? planExit.done : planExit.failed))
    .action(async (directories: readonly string[], { json }: { json?: boolean }) => {
      const config = withDirectories(configOf(context), directories, context.cwd)
      const { plan, diffs, changesForce, conflict, unreadable } = await runPlan(runOptions(context, config))
      for (const [name, reason] of unreadable) context.tell(`edict: ${name}: ${reason}`)
      const { _id: _, status: __, ...shown } = plan
      context.print(json ? asJson({ ...shown, diffs, conflict, pending: changesForce }) : planText(plan, diffs))
      const pending = changesForce ? planExit.pending : planExit.done
      process.exitCode = unreadable.size > 0 ? planExit.failed : (findingsExit(plan.findings) ?? pending)
    })

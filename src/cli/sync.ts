/** `edict sync`: one cycle, or cycles until it is stopped. */
import { findingLine } from '../finding-text.ts'
import { runCycleOnce } from '../main/once.ts'
import { runWorker } from '../main/sync.ts'
import { type AddCommand, asJson, exit, runOptions } from './context.ts'

interface Options {
  readonly watch?: boolean
  readonly source?: string
  readonly confirm?: string
  readonly json?: boolean
}

export const addSync: AddCommand = (program, context) =>
  void program
    .command('sync')
    .description('run one sync cycle, or follow the sources with --watch')
    .option('--watch', 'keep running: poll, watch and answer requests')
    .option('--source <name>', 'only this source')
    .option('--confirm <commit>', 'apply the mass deletion of this very commit')
    .option('--json', 'print the outcome as JSON')
    .action(async ({ watch, source, confirm, json }: Options) => {
      const options = runOptions(context)
      if (watch) return context.untilStopped(runWorker({ ...options, print: context.print }))
      const report = await runCycleOnce({ ...options, source: source ?? null, confirm: confirm ?? null })
      context.print(json ? asJson(report) : [report.message, ...report.findings.map(findingLine)].join('\n'))
      const findings = report.findings.some(({ severity }) => severity === 'error')
      process.exitCode = !report.ok ? exit.failed : findings ? exit.findings : exit.done
    })

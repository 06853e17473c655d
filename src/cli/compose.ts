/** `edict compose [DIR…]`: what the sources declare together, who owns what, and what does not fit. */
import { findingLine } from '../finding-text.ts'
import { runCompose, type Composed } from '../main/compose.ts'
import { withDirectories } from '../main/once.ts'
import { type AddCommand, asJson, configOf, planExit, runOptions } from './context.ts'

const textOf = ({ sources, owners, findings }: Composed): string => {
  const lines = Object.entries(owners).map(([key, all]) => `  ${key}  ${all.map(({ source }) => source).join(', ')}`)
  const from = sources.map(({ name, revision }) => `${name} at ${revision}`)
  return [`composed of ${from.join(', ')}`, ...lines, ...findings.map(findingLine)].join('\n')
}

export const addCompose: AddCommand = (program, context) =>
  void program
    .command('compose')
    .description('compose the sources, or directories (DIR or NAME=DIR), without a database: owners and findings')
    .argument('[dir...]')
    .option('--json', 'print JSON')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? planExit.done : planExit.failed))
    .action(async (directories: readonly string[], { json }: { json?: boolean }) => {
      const config = withDirectories(configOf(context), directories, context.cwd)
      const composed = await runCompose(runOptions(context, config))
      context.print(json ? asJson(composed) : textOf(composed))
      const hasErrors = composed.findings.some(({ severity }) => severity === 'error')
      process.exitCode = hasErrors ? planExit.findings : planExit.done
    })

/** `edict policy validate [DIR]`: everything that is wrong with a directory of policies. */
import { Option } from 'commander'
import { caretText } from '../../findings/caret-text.ts'
import { githubCommand } from '../../findings/github.ts'
import { sarif } from '../../findings/sarif.ts'
import { openFolder, type PolicyFolder } from '../../main/policy-folder.ts'
import { isError } from '../../policy/analysis.ts'
import { version } from '../../version.ts'
import { type AddCommand, asJson, exit, runOptions } from '../context.ts'
import { plural, shownPathIn, textOf } from './folder.ts'

interface Options {
  readonly format: 'text' | 'json' | 'sarif' | 'github'
  readonly strict?: boolean
}

const countsOf = ({ counts: { policies, modules, rules } }: PolicyFolder): string =>
  [plural(policies, 'policy'), plural(modules, 'shared module'), plural(rules, 'rule')].join(', ')

const textReport = (folder: PolicyFolder, shownPath: (file: string) => string): string => {
  const errors = folder.findings.filter(isError).length
  const warnings = folder.findings.length - errors
  const found = folder.findings.map((finding) => caretText(finding, shownPath, textOf(folder)))
  const sum = `${plural(errors, 'error')}, ${plural(warnings, 'warning')}`
  return [...found, `${countsOf(folder)}: ${sum}`].join('\n')
}

const report = (folder: PolicyFolder, format: Options['format'], shownPath: (file: string) => string): string => {
  const { counts, findings } = folder
  if (format === 'json') return asJson({ counts, findings })
  if (format === 'sarif') return asJson(sarif({ findings, version, shownPath }))
  if (format === 'github') return findings.map((finding) => githubCommand(finding, shownPath)).join('\n')
  return textReport(folder, shownPath)
}

export const addValidate: AddCommand = (policy, context) =>
  void policy
    .command('validate')
    .description('check all policies, modules and data of a directory, and list what is wrong')
    .argument('[dir]', 'the directory', '.')
    .addOption(new Option('--format <format>').choices(['text', 'json', 'sarif', 'github']).default('text'))
    .option('--strict', 'exit with 1 for a warning, too')
    .action(async (directory: string, { format, strict = false }: Options) => {
      const folder = await openFolder({ ...runOptions(context), directory, tests: false })
      const text = report(folder, format, shownPathIn(context, directory))
      if (text !== '') context.print(text)
      const isBad = folder.findings.some((finding) => strict || isError(finding))
      process.exitCode = isBad ? exit.failed : exit.done
    })

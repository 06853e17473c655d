/** `edict policy validate [DIR]`: everything that is wrong with a directory of policies, and with the files that say who may do what. */
import { Option } from 'commander'
import { caretText, type TextOf } from '../../findings/caret-text.ts'
import { githubCommand } from '../../findings/github.ts'
import { sarif } from '../../findings/sarif.ts'
import type { Authorization } from '../../main/authorization.ts'
import { openFolder, type PolicyFolder } from '../../main/policy-folder.ts'
import { isError } from '../../policy/analysis.ts'
import type { Finding } from '../../policy/schema.ts'
import { version } from '../../version.ts'
import { type AddCommand, asJson, type Context, exit } from '../context.ts'
import { authorizationIn, folderOptions, plural, shownPathIn, textOf } from './folder.ts'

interface Options {
  readonly format: 'text' | 'json' | 'sarif' | 'github'
  readonly allowWarnings?: boolean
}

/** What was looked at, and what was found. */
interface Validated {
  readonly counts: PolicyFolder['counts'] & Authorization['counts']
  readonly findings: readonly Finding[]
  readonly textOf: TextOf
}

const countsOf = ({ counts: { policies, modules, rules, actors, authorizationRules } }: Validated): string =>
  [
    ...[plural(policies, 'policy'), plural(modules, 'shared module'), plural(rules, 'rule'), plural(actors, 'actor')],
    ...(authorizationRules === 0 ? [] : [plural(authorizationRules, 'authorization rule')]),
  ].join(', ')

const textReport = (validated: Validated, shownPath: (file: string) => string): string => {
  const { findings, textOf: text } = validated
  const errors = findings.filter(isError).length
  const found = findings.map((finding) => caretText(finding, shownPath, text))
  const sum = `${plural(errors, 'error')}, ${plural(findings.length - errors, 'warning')}`
  return [...found, `${countsOf(validated)}: ${sum}`].join('\n')
}

const report = (validated: Validated, format: Options['format'], shownPath: (file: string) => string): string => {
  const { counts, findings } = validated
  if (format === 'json') return asJson({ counts, findings })
  if (format === 'sarif') return asJson(sarif({ findings, version, shownPath }))
  if (format === 'github') return findings.map((finding) => githubCommand(finding, shownPath)).join('\n')
  return textReport(validated, shownPath)
}

const validate = async (context: Context, directory: string): Promise<Validated> => {
  const options = folderOptions(context, directory)
  const folder = await openFolder({ ...options, tests: 'check' })
  const authorization = authorizationIn(context, directory, options.config)
  const ofPolicies = textOf(folder)
  return {
    counts: { ...folder.counts, ...authorization.counts },
    findings: [...folder.findings, ...authorization.findings],
    textOf: (file) => ofPolicies(file) ?? authorization.textOf(file),
  }
}

export const addValidate: AddCommand = (policy, context) =>
  void policy
    .command('validate')
    .description(
      'check all policies, modules and data of a directory, and the rules that say who may do what with their tests; list what is wrong',
    )
    .argument('[dir]', 'the directory', '.')
    .addOption(new Option('--format <format>').choices(['text', 'json', 'sarif', 'github']).default('text'))
    .option('--allow-warnings', 'exit with 0 when nothing but warnings is found')
    .action(async (directory: string, { format, allowWarnings = false }: Options) => {
      const validated = await validate(context, directory)
      const text = report(validated, format, shownPathIn(context, directory))
      if (text !== '') context.print(text)
      const isBad = validated.findings.some((finding) => !allowWarnings || isError(finding))
      process.exitCode = isBad ? exit.failed : exit.done
    })
